import pytest

from iowitness.specs.append_only import AppendOnly
from iowitness.specs.contract import judge
from iowitness.specs.verdict import Outcome, Verdict
from tests.doubles.hand_written import BROKER, LOG, HandWritten

LOGS = AppendOnly(files="**/*.log")


def judged(told: HandWritten, claim: AppendOnly = LOGS) -> Verdict:
    return judge(claim, told.history())


def appended() -> HandWritten:
    told = HandWritten()
    told.opened()
    told.written(0, 100)
    told.written(100, 50)
    return told


def test_writes_behind_the_end_hold() -> None:
    verdict = judged(appended())
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.summary == "2 writes, 150 B, none over what was there"


def test_a_gap_is_still_an_append() -> None:
    told = appended()
    told.written(1000, 10)
    assert judged(told).outcome is Outcome.HOLDS


def test_a_write_over_what_was_there_is_named() -> None:
    told = appended()
    told.written(149, 10)
    verdict = judged(told)
    assert verdict.outcome is Outcome.VIOLATED
    assert verdict.summary == (
        "write of 10 B at 149, expected 150 or above (plain-0/0….log, broker.strace:4)"
    )


def test_a_write_over_what_was_there_before_the_history_is_one_too() -> None:
    told = HandWritten()
    told.opened(size=500)
    told.written(499, 10)
    assert judged(told).outcome is Outcome.VIOLATED


def test_cutting_off_what_was_written_is_a_violation() -> None:
    told = appended()
    told.resized(149)
    assert "expected the 150 B written to stay" in judged(told).summary


def test_emptying_by_opening_is_a_violation() -> None:
    told = appended()
    told.opened(truncated=True)
    assert judged(told).outcome is Outcome.VIOLATED


def test_growing_and_trimming_reserved_space_holds() -> None:
    told = HandWritten()
    told.opened()
    told.resized(4096)
    told.written(0, 100)
    told.resized(100)
    told.written(100, 1)
    assert judged(told).outcome is Outcome.HOLDS


@pytest.mark.parametrize("mode", ["PUNCH_HOLE|KEEP_SIZE", "ZERO_RANGE", "COLLAPSE_RANGE"])
def test_punching_what_was_written_is_a_violation(mode: str) -> None:
    told = appended()
    told.allocated(0, 10, mode)
    assert judged(told).outcome is Outcome.VIOLATED


def test_reserving_space_holds() -> None:
    told = appended()
    told.allocated(0, 4096, "KEEP_SIZE")
    told.allocated(0, 4096)
    assert judged(told).outcome is Outcome.HOLDS


def test_appends_by_the_kernel_hold_wherever_they_went() -> None:
    told = HandWritten()
    told.opened(size=None)
    told.written(None, 10, append=True)
    told.written(None, 10, append=True)
    assert judged(told).outcome is Outcome.HOLDS


def test_concurrent_writes_to_different_places_hold() -> None:
    told = HandWritten()
    told.opened()
    told.written(10, 10, start_ns=20, end_ns=30)
    told.written(0, 10, start_ns=21, end_ns=31, who=(BROKER, BROKER + 1))
    assert judged(told).outcome is Outcome.HOLDS


def test_concurrent_writes_to_one_place_are_a_violation() -> None:
    told = HandWritten()
    told.opened()
    told.written(0, 10, start_ns=20, end_ns=30)
    told.written(5, 10, start_ns=21, end_ns=31, who=(BROKER, BROKER + 1))
    assert "over the 10 B at 0" in judged(told).summary


def test_a_shared_writable_mapping_makes_it_unknown() -> None:
    told = appended()
    told.mapped()
    assert judged(told).outcome is Outcome.UNKNOWN


def test_io_uring_on_the_file_makes_it_unknown() -> None:
    told = appended()
    told.unverifiable(endpoint=LOG)
    assert judged(told).outcome is Outcome.UNKNOWN


def test_an_unknown_size_leaves_the_first_write_unknown_unless_that_is_fine() -> None:
    told = HandWritten()
    told.opened(size=None)
    told.written(0, 10)
    assert judged(told).outcome is Outcome.UNKNOWN
    lenient = AppendOnly(files="**/*.log", first_write="at-size-if-known")
    assert judged(told, lenient).outcome is Outcome.HOLDS


def test_an_unknown_offset_is_unknown() -> None:
    told = appended()
    told.written(None, 10)
    assert judged(told).outcome is Outcome.UNKNOWN


def test_calls_of_one_thread_follow_one_another_however_coarse_the_clock() -> None:
    told = HandWritten()
    told.opened()
    told.written(10, 10, start_ns=20, end_ns=30)
    told.written(0, 10, start_ns=30, end_ns=30)
    assert "expected 20 or above" in judged(told).summary

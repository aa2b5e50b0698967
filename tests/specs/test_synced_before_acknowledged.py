import pytest

from iowitness.specs.contract import judge
from iowitness.specs.synced_before_acknowledged import SyncedBeforeAcknowledged
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.traces.events import File, Socket
from iowitness.traces.history import Gap
from tests.doubles.hand_written import LOG, HandWritten

CLAIM = SyncedBeforeAcknowledged(files="**/*.log")


def judged(told: HandWritten, claim: SyncedBeforeAcknowledged = CLAIM) -> Verdict:
    return judge(claim, told.history())


def written() -> HandWritten:
    told = HandWritten()
    told.opened()
    told.written(0, 100)
    return told


def test_an_answer_after_the_sync_holds() -> None:
    told = written()
    told.synced(call="fdatasync", scope="data")
    told.sent(5)
    verdict = judged(told)
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.summary == "1 answer, all after the sync of what had been written"


def test_an_answer_before_the_sync_is_named_with_both_lines() -> None:
    told = written()
    told.sent(5)
    told.synced()
    verdict = judged(told)
    assert verdict.outcome is Outcome.VIOLATED
    assert verdict.summary == (
        "5 B answered while 100 B written to plain-0/0….log at line 2 were not synced, "
        "expected a sync in between (127.0.0.1:9092 → 127.0.0.1:40000, broker.strace:3)"
    )
    assert [event.line for event in verdict.witnesses[0].events] == [3, 2]


def test_one_sync_makes_many_writes_durable() -> None:
    told = written()
    told.written(100, 100)
    told.written(200, 100)
    told.synced()
    told.sent(5)
    told.sent(5)
    assert judged(told).outcome is Outcome.HOLDS


def test_a_write_after_the_sync_waits_for_another() -> None:
    told = written()
    told.synced()
    told.written(100, 100)
    told.sent(5)
    assert judged(told).outcome is Outcome.VIOLATED


def test_a_sync_of_another_file_makes_nothing_durable() -> None:
    told = written()
    told.synced(File(9, "/data/other"))
    told.sent(5)
    assert judged(told).outcome is Outcome.VIOLATED


@pytest.mark.parametrize("scope", ["range", "mapping"])
def test_weak_syncs_make_nothing_durable(scope: str) -> None:
    told = written()
    told.synced(scope=scope)
    told.sent(5)
    assert judged(told).outcome is Outcome.VIOLATED


def test_a_sync_of_everything_makes_it_durable() -> None:
    told = written()
    told.synced(None, scope="filesystem")
    told.sent(5)
    assert judged(told).outcome is Outcome.HOLDS


def test_a_failed_sync_makes_nothing_durable() -> None:
    told = written()
    told.synced(error="EIO")
    told.sent(5)
    assert judged(told).outcome is Outcome.VIOLATED


def test_a_sync_that_began_before_the_write_ended_does_not_cover_it() -> None:
    told = HandWritten()
    told.opened()
    told.synced(who=(100, 101), start_ns=20, end_ns=40)
    told.written(0, 100, start_ns=25, end_ns=35)
    told.sent(5, start_ns=50, end_ns=55)
    assert judged(told).outcome is Outcome.VIOLATED


def test_an_answer_that_began_before_the_sync_ended_was_too_early() -> None:
    told = written()
    told.synced(who=(100, 101), start_ns=30, end_ns=50)
    told.sent(5, who=(100, 102), start_ns=45, end_ns=55)
    assert judged(told).outcome is Outcome.VIOLATED


def test_a_sync_by_another_thread_in_time_holds() -> None:
    told = written()
    told.synced(who=(100, 101), start_ns=30, end_ns=44)
    told.sent(5, who=(100, 102), start_ns=45, end_ns=55)
    assert judged(told).outcome is Outcome.HOLDS


def test_whose_writes_an_answer_speaks_of_is_the_suites_to_say() -> None:
    told = written()
    told.sent(5, who=(100, 101))
    told.sent(5, who=300)

    def witness_count(acknowledging: str) -> int:
        claim = {"files": "**/*.log", "acknowledging": acknowledging}
        return judged(told, SyncedBeforeAcknowledged.model_validate(claim)).witness_count

    assert [witness_count(who) for who in ("thread", "process", "anyone")] == [0, 1, 2]


def test_writes_to_a_synchronous_file_are_durable_when_they_return() -> None:
    told = HandWritten()
    told.opened(synchronous=True)
    told.written(0, 100)
    told.sent(5)
    assert judged(told).outcome is Outcome.HOLDS
    told.opened()
    told.written(100, 100)
    told.sent(5)
    assert judged(told).outcome is Outcome.VIOLATED


def test_ports_say_which_sends_are_answers() -> None:
    told = written()
    told.sent(5, channel=Socket(8, "TCP", "127.0.0.1:1234", "127.0.0.1:80"))
    claim = SyncedBeforeAcknowledged(files="**/*.log", local_ports=9092)
    assert judged(told, claim).outcome is Outcome.UNKNOWN


def test_no_answer_shows_nothing_and_neither_do_answers_before_any_write() -> None:
    assert judged(written()).outcome is Outcome.UNKNOWN
    told = HandWritten()
    told.sent(5)
    assert judged(told).outcome is Outcome.UNKNOWN


def test_a_mapping_and_io_uring_make_it_unknown() -> None:
    for doubt in ("mapped", "unverifiable"):
        told = written()
        told.synced()
        told.sent(5)
        getattr(told, doubt)()
        assert judged(told).outcome is Outcome.UNKNOWN


def test_bytes_moved_into_the_file_inside_the_kernel_need_a_sync_too() -> None:
    told = HandWritten()
    told.transferred(0, 20, File(2, "/data/x"), destination=LOG, destination_offset=0)
    told.sent(5)
    assert judged(told).outcome is Outcome.VIOLATED


@pytest.mark.parametrize(
    ("call", "outcome"), [("fdatasync", Outcome.HOLDS), ("write", Outcome.UNKNOWN)]
)
def test_a_sync_whose_end_nobody_saw_does_no_harm_and_a_write_does(
    call: str, outcome: Outcome
) -> None:
    told = written()
    told.synced()
    told.sent(5)
    gaps = (Gap(reason=f"{call} never resumed", line=12, call=call),)
    assert judge(CLAIM, told.history(gaps=gaps)).outcome is outcome

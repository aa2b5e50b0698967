from iowitness.specs.contract import judge
from iowitness.specs.places import verdict_line
from iowitness.specs.sequential_writes import SequentialWrites
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.traces.events import File
from iowitness.traces.history import Gap
from tests.doubles.hand_written import LOG, HandWritten

LOGS = SequentialWrites(files="**/*.log")
DATABASE = File(5, "/data/some.db")


def judged(told: HandWritten, claim: SequentialWrites = LOGS) -> Verdict:
    return judge(claim, told.history())


def log_of(*writes: tuple[int | None, int], size: int | None = 0) -> HandWritten:
    told = HandWritten()
    told.opened(size=size)
    for offset, byte_count in writes:
        told.written(offset, byte_count)
    return told


def test_writes_that_follow_one_another_hold() -> None:
    verdict = judged(log_of((0, 512), (512, 100), (612, 1)))
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.summary == "3 writes to 1 file, each at the end of the last"
    assert verdict.event_count == 3


def test_a_gap_is_named_with_its_place_and_line() -> None:
    verdict = judged(log_of((0, 4096), (8192, 512)))
    assert verdict_line(verdict) == (
        "VIOLATED sequential-writes: write of 512 B at 8192, expected 4096 "
        "(plain-0/0….log, broker.strace:3)"
    )
    assert [event.line for event in verdict.witnesses[0].events] == [3, 2]


def test_a_step_back_is_a_violation() -> None:
    assert judged(log_of((0, 4096), (0, 4096))).outcome is Outcome.VIOLATED


def test_after_a_violation_the_count_goes_on_from_there() -> None:
    assert judged(log_of((0, 10), (50, 10), (60, 10), (70, 10))).witness_count == 1


def test_the_first_write_is_held_against_the_size_when_opened() -> None:
    assert judged(log_of((700, 10), size=700)).outcome is Outcome.HOLDS
    assert "expected 700" in judged(log_of((0, 10), size=700)).summary


def test_an_unknown_size_leaves_the_first_write_unknown() -> None:
    verdict = judged(log_of((0, 10), (10, 10), size=None))
    assert verdict.outcome is Outcome.UNKNOWN
    assert "size when opened is unknown" in verdict.summary
    assert verdict.hint is not None


def test_an_unknown_size_can_be_passed_over() -> None:
    claim = SequentialWrites(files="**/*.log", first_write="at-size-if-known")
    assert judged(log_of((300, 10), (310, 10), size=None), claim).outcome is Outcome.HOLDS
    assert judged(log_of((300, 10), (300, 10), size=None), claim).outcome is Outcome.VIOLATED
    assert judged(log_of((300, 10), size=100), claim).outcome is Outcome.VIOLATED


def test_a_recycled_file_may_start_anywhere_if_the_suite_says_so() -> None:
    claim = SequentialWrites(files="**/*.log", first_write="anywhere")
    assert judged(log_of((0, 10), (10, 10), size=5000), claim).outcome is Outcome.HOLDS


def test_a_short_write_does_not_break_the_order() -> None:
    told = HandWritten()
    told.opened()
    told.written(0, 30, requested_byte_count=100)
    told.written(30, 70)
    assert judged(told).outcome is Outcome.HOLDS


def test_a_failed_write_moves_nothing() -> None:
    told = HandWritten()
    told.opened()
    told.written(0, 0, requested_byte_count=100, error="EAGAIN")
    told.written(0, 100)
    assert judged(told).outcome is Outcome.HOLDS


def test_appends_are_consecutive_by_definition() -> None:
    told = HandWritten()
    told.opened(size=None, append=True)
    told.written(None, 100, append=True)
    told.written(None, 100, append=True)
    assert judged(told).outcome is Outcome.HOLDS


def test_a_truncation_moves_the_end() -> None:
    told = log_of((0, 100))
    told.resized(40)
    told.written(40, 10)
    assert judged(told).outcome is Outcome.HOLDS
    told.written(100, 10)
    assert "expected 50" in judged(told).summary


def test_growing_a_file_beforehand_does_not_move_its_end() -> None:
    told = HandWritten()
    told.opened()
    told.resized(1 << 20)
    told.written(0, 100)
    told.written(100, 100)
    told.closed()
    told.opened(size=1 << 20)
    told.written(200, 100)
    assert judged(told).outcome is Outcome.HOLDS


def test_a_file_that_was_emptied_starts_at_its_beginning() -> None:
    told = log_of((0, 100))
    told.opened(truncated=True, size=None)
    told.written(0, 10)
    assert judged(told).outcome is Outcome.HOLDS


def test_a_file_changed_by_somebody_unseen_goes_on_at_its_new_size() -> None:
    told = log_of((0, 100))
    told.opened(size=250)
    told.written(250, 10)
    assert judged(told).outcome is Outcome.HOLDS


def test_writes_of_all_processes_count_as_one_sequence() -> None:
    told = HandWritten()
    told.opened()
    told.written(0, 10, who=1)
    told.written(10, 10, who=2)
    told.written(10, 10, who=1)
    assert judged(told).witness_count == 1


def test_concurrent_writes_may_be_told_in_either_order() -> None:
    told = HandWritten()
    told.opened()
    told.written(10, 10, who=(1, 1), start_ns=20, end_ns=30)
    told.written(0, 10, who=(1, 2), start_ns=21, end_ns=31)
    told.written(20, 10, start_ns=40, end_ns=45)
    assert judged(told).outcome is Outcome.HOLDS


def test_a_write_that_was_over_before_is_not_concurrent() -> None:
    told = HandWritten()
    told.opened()
    told.written(10, 10, start_ns=20, end_ns=30)
    told.written(0, 10, start_ns=31, end_ns=40)
    assert judged(told).outcome is Outcome.VIOLATED


def test_a_write_that_waits_in_vain_is_a_violation_at_the_end() -> None:
    assert judged(log_of((0, 10), (50, 10))).outcome is Outcome.VIOLATED


def test_bytes_moved_into_a_file_inside_the_kernel_are_writes() -> None:
    told = log_of((0, 10))
    told.transferred(0, 20, File(2, "/data/x"), destination=LOG, destination_offset=10)
    assert judged(told).event_count == 2
    told.transferred(0, 20, File(2, "/data/x"), destination=LOG, destination_offset=10)
    assert judged(told).outcome is Outcome.VIOLATED


def test_a_shared_writable_mapping_makes_it_unknown() -> None:
    told = log_of((0, 10))
    told.mapped()
    assert judged(told).outcome is Outcome.UNKNOWN


def test_a_private_or_readable_mapping_changes_nothing() -> None:
    told = log_of((0, 10))
    told.mapped(shared=False)
    told.mapped(writable=False)
    assert judged(told).outcome is Outcome.HOLDS


def test_io_uring_makes_it_unknown_even_if_nothing_else_is_wrong() -> None:
    told = log_of((0, 10))
    told.unverifiable()
    assert judged(told).outcome is Outcome.UNKNOWN


def test_a_violation_stays_one_beside_doubts() -> None:
    told = log_of((0, 10), (50, 10))
    told.mapped()
    assert judged(told).outcome is Outcome.VIOLATED


def test_an_unknown_offset_is_unknown() -> None:
    verdict = judged(log_of((0, 10), (None, 10), (777, 10)))
    assert verdict.outcome is Outcome.UNKNOWN
    assert "unknown offset" in verdict.summary


def test_other_files_are_not_judged() -> None:
    told = log_of((0, 10))
    told.written(99, 10, DATABASE)
    assert judged(told).outcome is Outcome.HOLDS


def test_a_history_without_a_matching_write_shows_nothing() -> None:
    told = HandWritten()
    told.written(0, 10, DATABASE)
    assert judged(told).outcome is Outcome.UNKNOWN
    assert judged(told).summary == "nothing matched, so nothing was shown"


def test_a_suite_may_say_that_nothing_is_fine() -> None:
    claim = SequentialWrites(files="**/*.log", nothing_is_fine=True)
    assert judged(HandWritten(), claim).outcome is Outcome.HOLDS


def test_a_source_that_cannot_see_truncations_cannot_show_it() -> None:
    history = log_of((0, 10)).history(blind_to=frozenset({"Resized"}))
    verdict = judge(LOGS, history)
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.summary == "the source cannot see Resized"


def test_a_gap_that_may_hide_a_write_makes_it_unknown() -> None:
    gaps = (Gap(reason="write of thread 7 never resumed", line=12, call="write"),)
    verdict = judge(LOGS, log_of((0, 10)).history(gaps=gaps))
    assert verdict.outcome is Outcome.UNKNOWN
    assert "broker.strace:12" in verdict.summary


def test_a_gap_that_hides_only_waiting_does_no_harm() -> None:
    gaps = (Gap(reason="futex of thread 7 never resumed", line=12, call="futex"),)
    assert judge(LOGS, log_of((0, 10)).history(gaps=gaps)).outcome is Outcome.HOLDS


def test_a_sync_whose_end_nobody_saw_does_no_harm() -> None:
    claim = SequentialWrites(files="**/*.log", restart_after_sync_of="**/*.db")
    gaps = (Gap(reason="fdatasync of thread 7 never resumed", line=12, call="fdatasync"),)
    assert judge(claim, log_of((0, 10)).history(gaps=gaps)).outcome is Outcome.HOLDS


def test_a_log_may_start_over_after_its_database_was_synced() -> None:
    claim = SequentialWrites(files="**/*.log", restart_after_sync_of="**/*.db")
    told = log_of((0, 10), (10, 10))
    told.synced(DATABASE)
    told.written(0, 10)
    told.written(10, 10)
    assert judged(told, claim).outcome is Outcome.HOLDS
    told.written(0, 10)
    assert judged(told, claim).witness_count == 1


def test_an_unfinished_block_may_be_written_again_if_the_suite_says_so() -> None:
    told = log_of((0, 8192), (0, 8192), (8192, 16384), (16384, 8192))
    claim = SequentialWrites(files="**/*.log", rewritten_block_byte_count=8192)
    assert judged(told, claim).outcome is Outcome.HOLDS
    assert judged(told).outcome is Outcome.VIOLATED
    told.written(0, 8192)
    assert judged(told, claim).outcome is Outcome.VIOLATED


def test_only_writes_of_the_selected_phase_are_judged() -> None:
    told = log_of((500, 10))
    told.begin("produce-1")
    told.written(510, 10)
    told.end("produce-1")
    claim = SequentialWrites(files="**/*.log", phases="produce-*")
    assert judged(told, claim).outcome is Outcome.HOLDS
    assert judged(told, claim).event_count == 1


def test_calls_of_one_thread_follow_one_another_however_coarse_the_clock() -> None:
    told = HandWritten()
    told.opened()
    told.written(10, 10, start_ns=20, end_ns=30)
    told.written(0, 10, start_ns=30, end_ns=30)
    assert judged(told).summary.startswith("write of 10 B at 10, expected 0")

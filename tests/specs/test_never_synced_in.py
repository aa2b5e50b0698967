from iowitness.specs.contract import judge
from iowitness.specs.never_synced_in import NeverSyncedIn
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.traces.events import File
from tests.doubles.hand_written import HandWritten

CLAIM = NeverSyncedIn(files="**/*.log", phases="produce-*")


def judged(told: HandWritten, claim: NeverSyncedIn = CLAIM) -> Verdict:
    return judge(claim, told.history())


def produced() -> HandWritten:
    told = HandWritten()
    told.begin("produce-1")
    told.written(0, 10)
    return told


def test_writing_without_syncing_holds() -> None:
    told = produced()
    told.end("produce-1")
    told.synced()
    assert judged(told).outcome is Outcome.HOLDS


def test_a_sync_in_the_phase_is_a_violation() -> None:
    told = produced()
    told.synced()
    verdict = judged(told)
    assert verdict.outcome is Outcome.VIOLATED
    assert verdict.summary == (
        "fsync by thread 100, expected no sync (plain-0/0….log, broker.strace:3)"
    )


def test_a_sync_of_everything_is_one_too_and_one_of_another_file_is_none() -> None:
    told = produced()
    told.synced(File(8, "/data/other"))
    assert judged(told).outcome is Outcome.HOLDS
    told.synced(None, scope="filesystem", call="sync")
    assert judged(told).outcome is Outcome.VIOLATED


def test_writing_to_a_synchronous_file_is_syncing() -> None:
    told = HandWritten()
    told.opened(synchronous=True)
    told.begin("produce-1")
    told.written(0, 10)
    assert "opened with O_SYNC" in judged(told).summary


def test_files_that_are_not_used_in_the_phase_show_nothing() -> None:
    told = HandWritten()
    told.written(0, 10)
    told.begin("produce-1")
    assert judged(told).outcome is Outcome.UNKNOWN


def test_io_uring_makes_it_unknown() -> None:
    told = produced()
    told.unverifiable()
    assert judged(told).outcome is Outcome.UNKNOWN

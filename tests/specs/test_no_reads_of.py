from iowitness.specs.contract import judge
from iowitness.specs.no_reads_of import NoReadsOf
from iowitness.specs.verdict import Outcome, Verdict
from tests.doubles.hand_written import HandWritten

LOGS = NoReadsOf(files="**/*.log")


def judged(told: HandWritten, claim: NoReadsOf = LOGS) -> Verdict:
    return judge(claim, told.history())


def used() -> HandWritten:
    told = HandWritten()
    told.opened()
    told.written(0, 10)
    return told


def test_a_file_that_is_only_written_holds() -> None:
    verdict = judged(used())
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.summary == "2 calls on these files, none of them a read"


def test_every_way_to_read_is_a_violation() -> None:
    for way in ("read", "transferred"):
        told = used()
        getattr(told, way)(0, 10)
        assert "10 B read with" in judged(told).summary
    told = used()
    told.mapped(writable=False)
    assert "4096 B mapped with mmap" in judged(told).summary


def test_ways_can_be_left_out() -> None:
    told = used()
    told.transferred(0, 10)
    assert judged(told, NoReadsOf(files="**/*.log", ways="buffer")).outcome is Outcome.HOLDS


def test_reading_nothing_is_no_read() -> None:
    told = used()
    told.read(10, 0, requested_byte_count=100)
    assert judged(told).outcome is Outcome.HOLDS


def test_a_file_that_is_never_used_shows_nothing() -> None:
    assert judged(HandWritten()).outcome is Outcome.UNKNOWN


def test_io_uring_makes_it_unknown() -> None:
    told = used()
    told.unverifiable()
    assert judged(told).outcome is Outcome.UNKNOWN

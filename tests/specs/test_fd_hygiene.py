from iowitness.specs.contract import judge
from iowitness.specs.fd_hygiene import FdHygiene
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.traces.events import Pipe, PipeOpened
from tests.doubles.hand_written import BROKER, HandWritten

CLAIM = FdHygiene()


def judged(told: HandWritten, claim: FdHygiene = CLAIM) -> Verdict:
    return judge(claim, told.history())


def opened(**fields: object) -> HandWritten:
    told = HandWritten()
    told.opened(**({"close_on_exec": True} | fields))
    return told


def test_close_on_exec_and_closed_holds() -> None:
    told = opened()
    told.closed()
    verdict = judged(told)
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.summary == "1 descriptor, none handed on or left open"


def test_a_descriptor_without_close_on_exec_is_a_violation_unless_that_is_fine() -> None:
    told = opened(close_on_exec=False)
    told.closed()
    assert "descriptor 7 without close-on-exec" in judged(told).summary
    assert judged(told, FdHygiene(close_on_exec="not-required")).outcome is Outcome.HOLDS


def test_a_descriptor_closed_by_the_end_of_its_process_was_left_open() -> None:
    told = opened()
    told.closed(call="exit")
    verdict = judged(told)
    assert verdict.outcome is Outcome.VIOLATED
    assert "descriptor 7 (plain-0/0….log) open at the end of process 100" in verdict.summary
    assert judged(told, FdHygiene(at_end="any")).outcome is Outcome.HOLDS


def test_both_ends_of_a_pipe_and_accepted_sockets_count() -> None:
    told = HandWritten()
    told.add(PipeOpened, "pipe2", pipe=Pipe(1), read_descriptor=5, write_descriptor=6)
    assert judged(told).witness_count == 2


def test_standard_descriptors_are_meant_to_be_handed_on() -> None:
    told = opened(descriptor=1, close_on_exec=False)
    assert judged(told).outcome is Outcome.UNKNOWN


def test_what_a_child_inherited_is_not_its_to_close() -> None:
    told = opened()
    told.forked(BROKER, 101)
    told.closed(who=101, call="exit")
    told.closed()
    assert judged(told).outcome is Outcome.HOLDS


def test_a_source_that_does_not_see_closes_cannot_show_it() -> None:
    history = opened().history(blind_to=frozenset({"Closed"}))
    assert judge(CLAIM, history).outcome is Outcome.UNKNOWN

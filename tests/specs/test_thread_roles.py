import pytest

from iowitness.specs.contract import judge
from iowitness.specs.thread_roles import ThreadRoles
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.traces.events import Pipe, Socket
from iowitness.traces.history import Gap
from tests.doubles.hand_written import PRODUCER, SENDER, TO_BROKER, HandWritten

CLAIM = ThreadRoles(roles="producer", network_threads="producer-sender*")
ON_SENDER = (PRODUCER, SENDER)


def judged(told: HandWritten, claim: ThreadRoles = CLAIM) -> Verdict:
    return judge(claim, told.history())


def producer() -> HandWritten:
    told = HandWritten()
    told.forked(1, PRODUCER)
    told.role("producer", who=PRODUCER)
    told.thread(PRODUCER, SENDER, "producer-sender")
    told.socket(who=ON_SENDER)
    told.connected(who=ON_SENDER)
    told.sent(100, who=ON_SENDER, channel=TO_BROKER)
    told.received(100, who=ON_SENDER, channel=TO_BROKER)
    return told


def test_all_calls_on_the_sender_thread_hold() -> None:
    verdict = judged(producer())
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.summary == "4 network calls on 1 thread, all named producer-sender*"


@pytest.mark.parametrize("call", ["sent", "received", "connected", "socket"])
def test_one_network_call_by_the_caller_is_a_violation(call: str) -> None:
    told = producer()
    match call:
        case "sent":
            told.sent(5, who=PRODUCER, channel=TO_BROKER)
        case "received":
            told.received(5, who=PRODUCER, channel=TO_BROKER)
        case "connected":
            told.connected(who=PRODUCER)
        case _:
            told.socket(who=PRODUCER)
    verdict = judged(told)
    assert verdict.outcome is Outcome.VIOLATED
    assert "by producer, thread 200" in verdict.summary
    assert "broker.strace:9" in verdict.summary


def test_a_process_whose_only_thread_sends_shows_nothing_kept_apart() -> None:
    told = HandWritten()
    told.role("producer", who=PRODUCER)
    told.executed("/usr/bin/producer-sender", who=PRODUCER)
    told.sent(100, who=PRODUCER, channel=TO_BROKER)
    verdict = judged(told)
    assert verdict.outcome is Outcome.UNKNOWN
    assert "nothing was kept apart" in verdict.summary


def test_pipes_and_local_sockets_are_no_network() -> None:
    told = producer()
    told.sent(1, who=PRODUCER, channel=Pipe(3))
    told.sent(1, who=PRODUCER, channel=Socket(4, "UNIX-STREAM"))
    assert judged(told).outcome is Outcome.HOLDS


def test_threads_of_other_processes_may_do_as_they_like() -> None:
    told = producer()
    told.sent(5)
    assert judged(told).outcome is Outcome.HOLDS


def test_a_thread_from_before_the_trace_may_have_any_name() -> None:
    told = HandWritten()
    told.role("producer", who=PRODUCER)
    told.thread(PRODUCER, SENDER, "producer-sender")
    told.sent(5, who=(PRODUCER, 999), channel=TO_BROKER)
    verdict = judged(told)
    assert verdict.outcome is Outcome.UNKNOWN
    assert "may have any name" in verdict.summary


def test_a_gap_in_another_process_does_no_harm() -> None:
    history = producer().history(gaps=(Gap(reason="lost", process_id=100),))
    assert judge(CLAIM, history).outcome is Outcome.HOLDS
    history = producer().history(gaps=(Gap(reason="lost", process_id=PRODUCER),))
    assert judge(CLAIM, history).outcome is Outcome.UNKNOWN


def test_io_uring_makes_it_unknown() -> None:
    told = producer()
    told.unverifiable(who=PRODUCER)
    assert judged(told).outcome is Outcome.UNKNOWN

from iowitness.specs.batched_sends import BatchedSends
from iowitness.specs.contract import judge
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.traces.events import Pipe, Socket
from tests.doubles.hand_written import PRODUCER, TO_BROKER, HandWritten

BATCHES = BatchedSends(roles="producer", minimum_bytes_per_send=4096)


def judged(told: HandWritten, claim: BatchedSends = BATCHES) -> Verdict:
    return judge(claim, told.history())


def producer(*sizes: int) -> HandWritten:
    told = HandWritten()
    told.role("producer", who=PRODUCER)
    for size in sizes:
        told.sent(size, who=PRODUCER, channel=TO_BROKER)
    return told


def test_large_sends_hold_beside_a_small_handshake() -> None:
    verdict = judged(producer(40, 60, 16_000, 16_000, 16_000))
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.summary == "9,620 B a send over 5 sends"


def test_a_request_for_each_record_is_a_violation() -> None:
    verdict = judged(producer(*[182] * 50))
    assert verdict.outcome is Outcome.VIOLATED
    assert verdict.summary == (
        "182 B a send over 50 sends, expected at least 4096, such as 182 B and 182 B in a row "
        "(127.0.0.1:40000 → 127.0.0.1:9092, broker.strace:51)"
    )
    assert verdict.hint is not None
    assert len(verdict.witnesses[0].events) == 2


def test_pipes_and_local_sockets_are_no_network() -> None:
    told = producer(16_000)
    told.sent(3, who=PRODUCER, channel=Pipe(4))
    told.sent(3, who=PRODUCER, channel=Socket(5, "UNIX-STREAM"))
    assert judged(told).event_count == 1


def test_other_roles_are_not_judged() -> None:
    told = producer(16_000)
    for _ in range(50):
        told.sent(10)
    assert judged(told).outcome is Outcome.HOLDS


def test_with_files_only_what_leaves_them_is_counted() -> None:
    claim = BatchedSends(files="**/*.log", minimum_bytes_per_send=4096)
    told = HandWritten()
    told.sent(10)
    told.transferred(0, 8192)
    verdict = judged(told, claim)
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.event_count == 1


def test_sends_that_failed_are_not_counted() -> None:
    told = producer(16_000)
    told.sent(0, who=PRODUCER, channel=TO_BROKER, error="EAGAIN")
    assert judged(told).event_count == 1


def test_no_send_shows_nothing() -> None:
    assert judged(producer()).outcome is Outcome.UNKNOWN


def test_io_uring_on_the_sockets_makes_it_unknown() -> None:
    told = producer(16_000)
    told.unverifiable(who=PRODUCER)
    assert judged(told).outcome is Outcome.UNKNOWN


def test_ports_select_connections() -> None:
    claim = BatchedSends(remote_ports=9092, minimum_bytes_per_send=4096)
    told = producer(16_000)
    told.sent(1, channel=Socket(9, "TCP", "127.0.0.1:40001", "127.0.0.1:80"))
    assert judged(told, claim).outcome is Outcome.HOLDS

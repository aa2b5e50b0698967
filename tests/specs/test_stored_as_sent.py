import pytest

from iowitness.specs.contract import judge
from iowitness.specs.stored_as_sent import StoredAsSent
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.traces.events import File, Socket
from tests.doubles.hand_written import BROKER, PRODUCER, TO_CLIENT, HandWritten
from tests.doubles.kafka_bytes import batch, request, stamped

CLAIM = StoredAsSent(files="**/*.log", roles="broker")
OTHER_CLIENT = Socket(12, "TCP", "127.0.0.1:9092", "127.0.0.1:40001")


class Broker(HandWritten):
    """A broker that takes bytes in, stores them and sends them on."""

    def __init__(self) -> None:
        super().__init__()
        self.role("broker")
        self.opened()
        self.end_of_log = 0

    def takes(self, data: bytes, channel: Socket = TO_CLIENT) -> None:
        self.received(len(data), data=data, channel=channel)

    def stores(self, data: bytes) -> None:
        self.written(self.end_of_log, len(data), data=data)
        self.end_of_log += len(data)


def judged(told: HandWritten, claim: StoredAsSent = CLAIM) -> Verdict:
    return judge(claim, told.history(data_is_visible=True))


def test_bytes_stored_as_received_and_sent_as_stored_hold() -> None:
    told = Broker()
    for number in range(5):
        one = batch(number)
        told.takes(request(one))
        told.stores(stamped(one, number))
    told.transferred(0, 1000)
    verdict = judged(told)
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.summary == "5 batches stored as received, 1,000 B sent as stored"


def test_a_request_in_small_pieces_is_one_stream() -> None:
    told = Broker()
    one, two = batch(1), batch(2)
    whole = request(one, two)
    for start in range(0, len(whole), 7):
        told.takes(whole[start : start + 7])
    told.stores(stamped(one, 0) + stamped(two, 1))
    assert judged(told).outcome is Outcome.HOLDS


@pytest.mark.parametrize("at", [8, 11, 16, 17, 60, 199])
def test_one_changed_byte_outside_what_the_leader_stamps_is_a_violation(at: int) -> None:
    told = Broker()
    one = batch(1)
    told.takes(request(one))
    changed = bytearray(stamped(one, 7))
    changed[at] ^= 1
    told.stores(bytes(changed))
    # Another length leaves the batch unfinished, another magic makes it none: never HOLDS.
    assert judged(told).outcome is not Outcome.HOLDS
    if at >= 17:
        verdict = judged(told)
        assert verdict.outcome is Outcome.VIOLATED
        assert "batch of 200 B at 0 was stored" in verdict.summary
        assert verdict.hint is not None


def test_batches_stored_in_another_order_than_received_are_a_violation() -> None:
    told = Broker()
    one, two = batch(1), batch(2)
    told.takes(request(one) + request(two))
    told.stores(stamped(two, 0))
    told.stores(stamped(one, 1))
    assert judged(told).outcome is Outcome.VIOLATED


def test_a_batch_stored_twice_is_a_violation() -> None:
    told = Broker()
    one = batch(1)
    told.takes(request(one))
    told.stores(stamped(one, 0))
    told.stores(stamped(one, 1))
    assert judged(told).outcome is Outcome.VIOLATED


def test_partitions_may_be_stored_in_any_order() -> None:
    told = Broker()
    one, two = batch(1), batch(2)
    told.takes(request(one, two))
    told.written(0, 200, File(2, "/data/plain-1/0.log"), data=stamped(two, 0))
    told.stores(stamped(one, 0))
    assert judged(told).outcome is Outcome.HOLDS


def test_each_connection_is_a_stream_of_its_own() -> None:
    told = Broker()
    one, two = batch(1), batch(2)
    first, second = request(one), request(two)
    told.takes(first[:100])
    told.takes(second[:50], OTHER_CLIENT)
    told.takes(first[100:])
    told.takes(second[50:], OTHER_CLIENT)
    told.stores(stamped(two, 0))
    told.stores(stamped(one, 1))
    assert judged(told).outcome is Outcome.HOLDS


def test_bytes_that_were_sent_but_never_stored_are_a_violation() -> None:
    told = Broker()
    one = batch(1)
    told.takes(request(one))
    told.stores(stamped(one, 0))
    told.transferred(100, 200)
    verdict = judged(told)
    assert verdict.outcome is Outcome.VIOLATED
    assert "200 B sent from 100" in verdict.summary


def test_what_was_in_the_file_before_may_be_sent() -> None:
    told = HandWritten()
    told.role("broker")
    told.opened(size=500)
    told.transferred(0, 500)
    assert judged(told).outcome is Outcome.HOLDS


def test_what_was_cut_off_is_stored_no_more() -> None:
    told = Broker()
    one = batch(1)
    told.takes(request(one))
    told.stores(stamped(one, 0))
    told.resized(100)
    told.transferred(0, 200)
    assert judged(told).outcome is Outcome.VIOLATED


def test_payload_through_a_buffer_is_followed_to_the_socket() -> None:
    told = HandWritten()
    told.role("broker")
    told.opened(size=500)
    payload = batch(1, 500)
    told.read(0, 500, data=payload)
    told.sent(40, data=bytes(40))
    told.sent(500, data=payload)
    assert judged(told).outcome is Outcome.HOLDS
    told.read(0, 500, data=payload)
    told.sent(1 << 17, data=bytes(1 << 17))
    assert judged(told).outcome is Outcome.UNKNOWN


def test_without_kept_bytes_it_is_unknown() -> None:
    told = Broker()
    told.received(300)
    told.written(0, 200)
    verdict = judge(CLAIM, told.history())
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.hint is not None


def test_bytes_kept_in_part_are_unknown() -> None:
    one = batch(1)
    told = Broker()
    told.takes(request(one))
    told.written(0, 200, data=stamped(one, 0)[:100])
    assert "only its first 100 B were kept" in judged(told).summary
    told = Broker()
    told.received(300, data=request(one)[:32])
    told.stores(stamped(one, 0))
    assert "not every received byte was kept" in judged(told).summary


def test_what_the_producer_receives_is_not_what_the_broker_received() -> None:
    told = Broker()
    one = batch(1)
    told.received(200, data=one, who=PRODUCER)
    told.stores(stamped(one, 0))
    assert judged(told).outcome is Outcome.VIOLATED


def test_a_shared_writable_mapping_makes_it_unknown() -> None:
    told = Broker()
    told.transferred(0, 0)
    told.mapped(who=BROKER)
    assert judged(told).outcome is Outcome.UNKNOWN

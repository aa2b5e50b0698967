"""The whole producer against a broker that misbehaves on demand, and against ours."""

import itertools
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from iowitness.impl.consumer import Consumer
from iowitness.impl.delivery import RecordSent
from iowitness.impl.producer import Producer
from iowitness.impl.producer_config import ProducerConfig
from iowitness.impl.producer_errors import (
    BufferExhausted,
    DeliveryTimedOut,
    MetadataUnavailable,
    ProducerClosed,
    ProduceRefused,
    ProducerError,
    RecordTooLarge,
)
from iowitness.impl.server_config import ServerConfig
from iowitness.impl.wire_errors import ErrorCode
from tests.doubles.running_broker import address, running_broker
from tests.doubles.scripted_broker import Came, ScriptedBroker, scripted_broker


def _always(code: int | None) -> "ScriptedBroker":
    return ScriptedBroker(lambda _came: code)


def _in_turn(*codes: int | None) -> "ScriptedBroker":
    rest: Iterator[int | None] = itertools.chain(codes, itertools.repeat(0))
    return ScriptedBroker(lambda _came: next(rest))


def _producer(broker: ScriptedBroker, config: ProducerConfig | None = None) -> Producer:
    return Producer(f"127.0.0.1:{broker.port}", config)


def _values(came: list[Came]) -> list[bytes | None]:
    return [value for one in came for value in one.values]


_QUICK = ProducerConfig(linger_ms=0, retry_backoff_ms=1)


def test_every_kind_of_record_comes_back_as_it_was_sent(tmp_path: Path) -> None:
    with running_broker(tmp_path, ServerConfig(default_partition_count=3)) as server:
        with Producer(address(server)) as producer:
            sent = [
                producer.send("t", b"bare"),
                producer.send("t", b"keyed", key=b"k"),
                producer.send("t", None, key=b"tombstone"),
                producer.send("t", b"", key=b"", headers=[("h", b"1"), ("n", None)]),
                producer.send("t", b"timed", timestamp_ms=1_234, partition=2),
            ]
            many = producer.send_many("t", [b"m1", b"m2"])
            producer.flush(10)
            places = [one.result(0) for one in sent] + many.results(0)
        found = {(p, r.offset): r for p, r in _all_records(address(server), "t")}
    kept = [found[place.partition.partition, place.offset] for place in places]
    assert [(r.key, r.value) for r in kept] == [
        (None, b"bare"),
        (b"k", b"keyed"),
        (b"tombstone", None),
        (b"", b""),
        (None, b"timed"),
        (None, b"m1"),
        (None, b"m2"),
    ]
    assert tuple(kept[3].headers) == (("h", b"1"), ("n", None))
    assert (kept[4].timestamp_ms, places[4].timestamp_ms) == (1_234, 1_234)
    assert all(abs(r.timestamp_ms - time.time() * 1e3) < 60_000 for r in kept[:4])


def _all_records(bootstrap: str, topic: str) -> list[tuple[int, object]]:
    consumer = Consumer(bootstrap)
    try:
        partitions = consumer.partitions(topic)
        consumer.assign(dict.fromkeys(partitions, 0), consumer.end_offsets(partitions))
        found = []
        while consumer.positions:
            for fetched in consumer.poll():
                found += [(fetched.partition.partition, record) for record in fetched.records()]
        return found
    finally:
        consumer.close()


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_codec_comes_back(tmp_path: Path, codec: str) -> None:
    values = [b"value-%04d" % number for number in range(500)]
    with running_broker(tmp_path) as server:
        config = ProducerConfig(codec=codec)  # type: ignore[arg-type]
        with Producer(address(server), config) as producer:
            producer.send_many("t", values)
        assert [r.value for _, r in _all_records(address(server), "t")] == values  # type: ignore[attr-defined]


def test_a_lost_answer_is_followed_by_the_same_batch_with_the_same_sequence() -> None:
    with scripted_broker(_in_turn(None)) as broker, _producer(broker, _QUICK) as producer:
        assert producer.send("t", b"one").result(10).offset == 0
    first, second = broker.came
    assert (first.header, first.values) == (second.header, second.values)
    assert (first.header.producer_id, first.header.base_sequence) == (7, 0)


def test_a_retriable_error_is_retried_and_others_are_not() -> None:
    codes = (ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.REQUEST_TIMED_OUT)
    with scripted_broker(_in_turn(*codes)) as broker, _producer(broker, _QUICK) as producer:
        assert producer.send("t", b"one").result(10).offset == 0
    assert broker.request_count == 3
    refusing = _always(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    with scripted_broker(refusing) as broker, _producer(broker, _QUICK) as producer:
        error = producer.send("t", b"one").error(10)
        assert isinstance(error, ProduceRefused)
        assert "t-0: the broker answered TOPIC_AUTHORIZATION_FAILED (29)" in str(error)
    assert broker.request_count == 1


def test_retries_keep_the_order_of_records_with_five_requests_under_way() -> None:
    hiccups = itertools.cycle([0, ErrorCode.REQUEST_TIMED_OUT, 0, 0, None, 0, 0])
    expected = [0]

    def script(came: list[Came]) -> int | None:
        """Takes only the batch that is next in sequence, as a real broker does."""
        (one,) = came
        if one.header.base_sequence != expected[0]:
            return ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        code = next(hiccups)
        if code == 0:
            taken.extend(one.values)
            expected[0] += len(one.values)
        return code

    taken: list[bytes | None] = []
    config = ProducerConfig(linger_ms=0, retry_backoff_ms=1, batch_size=200)
    values = [b"%05d" % number for number in range(300)]
    with scripted_broker(ScriptedBroker(script)) as broker, _producer(broker, config) as producer:
        producer.send_many("t", values).wait(30)
    assert taken == values


def test_a_broker_that_has_no_producer_id_yet_is_asked_again() -> None:
    broker_script = _always(0)
    broker_script.identify_errors = [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS] * 3
    with scripted_broker(broker_script) as broker, _producer(broker, _QUICK) as producer:
        producer.send("t", b"one").result(10)
    assert broker.identify_errors == []


def test_a_failed_batch_is_a_gap_that_a_new_epoch_gets_past() -> None:
    broker_script = _in_turn(ErrorCode.INVALID_RECORD)
    with scripted_broker(broker_script) as broker, _producer(broker, _QUICK) as producer:
        with pytest.raises(ProduceRefused):
            producer.send("t", b"bad").result(10)
        producer.send("t", b"good").result(10)
    assert [(c.header.producer_epoch, c.header.base_sequence) for c in broker.came] == [
        (0, 0),
        (1, 0),
    ]


def test_retries_run_out() -> None:
    config = ProducerConfig(linger_ms=0, retry_backoff_ms=1, retries=2)
    failing = _always(ErrorCode.REQUEST_TIMED_OUT)
    with scripted_broker(failing) as broker, _producer(broker, config) as producer:
        error = producer.send("t", b"one").error(10)
        assert isinstance(error, ProduceRefused)
        assert error.error_code == ErrorCode.REQUEST_TIMED_OUT
    assert broker.request_count == 3


def test_a_batch_that_is_too_large_is_split_until_it_fits() -> None:
    def script(came: list[Came]) -> int:
        return ErrorCode.MESSAGE_TOO_LARGE if len(came[0].values) > 3 else ErrorCode.NONE

    values = [b"%03d" % number for number in range(20)]
    config = ProducerConfig(linger_ms=20, retries=1)
    with scripted_broker(ScriptedBroker(script)) as broker, _producer(broker, config) as producer:
        many = producer.send_many("t", values)
        producer.flush(10)
        many.wait(0)
    stored = [one for one in broker.came if len(one.values) <= 3]
    assert _values(stored) == values
    assert [one.header.base_sequence for one in stored] == [
        values.index(one.values[0] or b"") for one in stored
    ]


@pytest.mark.parametrize("acks", [1, -1])
def test_a_silent_broker_means_a_timeout_and_memory_that_comes_back_later(acks: int) -> None:
    config = ProducerConfig(
        linger_ms=0,
        acks=acks,  # type: ignore[arg-type]
        request_timeout_ms=150,
        delivery_timeout_ms=200,
        retry_backoff_ms=1,
    )
    with scripted_broker(_always(0)) as broker, _producer(broker, config) as producer:
        producer.send("t", b"warm").result(10)
        broker.hold.clear()
        with pytest.raises(DeliveryTimedOut, match="delivery_timeout_ms=200"):
            producer.send("t", b"one").result(10)
        broker.hold.set()
        producer.send("t", b"two").result(10)


def test_without_acknowledgements_a_record_is_done_once_it_is_sent() -> None:
    config = ProducerConfig(linger_ms=0, acks=0)
    with scripted_broker(_always(0)) as broker:
        with _producer(broker, config) as producer:
            assert producer.send("t", b"one").result(10).offset == -1
        deadline = time.monotonic() + 10
        while not broker.came and time.monotonic() < deadline:
            time.sleep(0.01)
    assert _values(broker.came) == [b"one"]


def test_closing_without_acknowledgements_loses_nothing_that_the_broker_has_not_read_yet() -> None:
    config = ProducerConfig(linger_ms=0, acks=0, metadata_max_age_ms=1)
    values = [b"%03d" % number for number in range(40)]
    with scripted_broker(_always(0)) as broker:
        producer = _producer(broker, config)
        producer.send("t", b"warm").result(10)
        broker.hold.clear()
        for value in values:  # among them a question about the cluster, answered after the close
            producer.send("t", value).result(10)
            time.sleep(0.002)
        closing = threading.Thread(target=producer.close)
        closing.start()
        closing.join(0.2)
        broker.hold.set()
        closing.join(10)
        assert _values(broker.came) == [b"warm", *values]


def test_closing_without_acknowledgements_ends_in_time_though_the_broker_reads_nothing() -> None:
    with scripted_broker(_always(0)) as broker:
        producer = _producer(broker, ProducerConfig(linger_ms=0, acks=0))
        broker.hold.clear()
        producer.send("t", b"one").result(10)
        producer.close(0.1)
        assert broker.came == []


def test_closing_ends_though_the_last_thing_that_happened_was_a_failure(tmp_path: Path) -> None:
    with running_broker(tmp_path) as server:
        producer = Producer(address(server))
        failed = producer.send("t", b"one", partition=3)
        producer.close()
        assert "partition=3, expected 0..0 of t" in str(failed.error(0))


def _send_forever(producer: Producer) -> None:
    while True:
        producer.send("t", bytes(100))


def test_send_blocks_while_memory_is_exhausted_and_says_how_much_it_wanted() -> None:
    config = ProducerConfig(linger_ms=0, buffer_memory=2_000, max_block_ms=50, batch_size=1_000)
    with scripted_broker(_always(0)) as broker, _producer(broker, config) as producer:
        broker.hold.clear()
        with pytest.raises(BufferExhausted, match=r"buffer_memory=2000 B .* max_block_ms=50"):
            _send_forever(producer)
        broker.hold.set()
        producer.flush(10)
        producer.send("t", bytes(100)).result(10)


def test_a_record_that_no_request_can_hold_is_refused_at_once() -> None:
    config = ProducerConfig(max_request_size=10_000)
    with scripted_broker(_always(0)) as broker, _producer(broker, config) as producer:
        with pytest.raises(RecordTooLarge, match="record of 20000 B"):
            producer.send("t", bytes(20_000))
        with pytest.raises(RecordTooLarge):
            producer.send("t", bytes(20_000), key=b"k")
        with pytest.raises(RecordTooLarge):
            producer.send_many("t", [b"", bytes(20_000)])
        producer.send("t", bytes(9_000)).result(10)


def test_a_topic_without_metadata_fails_after_max_block_ms_and_not_in_send() -> None:
    broker = _always(0)
    broker.metadata_error = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    config = ProducerConfig(max_block_ms=100, retry_backoff_ms=10)
    with scripted_broker(broker), _producer(broker, config) as producer:
        began = time.monotonic()
        delivery = producer.send("t", b"one")
        assert time.monotonic() - began < 5
        with pytest.raises(MetadataUnavailable, match=r"UNKNOWN_TOPIC_OR_PARTITION \(3\)"):
            delivery.result(10)
        broker.metadata_error = 0
        producer.send("t", b"two").result(10)


def test_a_partition_that_is_not_there_is_named() -> None:
    with scripted_broker(_always(0)) as broker, _producer(broker, _QUICK) as producer:
        error = producer.send("t", b"one", partition=5).error(10)
        assert isinstance(error, MetadataUnavailable)
        assert str(error) == "partition=5, expected 0..0 of t"


def test_a_broker_without_producer_ids_is_told_apart_from_a_slow_one() -> None:
    broker = _always(0)
    broker.lacks_producer_ids = True
    with scripted_broker(broker), _producer(broker) as producer:
        error = producer.send("t", b"one").error(10)
        assert isinstance(error, ProducerError)
        assert "say idempotence=False" in str(error)


def test_nobody_listening_is_a_timeout_and_not_a_hang() -> None:
    config = ProducerConfig(max_block_ms=100, retry_backoff_ms=10)
    with Producer("127.0.0.1:1", config) as producer:
        error = producer.send("t", b"one").error(10)
        assert isinstance(error, MetadataUnavailable)
        assert "no broker answered" in str(error)


def test_callbacks_come_after_their_futures_are_done_and_one_that_fails_stops_no_other() -> None:
    told: list[tuple[RecordSent | None, Exception | None, bool]] = []

    def failing(_sent: RecordSent | None, _error: Exception | None) -> None:
        raise RuntimeError("a callback's own fault")

    deliveries = []

    def note(sent: RecordSent | None, error: Exception | None) -> None:
        told.append((sent, error, all(one.is_done for one in deliveries)))

    with scripted_broker(_always(0)) as broker, _producer(broker) as producer:
        deliveries.append(producer.send("t", b"1", on_delivery=failing))
        deliveries.append(producer.send("t", b"2", on_delivery=note))
        deliveries.append(producer.send("t", b"3", key=b"k", on_delivery=note))
        producer.flush(10)
    assert [(sent.offset, error, done) for sent, error, done in told if sent] == [
        (1, None, True),
        (2, None, True),
    ]


def test_a_callback_may_send_and_must_not_flush() -> None:
    outcome: list[object] = []

    def again(_sent: RecordSent | None, _error: Exception | None) -> None:
        outcome.append(producer.send("t", b"again"))
        try:
            producer.flush()
        except RuntimeError as error:
            outcome.append(str(error))

    with scripted_broker(_always(0)) as broker, _producer(broker) as producer:
        producer.send("t", b"first", on_delivery=again).result(10)
        producer.flush(10)
        deadline = time.monotonic() + 10
        while len(broker.came) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert outcome[1] == "flush in a delivery callback would wait for itself"
    assert _values(broker.came) == [b"first", b"again"]


def test_flush_waits_for_everything_before_it_and_times_out() -> None:
    config = ProducerConfig(linger_ms=60_000)
    with scripted_broker(_always(0)) as broker, _producer(broker, config) as producer:
        deliveries = [producer.send("t", b"%d" % number) for number in range(10)]
        producer.flush(10)
        assert all(one.is_done for one in deliveries)
        broker.hold.clear()
        producer.send("t", b"stuck")
        with pytest.raises(TimeoutError, match=r"after 0\.05 s"):
            producer.flush(0.05)
        broker.hold.set()


def test_close_sends_what_is_queued_and_close_zero_fails_it() -> None:
    config = ProducerConfig(linger_ms=60_000)
    with scripted_broker(_always(0)) as broker:
        producer = _producer(broker, config)
        kept = producer.send("t", b"kept")
        producer.close(10)
        producer.close()
        assert kept.result(0).offset == 0
        producer = _producer(broker, config)
        producer.send("t", b"warm")
        producer.flush(10)
        dropped = producer.send("t", b"dropped")
        producer.close(0)
        with pytest.raises(ProducerClosed):
            dropped.result(0)
        with pytest.raises(ProducerClosed):
            producer.send("t", b"late")
        with pytest.raises(ProducerClosed):
            producer.send("t", b"late", key=b"k")
        producer.flush(1)
        assert producer.used_byte_count == 0


def test_a_producer_that_was_never_used_closes() -> None:
    Producer("127.0.0.1:1").close(5)


def test_the_number_of_requests_does_not_depend_on_timing_if_each_holds_one_batch() -> None:
    counts = set()
    for pause_s in (0, 0.002):
        config = ProducerConfig(linger_ms=60_000, batch_size=300, max_batches_per_request=1, acks=1)
        broker = ScriptedBroker(lambda _came: 0, partition_count=2)
        with scripted_broker(broker), _producer(broker, config) as producer:
            for number in range(40):
                producer.send("t", bytes(100), partition=number % 2, timestamp_ms=number)
                time.sleep(pause_s)
            producer.flush(10)
        counts.add((broker.request_count, tuple(sorted(len(one.values) for one in broker.came))))
    assert counts == {(20, (2,) * 20)}


def test_many_threads_lose_nothing_and_the_memory_adds_up(tmp_path: Path) -> None:
    """Threads switched as often as the interpreter can: the account holds without a lock."""
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with running_broker(tmp_path, ServerConfig(default_partition_count=2)) as server:
            config = ProducerConfig(buffer_memory=100_000, linger_ms=0)
            with Producer(address(server), config) as producer:

                def work(name: int) -> None:
                    for number in range(1_500):
                        producer.send("t", b"%d-%d" % (name, number))

                threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join(60)
                producer.flush(60)
            assert producer.used_byte_count == 0
            found = [r.value for _, r in _all_records(address(server), "t")]  # type: ignore[attr-defined]
    finally:
        sys.setswitchinterval(interval_s)
    assert len(found) == 6_000
    assert len(set(found)) == 6_000

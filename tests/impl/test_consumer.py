"""The consumer against our broker: prefetch, faults beside good data, restarts, times, seeking."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.consumer import Consumer, FetchFailed, PositionOutOfRange
from iowitness.impl.consumer_config import ConsumerConfig
from iowitness.impl.errors import CorruptBatch
from iowitness.impl.fetch_link import FetchLink
from iowitness.impl.producer import Producer
from iowitness.impl.server import Server
from iowitness.impl.server_config import ServerConfig
from iowitness.impl.wire_errors import BrokerUnreachable
from tests.doubles.running_broker import address, running_broker

_P0, _P1 = TopicPartition("t", 0), TopicPartition("t", 1)
_QUICK = ConsumerConfig(max_wait_ms=50, request_timeout_ms=10_000)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_broker(tmp_path, ServerConfig(default_partition_count=2)) as server:
        yield server


def _produce(server: Server, partition: int, *values: bytes) -> None:
    with Producer(address(server)) as producer:
        for number, value in enumerate(values):
            producer.send("t", value, partition=partition, timestamp_ms=1_000 + number)
            producer.flush(10)  # a batch each


def _taken(consumer: Consumer, count: int) -> list[tuple[int, int, bytes | None]]:
    taken: list[tuple[int, int, bytes | None]] = []
    deadline_s = time.monotonic() + 20
    while len(taken) < count and time.monotonic() < deadline_s:
        for came in consumer.poll():
            taken += [(came.partition.partition, one.offset, one.value) for one in came.records()]
    return taken


def test_the_next_fetch_is_under_way_while_records_are_worked_on(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[TopicPartition, int]] = []
    ask = FetchLink.ask
    monkeypatch.setattr(
        FetchLink, "ask", lambda link, positions: (asked.append(positions), ask(link, positions))
    )
    _produce(server, 0, b"one", b"two")
    consumer = Consumer(address(server), ConsumerConfig(max_wait_ms=20_000))
    consumer.assign({_P0: 0}, {_P0: 3})
    assert _taken(consumer, 2) == [(0, 0, b"one"), (0, 1, b"two")]
    assert asked == [{_P0: 0}, {_P0: 2}], "the second went out before poll was called again"
    _produce(server, 0, b"three")
    assert _taken(consumer, 1) == [(0, 2, b"three")]
    assert (consumer.poll(), asked[2:], consumer.positions) == ([], [], {}), "nothing past the stop"
    consumer.close()


def test_what_was_fetched_ahead_does_not_survive_a_seek(server: Server) -> None:
    _produce(server, 0, b"a", b"b", b"c")
    config = ConsumerConfig(partition_byte_count=1, max_wait_ms=50)
    consumer = Consumer(address(server), config)
    consumer.assign({_P0: 0})
    assert _taken(consumer, 1) == [(0, 0, b"a")]
    consumer.seek(_P0, 2)  # the fetch from offset 1 is under way
    assert _taken(consumer, 1) == [(0, 2, b"c")]
    consumer.close()


def test_one_partitions_fault_comes_after_the_others_records(server: Server) -> None:
    _produce(server, 0, b"a")
    _produce(server, 1, b"b")
    consumer = Consumer(address(server), _QUICK)
    consumer.assign({_P0: 7, _P1: 0})
    assert _taken(consumer, 1) == [(1, 0, b"b")]
    with pytest.raises(PositionOutOfRange, match=r"t-0: offset=7, expected 0\.\.1") as raised:
        consumer.poll()
    consumer.seek(raised.value.partition, raised.value.start_offset)
    assert _taken(consumer, 1) == [(0, 0, b"a")]
    consumer.close()


def test_a_batch_with_a_wrong_checksum_is_told_after_the_good_ones_before_it(
    server: Server, tmp_path: Path
) -> None:
    _produce(server, 0, b"good", b"bad")
    (segment,) = (tmp_path / "t-0").glob("*.log")
    damaged = bytearray(segment.read_bytes())
    damaged[-2] ^= 1
    segment.write_bytes(damaged)
    consumer = Consumer(address(server), _QUICK)
    consumer.assign({_P0: 0})
    assert _taken(consumer, 1) == [(0, 0, b"good")]
    with pytest.raises(CorruptBatch, match="stored crc32c"):
        consumer.poll()
    assert consumer.positions == {_P0: 1}
    consumer.close()


def test_offsets_are_found_by_time(server: Server) -> None:
    _produce(server, 0, b"a", b"b", b"c")
    consumer = Consumer(address(server), _QUICK)
    partitions = consumer.partitions("t")
    assert consumer.start_offsets(partitions) == {_P0: 0, _P1: 0}
    assert consumer.offsets_at(partitions, 1_001) == {_P0: 1, _P1: 0}
    assert consumer.offsets_at(partitions, 5_000) == {_P0: 3, _P1: 0}
    assert consumer.cluster.offsets(partitions, -3) == {_P0: 2, _P1: -1}, "the latest record"
    consumer.close()


def test_a_broker_that_restarts_is_found_again(tmp_path: Path) -> None:
    with running_broker(tmp_path) as server:
        _produce(server, 0, b"a")
        consumer = Consumer(address(server), _QUICK)
        consumer.assign({_P0: 0})
        assert _taken(consumer, 1) == [(0, 0, b"a")]
    with running_broker(tmp_path, ServerConfig(port=server.port)) as server:
        _produce(server, 0, b"b")
        assert _taken(consumer, 1) == [(0, 1, b"b")]
        consumer.close()


def test_a_broker_that_stays_away_and_a_topic_that_is_not_there_are_errors(tmp_path: Path) -> None:
    with running_broker(tmp_path, ServerConfig(auto_create_topics=False)) as server:
        consumer = Consumer(address(server), ConsumerConfig(request_timeout_ms=300))
        with pytest.raises(FetchFailed, match="UNKNOWN_TOPIC_OR_PARTITION"):
            consumer.partitions("t")
        server.ensure_topic("u", 1)
        consumer.assign({TopicPartition("u", 0): 0})
        assert consumer.poll() == []
    with pytest.raises(BrokerUnreachable, match="is the broker running"):
        _taken(consumer, 1)

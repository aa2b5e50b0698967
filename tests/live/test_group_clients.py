"""Consumer groups of real clients: shared work, leaving, and a broker that restarts in between."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from iowitness.impl.server import Server
from iowitness.impl.server_config import ServerConfig
from tests.doubles.running_broker import GROUPS_AT_ONCE, address, running_broker

pytestmark = [pytest.mark.client, pytest.mark.filterwarnings("ignore")]

confluent_kafka = pytest.importorskip("confluent_kafka")
kafka = pytest.importorskip("kafka")

CONFIG = ServerConfig(default_partition_count=4, groups=GROUPS_AT_ONCE)
PATIENCE_S = 30.0


def produce(server: Server, values: list[bytes]) -> None:
    producer = confluent_kafka.Producer({"bootstrap.servers": address(server)})
    for value in values:
        producer.produce("t", value, key=value)
    assert producer.flush(PATIENCE_S) == 0


def numbered(first: int, count: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, first + count)]


@contextmanager
def confluent_consumer(server: Server, **settings: Any) -> Iterator[Any]:
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": address(server),
            "group.id": "g",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "heartbeat.interval.ms": 100,
            **settings,
        }
    )
    consumer.subscribe(["t"])
    try:
        yield consumer
    finally:
        consumer.close()


def take(consumer: Any, count: int) -> list[bytes]:
    """So many values, in the order in which they came."""
    values: list[bytes] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(values) < count:
        assert time.monotonic() < deadline, f"{len(values)} of {count} values came"
        message = consumer.poll(0.1)
        if message is not None:
            assert message.error() is None
            values.append(message.value())
    return values


def wait_for_assignments(*consumers: Any, partition_count: int) -> None:
    """Poll all until between them they have every partition once, and each has some."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        for consumer in consumers:
            assert consumer.poll(0.05) is None
        owned = [{one.partition for one in consumer.assignment()} for consumer in consumers]
        if all(owned) and sum(map(len, owned)) == partition_count:
            assert set().union(*owned) == set(range(partition_count))
            return
        assert time.monotonic() < deadline, f"assigned: {owned}"


@pytest.mark.parametrize("strategy", ["range", "cooperative-sticky"])
def test_two_consumers_share_the_partitions_and_one_takes_over_when_the_other_leaves(
    tmp_path: Path, strategy: str
) -> None:
    settings = {"partition.assignment.strategy": strategy}
    with running_broker(tmp_path, CONFIG) as server:
        server_values = numbered(0, 40)
        with confluent_consumer(server, **settings) as stays:
            with confluent_consumer(server, **settings) as leaves:
                produce(server, [b"first"])
                assert b"first" in take_from_either(stays, leaves, 1)
                wait_for_assignments(stays, leaves, partition_count=4)
                produce(server, server_values)
                assert sorted(take_from_either(stays, leaves, 40)) == sorted(server_values)
                leaves.commit(asynchronous=False)
                stays.commit(asynchronous=False)
            wait_for_assignments(stays, partition_count=4)
            produce(server, numbered(40, 20))
            assert sorted(take(stays, 20)) == sorted(numbered(40, 20))


def take_from_either(one: Any, other: Any, count: int) -> list[bytes]:
    values: list[bytes] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(values) < count:
        assert time.monotonic() < deadline, f"{len(values)} of {count} values came"
        for consumer in (one, other):
            message = consumer.poll(0.05)
            if message is not None and message.error() is None:
                values.append(message.value())
    return values


def test_committed_offsets_survive_a_restart(tmp_path: Path) -> None:
    with running_broker(tmp_path, CONFIG) as server:
        produce(server, numbered(0, 50))
        with confluent_consumer(server) as consumer:
            assert sorted(take(consumer, 50)) == sorted(numbered(0, 50))
            consumer.commit(asynchronous=False)
    with running_broker(tmp_path, CONFIG) as server:
        produce(server, numbered(50, 50))
        with confluent_consumer(server) as consumer:
            assert sorted(take(consumer, 50)) == sorted(numbered(50, 50))


def test_a_member_goes_on_in_its_generation_while_the_broker_restarts(tmp_path: Path) -> None:
    with running_broker(tmp_path, CONFIG) as server:
        port = server.port
        produce(server, numbered(0, 10))
        consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": address(server),
                "group.id": "g",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            }
        )
        consumer.subscribe(["t"])
        take(consumer, 10)
        consumer.commit(asynchronous=False)
        member_id = consumer.memberid()
    with running_broker(tmp_path, ServerConfig(port=port, groups=GROUPS_AT_ONCE)) as server:
        produce(server, numbered(10, 10))
        assert sorted(take(consumer, 10)) == sorted(numbered(10, 10))
        consumer.commit(asynchronous=False)
        assert consumer.memberid() == member_id
        consumer.close()


def test_kafka_python_consumes_by_group_and_goes_on_where_it_was(tmp_path: Path) -> None:
    def consumed(server: Server, count: int) -> list[bytes]:
        consumer = kafka.KafkaConsumer(
            "t",
            bootstrap_servers=address(server),
            group_id="g",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            consumer_timeout_ms=int(PATIENCE_S * 1_000),
        )
        try:
            values = [message.value for _, message in zip(range(count), consumer, strict=False)]
            consumer.commit()
            return values
        finally:
            consumer.close()

    with running_broker(tmp_path, CONFIG) as server:
        produce(server, numbered(0, 30))
        assert sorted(consumed(server, 30)) == sorted(numbered(0, 30))
    with running_broker(tmp_path, CONFIG) as server:
        produce(server, numbered(30, 10))
        assert sorted(consumed(server, 10)) == sorted(numbered(30, 10))

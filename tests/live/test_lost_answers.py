"""Answers that get lost, over real sockets: the batch is sent again, and is in the log once.

The broker remembers the last batches of each producer, across a restart too, and answers a
repetition with the offset that it gave the first time.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.consumer import Consumer
from iowitness.impl.producer import Producer
from iowitness.impl.producer_config import ProducerConfig
from iowitness.impl.server_config import ServerConfig
from tests.doubles.lossy_proxy import PROXY_HOST, LossyProxy, lossy_proxy
from tests.doubles.running_broker import RestartingBroker

_CONFIG = ServerConfig(advertised_host=PROXY_HOST)
_PLACE = TopicPartition("t", 0)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RestartingBroker]:
    broker = RestartingBroker(tmp_path, _CONFIG)
    yield broker
    broker.stop()


def _stored(broker: RestartingBroker) -> dict[int, bytes | None]:
    """Every record by its offset, read past the proxy."""
    consumer = Consumer(f"127.0.0.1:{broker.port}")
    consumer.cluster.refresh(("t",))
    nodes = consumer.cluster.view.nodes
    assert {one.host for one in nodes.values()} == {PROXY_HOST}
    with lossy_proxy(LossyProxy(broker.port, lambda _number: False)):
        consumer.assign({_PLACE: 0}, consumer.end_offsets((_PLACE,)))
        found: dict[int, bytes | None] = {}
        while consumer.positions:
            for came in consumer.poll():
                found |= {record.offset: record.value for record in came.records()}
        consumer.close()
    return found


@pytest.mark.parametrize("restarts", [False, True], ids=["broker stays", "broker restarts"])
def test_our_producer_learns_the_offsets_of_the_first_time(
    broker: RestartingBroker, *, restarts: bool
) -> None:
    values = [b"%04d" % number for number in range(120)]
    proxy = LossyProxy(
        broker.port,
        lambda number: number % 4 == 1,
        broker.restart if restarts else lambda: None,
    )
    config = ProducerConfig(linger_ms=0, batch_size=150, retry_backoff_ms=5)
    with lossy_proxy(proxy), Producer(f"{PROXY_HOST}:{broker.port}", config) as producer:
        sent = [producer.send("t", value) for value in values]
        offsets = [one.result(60).offset for one in sent]
    assert proxy.lost_count >= 3
    assert offsets == list(range(120))
    assert _stored(broker) == dict(enumerate(values))


@pytest.mark.client
@pytest.mark.parametrize("restarts", [False, True], ids=["broker stays", "broker restarts"])
def test_librdkafka_learns_the_offsets_of_the_first_time(
    broker: RestartingBroker, *, restarts: bool
) -> None:
    confluent_kafka: Any = pytest.importorskip("confluent_kafka")
    values = [b"%04d" % number for number in range(120)]
    proxy = LossyProxy(
        broker.port,
        lambda number: number % 4 == 1,
        broker.restart if restarts else lambda: None,
    )
    told: dict[bytes, int] = {}

    def delivered(error: Any, message: Any) -> None:
        assert error is None
        told[message.value()] = message.offset()

    with lossy_proxy(proxy):
        producer = confluent_kafka.Producer(
            {
                "bootstrap.servers": f"{PROXY_HOST}:{broker.port}",
                "enable.idempotence": True,
                "batch.num.messages": 10,
                "linger.ms": 0,
                "retry.backoff.ms": 5,
                "reconnect.backoff.ms": 5,
                "log_level": 0,
            }
        )
        for value in values:
            producer.produce("t", value, partition=0, on_delivery=delivered)
        assert producer.flush(60) == 0
    assert proxy.lost_count >= 3
    stored = _stored(broker)
    assert sorted(stored.values()) == values  # type: ignore[type-var]
    assert told == {value: offset for offset, value in stored.items()}

"""confluent-kafka, which is librdkafka."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.doubles.clients import PATIENCE_S, Sent, halves


class Confluent:
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")
    most_partitions_read = None

    def __init__(self) -> None:
        self._kafka: Any = pytest.importorskip("confluent_kafka")

    def produce(
        self,
        bootstrap: str,
        codec: str,
        records: Sequence[Sent],
        between: Callable[[], None] | None,
    ) -> None:
        producer = self._kafka.Producer(
            {"bootstrap.servers": bootstrap, "compression.type": codec, "enable.idempotence": True}
        )
        first, second = halves(records)
        for half in (first, second):
            for one in half:
                producer.produce(one.topic, one.value, partition=one.partition)
            assert producer.flush(PATIENCE_S) == 0
            if half is first and between is not None:
                between()

    def read_partition(self, bootstrap: str, topic: str, partition: int, count: int) -> list[bytes]:
        consumer = self._consumer(bootstrap, "unused")
        consumer.assign([self._kafka.TopicPartition(topic, partition, 0)])
        came = self._taken(consumer, count)
        consumer.close()
        return [one.value for one in came]

    def read_group(
        self, bootstrap: str, topics: Sequence[str], count: int, between: Callable[[], None]
    ) -> list[Sent]:
        consumer = self._consumer(bootstrap, "confluent")
        consumer.subscribe(list(topics))
        came = self._taken(consumer, count // 2)
        consumer.commit(asynchronous=False)
        between()
        came += self._taken(consumer, count - len(came))
        consumer.close()
        return came

    def _consumer(self, bootstrap: str, group: str) -> Any:
        return self._kafka.Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "check.crcs": True,
            }
        )

    def _taken(self, consumer: Any, count: int) -> list[Sent]:
        came: list[Sent] = []
        deadline_s = time.monotonic() + PATIENCE_S
        while len(came) < count:
            assert time.monotonic() < deadline_s, f"{len(came)} of {count} records came"
            for message in consumer.consume(count - len(came), 0.2):
                if message.error() is None:
                    came.append(Sent(message.topic(), message.partition(), message.value()))
        return came

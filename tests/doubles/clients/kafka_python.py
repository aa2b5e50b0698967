"""kafka-python 3."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.doubles.clients import PATIENCE_S, Sent, halves


class KafkaPython:
    most_partitions_read = None

    def __init__(self) -> None:
        self._kafka: Any = pytest.importorskip("kafka")
        codec: Any = pytest.importorskip("kafka.codec")
        there = {
            "gzip": codec.has_gzip(),
            "snappy": codec.has_snappy(),
            "lz4": codec.has_lz4(),
            "zstd": codec.has_zstd(),
        }
        self.codecs = ("none", *(name for name, is_there in there.items() if is_there))

    def produce(
        self,
        bootstrap: str,
        codec: str,
        records: Sequence[Sent],
        between: Callable[[], None] | None,
    ) -> None:
        producer = self._kafka.KafkaProducer(
            bootstrap_servers=bootstrap, compression_type=None if codec == "none" else codec
        )
        first, second = halves(records)
        for half in (first, second):
            futures = [producer.send(one.topic, one.value, partition=one.partition) for one in half]
            for future in futures:
                future.get(PATIENCE_S)
            if half is first and between is not None:
                between()
        producer.close()

    def read_partition(self, bootstrap: str, topic: str, partition: int, count: int) -> list[bytes]:
        consumer = self._kafka.KafkaConsumer(bootstrap_servers=bootstrap, group_id=None)
        place = self._kafka.TopicPartition(topic, partition)
        consumer.assign([place])
        consumer.seek(place, 0)
        came = _taken(consumer, count)
        consumer.close()
        return [one.value for one in came]

    def read_group(
        self, bootstrap: str, topics: Sequence[str], count: int, between: Callable[[], None]
    ) -> list[Sent]:
        consumer = self._kafka.KafkaConsumer(
            *topics,
            bootstrap_servers=bootstrap,
            group_id="kafka-python",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        came = _taken(consumer, count // 2)
        consumer.commit()
        between()
        came += _taken(consumer, count - len(came))
        consumer.close()
        return came


def _taken(consumer: Any, count: int) -> list[Sent]:
    came: list[Sent] = []
    deadline_s = time.monotonic() + PATIENCE_S
    while len(came) < count:
        assert time.monotonic() < deadline_s, f"{len(came)} of {count} records came"
        for records in consumer.poll(200, max_records=count - len(came)).values():
            came += [Sent(one.topic, one.partition, one.value) for one in records]
    return came

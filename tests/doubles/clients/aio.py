"""aiokafka."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.doubles.clients import PATIENCE_S, Sent, halves


class AioKafka:
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")
    most_partitions_read = None

    def __init__(self) -> None:
        self._kafka: Any = pytest.importorskip("aiokafka")

    def produce(
        self,
        bootstrap: str,
        codec: str,
        records: Sequence[Sent],
        between: Callable[[], None] | None,
    ) -> None:
        asyncio.run(self._produce(bootstrap, codec, records, between))

    async def _produce(
        self,
        bootstrap: str,
        codec: str,
        records: Sequence[Sent],
        between: Callable[[], None] | None,
    ) -> None:
        producer = self._kafka.AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            compression_type=None if codec == "none" else codec,
            enable_idempotence=True,
        )
        await producer.start()
        first, second = halves(records)
        for half in (first, second):
            acknowledged = [
                await producer.send(one.topic, one.value, partition=one.partition) for one in half
            ]
            await asyncio.wait_for(asyncio.gather(*acknowledged), PATIENCE_S)
            if half is first and between is not None:
                await asyncio.to_thread(between)
        await producer.stop()

    def read_partition(self, bootstrap: str, topic: str, partition: int, count: int) -> list[bytes]:
        return asyncio.run(self._read_partition(bootstrap, topic, partition, count))

    async def _read_partition(
        self, bootstrap: str, topic: str, partition: int, count: int
    ) -> list[bytes]:
        consumer = self._kafka.AIOKafkaConsumer(bootstrap_servers=bootstrap, check_crcs=True)
        await consumer.start()
        place = self._kafka.TopicPartition(topic, partition)
        consumer.assign([place])
        consumer.seek(place, 0)
        came = await _taken(consumer, count)
        await consumer.stop()
        return [one.value for one in came]

    def read_group(
        self, bootstrap: str, topics: Sequence[str], count: int, between: Callable[[], None]
    ) -> list[Sent]:
        return asyncio.run(self._read_group(bootstrap, topics, count, between))

    async def _read_group(
        self, bootstrap: str, topics: Sequence[str], count: int, between: Callable[[], None]
    ) -> list[Sent]:
        consumer = self._kafka.AIOKafkaConsumer(
            *topics,
            bootstrap_servers=bootstrap,
            group_id="aiokafka",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        await consumer.start()
        came = await _taken(consumer, count // 2)
        await consumer.commit()
        await asyncio.to_thread(between)
        came += await _taken(consumer, count - len(came))
        await consumer.stop()
        return came


async def _taken(consumer: Any, count: int) -> list[Sent]:
    came: list[Sent] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(came) < count:
            found = await consumer.getmany(timeout_ms=200, max_records=count - len(came))
            for records in found.values():
                came += [Sent(one.topic, one.partition, one.value) for one in records]
    return came

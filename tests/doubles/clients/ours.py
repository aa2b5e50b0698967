"""Our own producer and consumers."""

import time
from collections.abc import Callable, Sequence

from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.consumer import Consumer, PartitionRecords
from iowitness.impl.consumer_config import ConsumerConfig, GroupConfig
from iowitness.impl.group_consumer import GroupConsumer
from iowitness.impl.producer import Producer
from iowitness.impl.producer_config import ProducerConfig
from tests.doubles.clients import PATIENCE_S, Sent, halves

_CONFIG = ConsumerConfig(max_wait_ms=100)


class Ours:
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")
    most_partitions_read = None

    def produce(
        self,
        bootstrap: str,
        codec: str,
        records: Sequence[Sent],
        between: Callable[[], None] | None,
    ) -> None:
        config = ProducerConfig(codec=codec)  # type: ignore[arg-type]
        with Producer(bootstrap, config) as producer:
            first, second = halves(records)
            for half in (first, second):
                sent = [
                    producer.send(one.topic, one.value, partition=one.partition) for one in half
                ]
                for delivery in sent:
                    delivery.result(PATIENCE_S)
                if half is first and between is not None:
                    between()

    def read_partition(self, bootstrap: str, topic: str, partition: int, count: int) -> list[bytes]:
        consumer = Consumer(bootstrap, _CONFIG)
        consumer.assign({TopicPartition(topic, partition): 0})
        came = _taken(consumer.poll, count)
        consumer.close()
        return [one.value for one in came]

    def read_group(
        self, bootstrap: str, topics: Sequence[str], count: int, between: Callable[[], None]
    ) -> list[Sent]:
        group = GroupConfig(group_id="ours", reset="earliest", auto_commit_interval_ms=None)
        member = GroupConsumer(bootstrap, group, topics, ConsumerConfig(partition_byte_count=1))
        came = _taken(member.poll, count // 2)
        assert member.commit()
        between()
        came += _taken(member.poll, count - len(came))
        member.close()
        return came


def _taken(poll: Callable[[], list[PartitionRecords]], count: int) -> list[Sent]:
    came: list[Sent] = []
    deadline_s = time.monotonic() + PATIENCE_S
    while len(came) < count:
        assert time.monotonic() < deadline_s, f"{len(came)} of {count} records came"
        for fetched in poll():
            place = fetched.partition
            came += [Sent(*place, one.value or b"") for one in fetched.records()]
    return came

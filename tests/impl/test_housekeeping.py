"""What logs need now and then, while nobody asks."""

from iowitness.impl.batch_writer import encode_values
from iowitness.impl.log_names import DELETED
from iowitness.impl.topics import Partition
from tests.doubles.asked_broker import AskedBroker


def topic_with_segments(broker: AskedBroker, **settings: str) -> Partition:
    """Topic t, one batch a segment, made of values that differ in length."""
    named = {name.replace("_", "."): value for name, value in settings.items()}
    topic = broker.topics.create("t", 1, now_ms=1, settings={"segment.bytes": "100", **named})
    for _ in range(4):
        batch = encode_values([b"value" * 5], broker.now_ms)
        topic.partitions[0].log.append(batch, now_ms=broker.now_ms)
    return topic.partitions[0]


def test_old_segments_go_at_the_retention_interval_and_their_files_after_the_delay() -> None:
    broker = AskedBroker()
    partition = topic_with_segments(broker, retention_ms="60000", file_delete_delay_ms="5000")
    broker.wait(299_000)
    assert partition.log.start_offset == 0
    broker.wait(2_000)
    assert (partition.log.start_offset, partition.log.end_offset) == (4, 4)
    deleted = [name for name in broker.files.snapshot() if name.endswith(DELETED)]
    assert deleted
    broker.wait(6_000)
    assert not [name for name in broker.files.snapshot() if name.endswith(DELETED)]


def test_a_compacted_topic_keeps_its_old_segments() -> None:
    broker = AskedBroker()
    partition = topic_with_segments(broker, retention_ms="1", cleanup_policy="compact")
    broker.wait(400_000)
    assert len(partition.log.segments) == 4


def test_a_flush_happens_when_time_makes_it_due() -> None:
    broker = AskedBroker()
    partition = topic_with_segments(broker, flush_ms="3000")
    broker.wait(1_000)
    assert partition.log.recovery_point < 4
    broker.wait(4_000)
    assert partition.log.recovery_point == 4


def test_a_partition_whose_disk_fails_meanwhile_is_fenced_and_the_others_are_not() -> None:
    broker = AskedBroker()
    partition = topic_with_segments(broker, retention_ms="60000")
    other = broker.topics.create("other", 1, now_ms=1).partitions[0]
    broker.files.free_byte_count = 0
    broker.wait(301_000)
    assert partition.fault is not None
    assert other.fault is None

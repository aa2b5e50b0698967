"""Compacted topics cleaned in slices, while the broker does other things in between."""

import itertools

import pytest

from iowitness.impl.batch_reader import batches, records
from iowitness.impl.batch_writer import encode_batch
from iowitness.impl.log_retention import delete_old_segments
from iowitness.impl.topic_cleaner import TopicCleaner
from iowitness.impl.topics import Partition
from tests.doubles.asked_broker import AskedBroker

KEYS = [b"a", b"b", b"c"]


def append(partition: Partition, first: int, count: int) -> None:
    """Batches of one record each, with numbers for values and keys in turn."""
    for number in range(first, first + count):
        fields = [(1, KEYS[number % len(KEYS)], b"%d" % number, ())]
        partition.log.append(encode_batch(fields), now_ms=1)


def compacted_topic(broker: AskedBroker, name: str = "t", **settings: str) -> Partition:
    named = {key.replace("_", "."): value for key, value in settings.items()}
    own = {"cleanup.policy": "compact", "segment.bytes": "400", **named}
    return broker.topics.create(name, 1, now_ms=1, settings=own).partitions[0]


def values(partition: Partition) -> list[int]:
    log = partition.log
    found: list[int] = []
    offset = log.start_offset
    while (region := log.read(offset, 1 << 20).region) is not None:
        for batch in batches(region.read()):
            found += [int(one.value or b"-1") for one in records(batch)]
            offset = batch.header.next_offset
    return found


def byte_count_of_closed(partition: Partition) -> int:
    return sum(segment.byte_count for segment in partition.log.segments[:-1])


def test_superseded_records_go_while_nobody_asks() -> None:
    broker = AskedBroker()
    partition = compacted_topic(broker)
    append(partition, 0, 60)
    before = byte_count_of_closed(partition)
    broker.wait(14_000)
    assert byte_count_of_closed(partition) == before
    broker.wait(3_000)
    assert byte_count_of_closed(partition) < before / 4
    assert values(partition)[-3:] == [57, 58, 59]
    assert partition.log.end_offset == 60
    broker.restart()
    assert values(broker.topics.by_name["t"].partitions[0])[-3:] == [57, 58, 59]


def test_other_topics_are_left_alone() -> None:
    broker = AskedBroker()
    partition = compacted_topic(broker, cleanup_policy="delete")
    append(partition, 0, 60)
    broker.wait(60_000)
    assert values(partition) == list(range(60))


def test_a_clean_log_is_due_again_once_half_of_it_is_new() -> None:
    broker = AskedBroker()
    partition = compacted_topic(broker)
    append(partition, 0, 60)
    cleaner = TopicCleaner(broker.topics)

    def is_due() -> bool:
        cleaner.look(now_ms=1)
        was_due = cleaner.is_working
        cleaner.work(1, lambda: 0)
        assert not cleaner.is_working
        return was_due

    assert is_due()
    assert not is_due()
    append(partition, 60, 60)
    assert is_due()
    assert values(partition)[-3:] == [117, 118, 119]


def test_between_slices_the_log_may_grow_and_lose_its_oldest_segments() -> None:
    broker = AskedBroker()
    partition = compacted_topic(broker, cleanup_policy="compact,delete", retention_ms="1")
    append(partition, 0, 60)
    cleaner = TopicCleaner(broker.topics)
    cleaner.look(now_ms=1)
    clock = itertools.count()
    slice_count = 0
    while cleaner.is_working:
        cleaner.work(0, lambda: next(clock))
        slice_count += 1
        if slice_count % 20 == 0:
            append(partition, 60 + slice_count // 20, 1)
        if slice_count == 70:
            delete_old_segments(partition.log, now_ms=10_000, high_watermark=15)
    assert slice_count > 100
    numbers = values(partition)
    latest = {number % 3: number for number in range(60 + slice_count // 20 + 1)}
    assert set(latest.values()) <= set(numbers)
    broker.kill()
    assert values(broker.topics.by_name["t"].partitions[0]) == numbers


def test_a_topic_that_is_removed_in_between_is_let_go() -> None:
    broker = AskedBroker()
    partition = compacted_topic(broker)
    append(partition, 0, 60)
    cleaner = TopicCleaner(broker.topics)
    cleaner.look(now_ms=1)
    for _ in range(30):
        cleaner.work(0, lambda: 1)
    broker.topics.delete(broker.topics.by_name["t"])
    cleaner.work(0, lambda: 1)
    assert not cleaner.is_working


def test_a_damaged_log_is_given_up_and_others_are_cleaned(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker = AskedBroker()
    damaged, sound = compacted_topic(broker, "damaged"), compacted_topic(broker, "sound")
    append(damaged, 0, 61)
    append(sound, 0, 60)
    first = damaged.log.segments[0]
    first.file.write_at(b"\xff", 90)
    broker.wait(60_000)
    assert damaged.fault is None
    assert len([one for one in caplog.messages if "damaged-0 is not cleaned" in one]) == 1
    assert len(values(sound)) < 20


def test_a_full_disk_fences_the_partition_that_was_being_cleaned() -> None:
    broker = AskedBroker()
    partition = compacted_topic(broker)
    partition.log.append(encode_batch([(1, b"stays", b"0", ())]), now_ms=1)
    append(partition, 0, 60)
    broker.files.free_byte_count = 0
    broker.wait(20_000)
    assert partition.fault is not None

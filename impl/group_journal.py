"""`__consumer_offsets`: groups and their offsets as records of an ordinary topic, newest last.

The topic is made when it is first needed. Superseded records go by rewriting: once a partition has
grown to several times what it holds, a new segment begins, everything that counts is written to it
and synced, and the segments before it go. A crash in between leaves both, which read the same.
Directories of Kafka's are read and continued: a group's partition is found as Kafka finds it.
"""

import logging
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from iowitness.impl.batch_reader import Batch, records
from iowitness.impl.batch_writer import BatchBuilder
from iowitness.impl.control_records import MarkerKind, read_marker
from iowitness.impl.errors import BatchRefused, CorruptBatch
from iowitness.impl.group_records import (
    SavedKey,
    SavedValue,
    encode_key,
    encode_value,
    read_key,
    read_value,
)
from iowitness.impl.log_reading import read_batch
from iowitness.impl.topics import Partition, Topics
from iowitness.impl.wire_errors import ErrorCode, ProtocolViolation

log = logging.getLogger(__name__)

OFFSETS_TOPIC: Final = "__consumer_offsets"
_PARTITION_COUNT: Final = 1
_OFFSETS_SETTINGS: Final = {"cleanup.policy": "compact", "segment.bytes": "104857600"}
_BATCH_BYTE_COUNT: Final = 262_144
_LEAST_REWRITE_BYTE_COUNT: Final = 1_048_576
_REWRITE_FACTOR: Final = 4

SavedRecord: TypeAlias = tuple[SavedKey, SavedValue | None]


def partition_of_group(group: str, partition_count: int) -> int:
    """Where a group is kept: Java's hash of its name. Source: GroupCoordinator.partitionFor."""
    value = 0
    units = group.encode("utf-16-be")
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    signed = value - (1 << 32) if value >= 1 << 31 else value
    return 0 if signed == -(1 << 31) else abs(signed) % partition_count


class GroupJournal:
    """Writes and reads the topic. `grown` collects partitions that were appended to."""

    def __init__(self, topics: Topics, grown: set[tuple[str, int]]) -> None:
        self._topics = topics
        self._grown = grown
        self._kept_byte_counts: dict[int, int] = {}
        self._outgrown: set[int] = set()

    def is_ready(self, *, now_ms: int) -> bool:
        """Whether groups can be kept: the topic is made if it is missing; False if it cannot be."""
        if OFFSETS_TOPIC in self._topics.by_name:
            return True
        try:
            self._topics.create(
                OFFSETS_TOPIC, _PARTITION_COUNT, now_ms=now_ms, settings=_OFFSETS_SETTINGS
            )
        except OSError as error:
            log.error("topic %s could not be made: %s", OFFSETS_TOPIC, error)  # noqa: TRY400
            return False
        return True

    def write(self, group: str, saved: Iterable[SavedRecord], *, now_ms: int) -> ErrorCode:
        """Append records of one group; NONE once they are written."""
        if not self.is_ready(now_ms=now_ms):
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        partition = self._partition_of(group)
        if partition.fault is not None:
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        try:
            self._append(partition, saved, now_ms)
            if partition.log.byte_count > self._limit(partition.number):
                self._outgrown.add(partition.number)
        except (BatchRefused, OSError) as error:
            if isinstance(error, OSError):
                partition.fence(error)
            log.error("group %s could not be saved: %s", group, error)  # noqa: TRY400
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        return ErrorCode.NONE

    @property
    def outgrown(self) -> tuple[int, ...]:
        """The partitions that hold several times what counts in them, and are due for a rewrite."""
        return tuple(self._outgrown)

    def rewrite(self, number: int, saved: Iterable[SavedRecord], *, now_ms: int) -> None:
        """All that counts, written anew to one partition; of `saved` its own groups are taken."""
        self._outgrown.discard(number)
        partition = self._topics.by_name[OFFSETS_TOPIC].partitions[number]
        kept = (record for record in saved if self._partition_of(record[0].group) is partition)
        try:
            partition.log.roll(now_ms=now_ms)
            start_offset = partition.log.end_offset
            self._append(partition, kept, now_ms)
            partition.log.flush(now_ms=now_ms)
            old = [one for one in partition.log.segments if one.base_offset < start_offset]
            partition.log.drop_oldest(len(old), now_ms=now_ms)
        except OSError as error:
            partition.fence(error)
            return
        self._kept_byte_counts[number] = partition.log.byte_count

    def load(self) -> Iterator[SavedRecord]:
        """All records, oldest first; what cannot be understood is logged and passed over.

        Offsets that were committed in a transaction count once its commit marker follows.
        """
        topic = self._topics.by_name.get(OFFSETS_TOPIC)
        for partition in () if topic is None else topic.partitions:
            open_transactions: dict[int, list[SavedRecord]] = {}
            for batch in _batches(partition):
                producer_id = batch.header.producer_id
                if batch.header.is_control:
                    waiting = open_transactions.pop(producer_id, [])
                    if read_marker(batch).kind is MarkerKind.COMMIT:
                        yield from waiting
                elif batch.header.is_transactional:
                    open_transactions.setdefault(producer_id, []).extend(_understood(batch))
                else:
                    yield from _understood(batch)

    def _partition_of(self, group: str) -> Partition:
        partitions = self._topics.by_name[OFFSETS_TOPIC].partitions
        return partitions[partition_of_group(group, len(partitions))]

    def _limit(self, number: int) -> int:
        kept_byte_count = self._kept_byte_counts.get(number, 0)
        return max(_LEAST_REWRITE_BYTE_COUNT, _REWRITE_FACTOR * kept_byte_count)

    def _append(self, partition: Partition, saved: Iterable[SavedRecord], now_ms: int) -> None:
        builder = BatchBuilder(_BATCH_BYTE_COUNT)
        for key, value in saved:
            fields = (encode_key(key), None if value is None else encode_value(value))
            if not builder.try_append(now_ms, *fields):
                partition.log.append(builder.build(), now_ms=now_ms)
                builder = BatchBuilder(_BATCH_BYTE_COUNT)
                builder.try_append(now_ms, *fields)
        if builder.record_count:
            partition.log.append(builder.build(), now_ms=now_ms)
        self._grown.add((partition.topic, partition.number))


def _batches(partition: Partition) -> Iterator[Batch]:
    for segment in partition.log.segments:
        for found in segment.heads(0):
            yield read_batch(segment, found)


def _understood(batch: Batch) -> Iterator[SavedRecord]:
    for record in records(batch):
        if record.key is None:
            continue
        try:
            key = read_key(record.key)
            if key is not None:
                yield key, None if record.value is None else read_value(key, record.value)
        except (ProtocolViolation, CorruptBatch) as error:
            log.warning("%s offset %d: %s; passed over", OFFSETS_TOPIC, record.offset, error)

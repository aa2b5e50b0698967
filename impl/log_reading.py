"""Reads over the segments of a log: by offset and by time.

Which reads of the file they make: docs/formats/log-reads-and-writes.md, "Read".
"""

from bisect import bisect_right
from collections.abc import Sequence

from msgspec import Struct

from iowitness.impl.batch_reader import Batch, records
from iowitness.impl.control_records import AbortedTransaction
from iowitness.impl.file_region import FetchSlice, FileRegion
from iowitness.impl.segment import BatchAt, Segment


class ReadLimit(Struct, frozen=True):
    """How far a read may go.

    At most `byte_count`, but a first batch of up to `first_batch_byte_count` comes whole. Nothing
    at or after `end_offset` is given, if that is not None.
    """

    byte_count: int
    first_batch_byte_count: int
    end_offset: int | None = None


def read_slice(segments: Sequence[Segment], offset: int, limit: ReadLimit) -> FetchSlice:
    """The stretch that starts with the batch holding an offset, or with the next after a gap."""
    for segment in segments[_number_of(segments, offset) :]:
        found = segment.find(offset)
        if found is not None:
            return _sliced(segment, found, limit)
    return FetchSlice(None, offset)


def _number_of(segments: Sequence[Segment], offset: int) -> int:
    return max(bisect_right(segments, offset, key=lambda segment: segment.base_offset) - 1, 0)


def _sliced(segment: Segment, first: BatchAt, limit: ReadLimit) -> FetchSlice:
    end = segment.byte_count
    if limit.end_offset is not None:
        past_end = segment.find(max(limit.end_offset, first.header.base_offset))
        end = end if past_end is None else past_end.position
    whole = min(first.header.byte_count, limit.first_batch_byte_count)
    byte_count = min(max(limit.byte_count, whole), end - first.position)
    if byte_count <= 0:
        return FetchSlice(None, first.header.base_offset)
    region = FileRegion(segment.file, first.position, byte_count)
    is_cut = byte_count < first.header.byte_count
    return FetchSlice(region, first.header.base_offset, is_cut)


class TimedOffset(Struct, frozen=True, gc=False):
    """A record's offset and timestamp in ms."""

    offset: int
    timestamp_ms: int


def offset_for_time(
    segments: Sequence[Segment], timestamp_ms: int, start_offset: int
) -> TimedOffset | None:
    """The first record at or after `start_offset` that is not older than a timestamp."""
    for segment in segments:
        if segment.latest_timestamp_ms < timestamp_ms:
            continue
        # Every record up to the entry's batch is older, that batch's own perhaps excepted.
        floor = segment.time_index.lookup(timestamp_ms).offset
        first = segment.find(max(floor, start_offset, segment.base_offset))
        if first is None:
            continue
        for batch in segment.heads(first.position):
            if batch.header.max_timestamp_ms >= timestamp_ms:
                found = _first_in(segment, batch, timestamp_ms, start_offset)
                if found is not None:
                    return found
    return None


def _first_in(
    segment: Segment, batch: BatchAt, timestamp_ms: int, start_offset: int
) -> TimedOffset | None:
    for record in records(read_batch(segment, batch)):
        if record.timestamp_ms >= timestamp_ms and record.offset >= start_offset:
            return TimedOffset(record.offset, record.timestamp_ms)
    return None


def latest_timestamp(segments: Sequence[Segment]) -> TimedOffset | None:
    """The first record that has the log's largest timestamp; None without timestamps."""
    newest = max(segments, key=lambda segment: segment.latest_timestamp_ms)
    if newest.latest_timestamp_ms < 0:
        return None
    return offset_for_time([newest], newest.latest_timestamp_ms, newest.base_offset)


def aborted_between(
    segments: Sequence[Segment], offset: int, end_offset: int
) -> list[AbortedTransaction]:
    """The aborted transactions that have records between two offsets, by their markers."""
    return [
        aborted
        for segment in segments
        for aborted in segment.aborted.entries
        if aborted.last_offset >= offset and aborted.first_offset < end_offset
    ]


def read_batch(segment: Segment, batch: BatchAt) -> Batch:
    """All of a batch: one read of its size. Raises `CorruptBatch` if it is not sound."""
    region = FileRegion(segment.file, batch.position, batch.header.byte_count)
    whole = Batch(batch.header, memoryview(region.read()))
    whole.check()
    return whole

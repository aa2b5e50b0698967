"""A partition's log at broker scale: segments as byte counts, and what the page cache was told.

Positions run on over segments, from the partition's beginning. Appends reach the page cache in
steps, so that its cost is of bytes and not of batches; what is appended and not yet in it counts as
resident. All partitions' steps together are less than a hundredth of the memory.
Source: Kafka's `UnifiedLog`, `LogSegment`.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from iowitness.model.broker_load import Storage
from iowitness.model.hardware import PAGE_BYTE_COUNT
from iowitness.model.page_cache import FileRange, PageCache

_LEAST_STEP_BYTE_COUNT = 65_536
_LONGEST_STEP_BYTE_COUNT = 4_194_304
_STEPS_IN_MEMORY = 128
_INDEX_ENTRY_BYTE_COUNT = 8
_TIME_ENTRY_BYTE_COUNT = 12


@dataclass(slots=True)
class StoredSegment:
    """One segment: where it begins, how long it is, its files, and when it began."""

    base_position: int
    file_id: int
    index_file_id: int
    time_index_file_id: int
    created_ns: int
    byte_count: int = 0

    @property
    def file_ids(self) -> tuple[int, int, int]:
        """Its log and its two indexes."""
        return self.file_id, self.index_file_id, self.time_index_file_id


class PartitionLog:
    """One partition. `end` is where the next byte goes, `start` the oldest that is kept."""

    def __init__(self, storage: Storage, cache: PageCache, file_ids: Iterator[int]) -> None:
        self._storage = storage
        self._cache = cache
        self._file_ids = file_ids
        share = cache.byte_count // (_STEPS_IN_MEMORY * storage.partition_count)
        self.step_byte_count = min(_LONGEST_STEP_BYTE_COUNT, max(_LEAST_STEP_BYTE_COUNT, share))
        self.segments: deque[StoredSegment] = deque()
        self.end = 0
        self.cached_end = 0
        self.unsynced_record_count = 0
        self.roll(0)

    @property
    def start(self) -> int:
        """The oldest position that is kept."""
        return self.segments[0].base_position

    @property
    def active(self) -> StoredSegment:
        """The segment that takes appends."""
        return self.segments[-1]

    def append(self, byte_count: int, record_count: int, now_ns: int) -> StoredSegment | None:
        """Take a batch; the segment that it closed by not fitting, or None."""
        active, closed = self.segments[-1], None
        if active.byte_count and active.byte_count + byte_count > self._storage.segment_byte_count:
            self.absorb(now_ns)
            closed, active = active, self.roll(now_ns)
        active.byte_count += byte_count
        self.end += byte_count
        self.unsynced_record_count += record_count
        return closed

    def roll(self, now_ns: int) -> StoredSegment:
        """Begin a new segment."""
        ids = self._file_ids
        segment = StoredSegment(self.end, next(ids), next(ids), next(ids), now_ns)
        self.segments.append(segment)
        return segment

    @property
    def has_step(self) -> bool:
        """True if enough was appended to tell the page cache."""
        return self.end - self.cached_end >= self.step_byte_count

    def absorb(self, now_ns: int, node: int = 0) -> int:
        """Tell the page cache what was appended; returns those bytes."""
        byte_count = self.end - self.cached_end
        if not byte_count:
            return 0
        active = self.segments[-1]
        offset = self.cached_end - active.base_position
        self._cache.write(active.file_id, offset, byte_count, now_ns, node)
        entries = active.byte_count // self._storage.index_interval_byte_count
        for file_id, size in (
            (active.index_file_id, _INDEX_ENTRY_BYTE_COUNT),
            (active.time_index_file_id, _TIME_ENTRY_BYTE_COUNT),
        ):
            place = entries * size
            self._cache.write(file_id, place - place % PAGE_BYTE_COUNT, 1, now_ns, node)
        self.cached_end = self.end
        return byte_count

    def segment_at(self, position: int) -> StoredSegment:
        """The segment that holds a kept position."""
        for segment in reversed(self.segments):
            if segment.base_position <= position:
                return segment
        return self.segments[0]

    def region(self, position: int, most_byte_count: int) -> tuple[StoredSegment, int, int]:
        """Segment, offset in it and length of what a read from a position gets: one segment's."""
        segment = self.segments[-1]
        if position < segment.base_position:
            segment = self.segment_at(position)
        offset = position - segment.base_position
        return segment, offset, min(most_byte_count, segment.byte_count - offset)

    def expired(self, now_ns: int) -> list[StoredSegment]:
        """Take out what retention no longer keeps; the active segment stays."""
        storage, gone = self._storage, []
        while len(self.segments) > 1:
            following = self.segments[1]
            kept = self.end - following.base_position
            too_much = (
                storage.retention_byte_count is not None and kept >= storage.retention_byte_count
            )
            too_old = (
                storage.retention_ns is not None
                and now_ns - following.created_ns >= storage.retention_ns
            )
            if not (too_much or too_old):
                break
            gone.append(self.segments.popleft())
        return gone

    def dirty_files(self, segment: StoredSegment) -> list[int]:
        """The files of a segment that an fsync has to write, the log first."""
        return [one for one in segment.file_ids if self._cache.dirty_ranges(one)]

    def filled(self, byte_count: int) -> None:
        """Start with some content, written long ago and on the disk only."""
        segment_size = self._storage.segment_byte_count
        while byte_count > 0:
            if self.active.byte_count:
                self.roll(0)
            size = min(byte_count, segment_size)
            self.active.byte_count = size
            self.end += size
            byte_count -= size
        self.cached_end = self.end

    def cached(self, byte_count: int) -> Iterator[FileRange]:
        """The newest bytes as ranges of files, the oldest of them first, in steps of 8 MiB."""
        position = max(self.start, self.end - byte_count)
        while position < self.end:
            segment, offset, length = self.region(position, 8 * 1_048_576)
            # A page that is in memory in part is there as a whole.
            last = -(-(offset + length) // PAGE_BYTE_COUNT) * PAGE_BYTE_COUNT
            yield FileRange(segment.file_id, offset - offset % PAGE_BYTE_COUNT, last)
            position += length

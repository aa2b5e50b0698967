"""Where a partition's log puts batches, and where it looks for them: decisions without files.

A segment rolls before an append for which its size exceeds `segment_byte_count` less the incoming
size, whose timestamp lies too far from the segment's first batch, or for which an index is full.
An index entry is made when the bytes since the last one exceed the interval, before the batch
counts itself; it holds the batch's last offset and position. A read looks the offset up there, then
walks batch heads from that place on to the first batch that ends at or after the offset; what it
returns stays inside one segment and may end inside a batch.
Source: docs/formats/log-reads-and-writes.md; Kafka's `LogSegment`, `OffsetIndex`, `FileRecords`.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from iowitness.model.what_if import LogPolicy

Least: TypeAlias = Literal["nothing", "one-batch"]
"""Whether a read whose limit is below its first batch returns that batch whole, or a cut slice."""

OFFSET_ENTRY_BYTE_COUNT = 8
TIME_ENTRY_BYTE_COUNT = 12
_LARGEST_RELATIVE_OFFSET = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one batch went: the segment, the place in it, and whether the segment is new."""

    segment_base_offset: int
    position: int
    byte_count: int
    rolled: bool


@dataclass(frozen=True, slots=True)
class Region:
    """What a read returns: a stretch of one segment, and the places of the heads it read first."""

    segment_base_offset: int
    position: int
    byte_count: int
    head_positions: tuple[int, ...]


@dataclass(slots=True)
class Segment:
    """One segment: its batches by last offset and position, and its sparse index."""

    base_offset: int
    byte_count: int = 0
    last_offsets: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    index_offsets: list[int] = field(default_factory=list)
    index_positions: list[int] = field(default_factory=list)
    unindexed_byte_count: int = 0
    first_timestamp_ms: int | None = None
    largest_timestamp_ms: int = -1
    time_entry_count: int = 0
    _last_time_entry_ms: int = -1

    def append(
        self, last_offset: int, byte_count: int, timestamp_ms: int, index_interval_byte_count: int
    ) -> int:
        """Take a batch whose largest timestamp is given; returns its position."""
        position = self.byte_count
        if self.first_timestamp_ms is None:
            self.first_timestamp_ms = timestamp_ms
        self.largest_timestamp_ms = max(self.largest_timestamp_ms, timestamp_ms)
        if self.unindexed_byte_count > index_interval_byte_count:
            self.index_offsets.append(last_offset)
            self.index_positions.append(position)
            self.add_time_entry()
            self.unindexed_byte_count = 0
        self.last_offsets.append(last_offset)
        self.positions.append(position)
        self.byte_count += byte_count
        self.unindexed_byte_count += byte_count
        return position

    def add_time_entry(self) -> None:
        """Note the largest timestamp so far in the time index, unless its last entry has it."""
        if self.largest_timestamp_ms > self._last_time_entry_ms:
            self._last_time_entry_ms = self.largest_timestamp_ms
            self.time_entry_count += 1

    def heads_from_last_entry(self) -> tuple[int, ...]:
        """The positions of the heads that an opening reads to find the segment's end offset."""
        last = self.index_positions[-1] if self.index_positions else 0
        return tuple(self.positions[bisect_left(self.positions, last) :])

    def indexed_position(self, offset: int) -> int:
        """The position of the greatest index entry at or below `offset`; 0 below the first."""
        entry = bisect_right(self.index_offsets, offset)
        return self.index_positions[entry - 1] if entry else 0

    def heads_to(self, offset: int) -> tuple[int, ...]:
        """The positions of the heads that a search for `offset` reads; the last is the batch's."""
        first = bisect_left(self.positions, self.indexed_position(offset))
        found = bisect_left(self.last_offsets, offset, first)
        return tuple(self.positions[first : found + 1])

    def whole_batches_in(self, position: int, byte_count: int) -> int | None:
        """The last offset of the batches that lie wholly in a stretch; None if none does."""
        ends = bisect_right(self.positions, position + byte_count)
        last = ends - 1
        end = self.positions[ends] if ends < len(self.positions) else self.byte_count
        if end > position + byte_count:
            last -= 1
        if last < 0 or self.positions[last] < position:
            return None
        return self.last_offsets[last]

    def first_batch_byte_count(self, position: int) -> int:
        """The size of the batch at `position`."""
        number = bisect_left(self.positions, position)
        ends = [*self.positions[number + 1 : number + 2], self.byte_count]
        return ends[0] - position


class PartitionLog:
    """The segments of one partition and the offsets in them."""

    def __init__(self, policy: LogPolicy) -> None:
        self._policy = policy
        self.segments = [Segment(0)]
        self._base_offsets = [0]
        self.next_offset = 0

    @property
    def active(self) -> Segment:
        """The segment that takes appends."""
        return self.segments[-1]

    def append(self, record_count: int, byte_count: int, timestamp_ms: int) -> Placement:
        """Give a batch with that largest timestamp the next offsets and a place."""
        last_offset = self.next_offset + record_count - 1
        rolled = self._must_roll(last_offset, byte_count, timestamp_ms)
        if rolled:
            self.active.add_time_entry()
            self.segments.append(Segment(self.next_offset))
            self._base_offsets.append(self.next_offset)
        self.next_offset = last_offset + 1
        position = self.active.append(
            last_offset, byte_count, timestamp_ms, self._policy.index_interval_byte_count
        )
        return Placement(self.active.base_offset, position, byte_count, rolled)

    def is_full_for(self, byte_count: int) -> bool:
        """True if the size alone makes the next append roll."""
        return self.active.byte_count > self._policy.segment_byte_count - byte_count

    def _must_roll(self, last_offset: int, byte_count: int, timestamp_ms: int) -> bool:
        segment, policy = self.active, self._policy
        if self.is_full_for(byte_count):
            return True
        first_ms = segment.first_timestamp_ms
        if first_ms is not None and timestamp_ms - first_ms > policy.segment_ms:
            return True
        offset_limit = policy.index_byte_count // OFFSET_ENTRY_BYTE_COUNT
        time_limit = policy.index_byte_count // TIME_ENTRY_BYTE_COUNT - 1
        return (
            len(segment.index_offsets) >= offset_limit
            or segment.time_entry_count >= time_limit
            or last_offset - segment.base_offset > _LARGEST_RELATIVE_OFFSET
        )

    def segment_of(self, offset: int) -> Segment:
        """The segment that holds `offset`."""
        return self.segments[bisect_right(self._base_offsets, offset) - 1]

    def segment_of_base(self, base_offset: int) -> Segment:
        """The segment with that base offset."""
        segment = self.segment_of(base_offset)
        assert segment.base_offset == base_offset
        return segment

    def read(self, offset: int, limit_byte_count: int, least: Least) -> Region | None:
        """The region from the batch with `offset` on; None at the log's end or for no bytes."""
        if offset >= self.next_offset or (limit_byte_count == 0 and least == "nothing"):
            return None
        segment = self.segment_of(offset)
        heads = segment.heads_to(offset)
        position = heads[-1]
        if least == "one-batch":
            limit_byte_count = max(limit_byte_count, segment.first_batch_byte_count(position))
        byte_count = min(limit_byte_count, segment.byte_count - position)
        return Region(segment.base_offset, position, byte_count, heads)

    def read_to(self, region: Region, offset: int) -> int:
        """The offset to go on from: after the last whole batch of a region, else `offset`."""
        segment = self.segment_of_base(region.segment_base_offset)
        last_offset = segment.whole_batches_in(region.position, region.byte_count)
        return offset if last_offset is None else last_offset + 1

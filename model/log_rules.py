"""Where a partition's log puts batches, and where it looks for them: decisions without files.

A segment rolls before an append for which its size exceeds `segment_byte_count` less the incoming
size. An index entry is made when the bytes since the last one exceed the interval, before the
batch counts itself; it holds the batch's last offset and position. A read looks the offset up
there, then walks batch heads of 61 bytes from that place on to the first batch that ends at or
after the offset; what it returns stays inside one segment and may end inside a batch.
Source: Kafka's `LogSegment`, `OffsetIndex` and `FileRecords`.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Least: TypeAlias = Literal["nothing", "one-batch"]
"""Whether a read whose limit is below its first batch returns that batch whole, or a cut slice."""


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

    def append(self, last_offset: int, byte_count: int, index_interval_byte_count: int) -> int:
        """Take a batch; returns its position."""
        position = self.byte_count
        if self.unindexed_byte_count > index_interval_byte_count:
            self.index_offsets.append(last_offset)
            self.index_positions.append(position)
            self.unindexed_byte_count = 0
        self.last_offsets.append(last_offset)
        self.positions.append(position)
        self.byte_count += byte_count
        self.unindexed_byte_count += byte_count
        return position

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

    def __init__(self, segment_byte_count: int, index_interval_byte_count: int) -> None:
        self._segment_byte_count = segment_byte_count
        self._index_interval_byte_count = index_interval_byte_count
        self.segments = [Segment(0)]
        self._base_offsets = [0]
        self.start_offset = 0
        self.next_offset = 0

    @property
    def active(self) -> Segment:
        """The segment that takes appends."""
        return self.segments[-1]

    def append(self, record_count: int, byte_count: int) -> Placement:
        """Give a batch the next offsets and a place."""
        rolled = self.active.byte_count > self._segment_byte_count - byte_count
        rolled = rolled and self.active.byte_count > 0
        if rolled:
            self.segments.append(Segment(self.next_offset))
            self._base_offsets.append(self.next_offset)
        self.next_offset += record_count
        position = self.active.append(
            self.next_offset - 1, byte_count, self._index_interval_byte_count
        )
        return Placement(self.active.base_offset, position, byte_count, rolled)

    def segment_of(self, offset: int) -> Segment:
        """The segment that holds `offset`."""
        return self.segments[bisect_right(self._base_offsets, offset) - 1]

    def segment_of_base(self, base_offset: int) -> Segment:
        """The segment with that base offset."""
        segment = self.segment_of(base_offset)
        assert segment.base_offset == base_offset
        return segment

    def read(self, offset: int, limit_byte_count: int, least: Least) -> Region | None:
        """The region from the batch with `offset` on; None at the end of the log."""
        if offset >= self.next_offset:
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

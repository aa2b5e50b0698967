"""The buffer of a drive: segments, each with one run of neighbouring blocks."""

from collections.abc import Iterator

from iowitness.model.drive import DriveCache


class CacheSegment:
    """One segment: the blocks from `start` up to, not with, `end`. Equal numbers mean empty."""

    __slots__ = ("end", "start", "written")

    def __init__(self) -> None:
        self.start = 0
        self.end = 0
        self.written = False

    def holds(self, block: int) -> bool:
        """True if the block is in the segment."""
        return self.start <= block < self.end

    def set(self, start: int, end: int) -> None:
        """Hold these blocks only."""
        self.start, self.end = start, end


class SegmentCache:
    """All segments, the least recently used first."""

    def __init__(self, figures: DriveCache) -> None:
        self._figures = figures
        self._segments = [CacheSegment() for _ in range(max(1, figures.segment_count))]
        self._for_writes = self._segments.pop() if figures.separate_write_segment else None
        self.size = figures.segment_sector_count

    def holding(self, block: int) -> CacheSegment | None:
        """The segment that holds a block and may answer a read of it."""
        if not self._figures.caches:
            return None
        for segment in self._all():
            if segment.holds(block) and (self._figures.reads_hit_written or not segment.written):
                return segment
        return None

    def for_read(self, block: int) -> CacheSegment:
        """A segment for a read that found nothing: the one used least recently, emptied."""
        if not self._segments:  # a drive whose only segment is for writes
            self._segments.append(CacheSegment())
        segment = self._segments[0]
        segment.set(block, block)
        segment.written = False
        return segment

    def extend(self, segment: CacheSegment, end: int) -> None:
        """Let a segment hold blocks up to `end`, and forget its oldest if it is too long."""
        segment.end = max(segment.end, end)
        segment.start = max(segment.start, segment.end - self.size)

    def for_write(self, block: int, count: int) -> CacheSegment:
        """The segment for a write: one that it continues, else a written one, else the oldest."""
        self._forget(block, block + count)
        candidates = [self._for_writes] if self._for_writes else self._segments
        continued = next((s for s in candidates if s.written and s.end == block), None)
        written = [s for s in candidates if s.written]
        full = len(written) >= self._figures.write_segment_count
        segment = continued or (written[0] if full and written else candidates[0])
        if continued is None:
            segment.set(block, block)
        segment.written = True
        self.extend(segment, block + count)
        self.used(segment)
        return segment

    def used(self, segment: CacheSegment) -> None:
        """Make a segment the most recently used."""
        if segment is not self._for_writes:
            self._segments.remove(segment)
            self._segments.append(segment)

    def _forget(self, start: int, end: int) -> None:
        """Drop what a write makes stale: the part of each segment from the overlap on."""
        for segment in self._all():
            if segment.start < end and start < segment.end:
                if segment.start < start:
                    segment.end = start
                else:
                    segment.start = min(end, segment.end)

    def _all(self) -> Iterator[CacheSegment]:
        yield from reversed(self._segments)
        if self._for_writes:
            yield self._for_writes

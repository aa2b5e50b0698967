"""The pages of one file that are in memory, as extents."""

from bisect import bisect_right, insort
from collections.abc import Iterator

from iowitness.model.extents import ExtentSet

EXTENT_BYTE_COUNT = 8 * 1_048_576
"""An extent grows up to this size; eviction and ageing work on whole extents."""


class Extent:
    """Neighbouring pages of one file on one node, which age together."""

    __slots__ = ("active", "dirty_byte_count", "end", "file_id", "node", "referenced", "start")

    def __init__(self, file_id: int, start: int, end: int, node: int) -> None:
        self.file_id = file_id
        self.start = start
        self.end = end
        self.node = node
        self.dirty_byte_count = 0
        self.active = False
        self.referenced = False

    @property
    def byte_count(self) -> int:
        """How long it is."""
        return self.end - self.start

    def __lt__(self, other: "Extent") -> bool:
        return self.start < other.start


class CachedFile:
    """Extents in order of offset; the resident and the dirty ranges; when it became dirty."""

    __slots__ = ("dirty", "dirty_since_ns", "extents", "file_id", "resident", "written_back_to")

    def __init__(self, file_id: int) -> None:
        self.file_id = file_id
        self.extents: list[Extent] = []
        self.resident = ExtentSet()
        self.dirty = ExtentSet()
        self.dirty_since_ns = 0
        self.written_back_to = 0

    def put(self, start: int, end: int, node: int) -> Extent:
        """Add absent pages, to the extent that they continue where there is one."""
        self.resident.add(start, end)
        place = bisect_right(self.extents, start, key=_start_of)
        before = self.extents[place - 1] if place else None
        if (
            before is not None
            and before.end == start
            and before.node == node
            and not before.active
            and end - before.start <= EXTENT_BYTE_COUNT
        ):
            before.end = end
            return before
        extent = Extent(self.file_id, start, end, node)
        insort(self.extents, extent)
        return extent

    def take(self, extent: Extent) -> None:
        """Remove an extent."""
        self.resident.remove(extent.start, extent.end)
        place = bisect_right(self.extents, extent.start, key=_start_of) - 1
        assert self.extents[place] is extent
        del self.extents[place]

    def overlapping(self, start: int, end: int) -> Iterator[Extent]:
        """The extents that have pages in a range."""
        place = max(0, bisect_right(self.extents, start, key=_start_of) - 1)
        while place < len(self.extents) and self.extents[place].start < end:
            if self.extents[place].end > start:
                yield self.extents[place]
            place += 1

    def next_dirty(self) -> tuple[int, int] | None:
        """The dirty range at or after the place where write-back stopped, else the lowest."""
        ahead = self.dirty.first_from(self.written_back_to)
        return ahead if ahead is not None else self.dirty.first()


def _start_of(extent: Extent) -> int:
    return extent.start

"""The page cache as a state machine: which bytes of which file are in memory, where, how dirty.

Nothing here waits; who asks gives the time. Bytes are kept as extents of whole pages, so that
terabytes cost as little as their pieces. Memory has one or more nodes; pages go to the reader's or
writer's own node while it has room, dirty ones only up to that node's share of the dirty limit.
Source: mm/vmscan.c, mm/page_alloc.c, mm/page-writeback.c of Linux; Documentation/admin-guide/
sysctl/vm.rst.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass

from iowitness.model.cached_file import CachedFile, Extent
from iowitness.model.dirty_throttle import DirtyLimits
from iowitness.model.hardware import PAGE_BYTE_COUNT, Memory
from iowitness.model.memory_node import MemoryNode


@dataclass(frozen=True, slots=True)
class FileRange:
    """A stretch of one file, in bytes."""

    file_id: int
    start: int
    end: int

    @property
    def byte_count(self) -> int:
        """How long it is."""
        return self.end - self.start


@dataclass(slots=True)
class Placement:
    """Where freshly allocated pages came to lie, in bytes, and what had to go for them."""

    local_byte_count: int = 0
    remote_byte_count: int = 0
    evicted_byte_count: int = 0


class PageCache:
    """Nodes, files and their extents.

    `hit_byte_count` and `miss_byte_count` count what reads found and did not find.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        share = memory.byte_count // memory.node_count
        self._nodes = [
            MemoryNode(number, share, int(share * memory.reserve_ratio))
            for number in range(memory.node_count)
        ]
        self._files: dict[int, CachedFile] = {}
        self._dirty_order: dict[int, CachedFile] = {}  # by the time of the first dirty page
        self.hit_byte_count = 0
        self.miss_byte_count = 0
        self.evicted_byte_count = 0

    @property
    def byte_count(self) -> int:
        """The memory's size."""
        return self._memory.byte_count

    @property
    def resident_byte_count(self) -> int:
        """File pages in memory."""
        return sum(node.cached_byte_count for node in self._nodes)

    @property
    def dirty_byte_count(self) -> int:
        """File pages in memory that the disk does not have."""
        return sum(node.dirty_byte_count for node in self._nodes)

    @property
    def free_byte_count(self) -> int:
        """Memory that nobody uses."""
        return sum(node.free_byte_count for node in self._nodes)

    @property
    def limits(self) -> DirtyLimits:
        """The dirty limits of this moment: shares of what is free or cached."""
        available = max(0, sum(node.dirtyable_byte_count for node in self._nodes))
        memory = self._memory
        return DirtyLimits(
            available * memory.dirty_background_ratio, available * memory.dirty_ratio
        )

    def write(
        self, file_id: int, offset: int, byte_count: int, now_ns: int, local: int = 0
    ) -> Placement:
        """Put written bytes in as dirty pages."""
        start, end = _page_bounds(offset, offset + byte_count)
        file = self._file(file_id)
        placement = Placement()
        if not file.dirty.byte_count:
            file.dirty_since_ns = now_ns
            self._dirty_order[file_id] = file
        for low, high in list(file.resident.missing(start, end)):
            self._insert(file, low, high, local, placement, dirty=True)
        for extent in list(file.overlapping(start, end)):
            self._dirty(file, extent, max(start, extent.start), min(end, extent.end))
        return placement

    def fill(self, found: FileRange, local: int = 0) -> Placement:
        """Put pages in that came from disk."""
        file = self._file(found.file_id)
        placement = Placement()
        for low, high in list(file.resident.missing(found.start, found.end)):
            self._insert(file, low, high, local, placement, dirty=False)
        return placement

    def missing(self, file_id: int, offset: int, byte_count: int) -> list[FileRange]:
        """What a read has to fetch; what it finds is touched, and so kept longer."""
        file = self._file(file_id)
        start, end = _page_bounds(offset, offset + byte_count)
        gaps = file.resident.missing(start, end)
        missed = sum(high - low for low, high in gaps)
        self.miss_byte_count += missed
        self.hit_byte_count += end - start - missed
        for extent in file.overlapping(start, end):
            self._nodes[extent.node].touch(extent)
        return [FileRange(file_id, *gap) for gap in gaps]

    def absent(self, file_id: int, start: int, end: int) -> list[FileRange]:
        """What of a stretch is not in memory, without touching the rest."""
        low, high = _page_bounds(start, end)
        return [FileRange(file_id, *gap) for gap in self._file(file_id).resident.missing(low, high)]

    def clean(self, written: FileRange) -> None:
        """Dirty pages are on their way to the disk."""
        file = self._files.get(written.file_id)
        if file is None:
            return
        for low, high in file.dirty.present(written.start, written.end):
            for extent in file.overlapping(low, high):
                shared = min(high, extent.end) - max(low, extent.start)
                self._nodes[extent.node].clean(extent, shared)
        file.dirty.remove(written.start, written.end)
        if not file.dirty.byte_count:
            self._dirty_order.pop(written.file_id, None)

    def dirty_ranges(self, file_id: int) -> list[FileRange]:
        """What an fsync of the file has to write, in order of offset."""
        file = self._files.get(file_id)
        return [FileRange(file_id, *extent) for extent in file.dirty] if file else []

    def next_due(
        self, now_ns: int, most_byte_count: int, busy: Container[int] = ()
    ) -> FileRange | None:
        """What write-back should write next: while above the background limit, or what expired.

        Files that are not `busy` take turns in the order in which they became dirty; within one,
        by offset.
        """
        above = self.dirty_byte_count > self.limits.background_byte_count
        for file_id, file in self._dirty_order.items():
            if file_id in busy:
                continue
            if not above and now_ns - file.dirty_since_ns < self._memory.dirty_expire_ns:
                continue
            first = file.next_dirty()
            assert first is not None
            start, end = first
            due = FileRange(file_id, start, min(end, start + most_byte_count))
            file.written_back_to = due.end
            del self._dirty_order[file_id]
            self._dirty_order[file_id] = file  # the other files come before it again
            return due
        return None

    def allocate(self, byte_count: int, local: int = 0) -> tuple[Placement, list[int]]:
        """Take memory that belongs to no file; the second value has the bytes by node."""
        placement = Placement()
        by_node = [0] * len(self._nodes)
        for node, taken in self._taken(byte_count, local, placement, dirty=False):
            node.anonymous_byte_count += taken
            by_node[node.number] += taken
            self._count(placement, node, taken, local)
        return placement, by_node

    def release(self, by_node: list[int]) -> None:
        """Give such memory back."""
        for node, byte_count in zip(self._nodes, by_node, strict=True):
            node.anonymous_byte_count -= byte_count

    def drop(self, file_id: int) -> None:
        """The file is gone, or its pages were dropped."""
        file = self._files.pop(file_id, None)
        self._dirty_order.pop(file_id, None)
        for extent in list(file.extents) if file is not None else ():
            self._nodes[extent.node].remove(extent)

    def _file(self, file_id: int) -> CachedFile:
        file = self._files.get(file_id)
        if file is None:
            file = self._files[file_id] = CachedFile(file_id)
        return file

    def _insert(
        self,
        file: CachedFile,
        start: int,
        end: int,
        local: int,
        placement: Placement,
        *,
        dirty: bool,
    ) -> None:
        at = start
        for node, taken in self._taken(end - start, local, placement, dirty=dirty):
            extent = file.put(at, at + taken, node.number)
            node.add(extent, taken)
            if dirty:  # at once, so that the next piece cannot push this one out
                self._dirty(file, extent, at, at + taken)
            self._count(placement, node, taken, local)
            at += taken

    def _dirty(self, file: CachedFile, extent: Extent, start: int, end: int) -> None:
        grown = file.dirty.add(start, end)
        self._nodes[extent.node].dirty(extent, grown)

    def _count(self, placement: Placement, node: MemoryNode, taken: int, local: int) -> None:
        if node.number == local:
            placement.local_byte_count += taken
        else:
            placement.remote_byte_count += taken

    def _taken(
        self, byte_count: int, local: int, placement: Placement, *, dirty: bool
    ) -> Iterator[tuple[MemoryNode, int]]:
        """Room for new pages, piece by piece; each piece must be used before the next is asked for.

        First free memory, the own node's first, of which dirty pages get a share; then whatever is
        free, and what clean and little used pages give up.
        """
        order = sorted(self._nodes, key=lambda node: (node.number != local, node.number))
        for node in order:
            room = node.room_byte_count
            if dirty:
                room = min(room, node.dirty_room_byte_count(self._memory.dirty_ratio))
            taken = min(byte_count, _whole_pages(room))
            if taken > 0:
                byte_count -= taken
                yield node, taken
        for node in order:
            if byte_count > 0:
                missing = byte_count - _whole_pages(node.room_byte_count)
                evicted = self._evict(node, missing)
                placement.evicted_byte_count += evicted
                taken = min(byte_count, _whole_pages(max(node.room_byte_count, evicted)))
                byte_count -= taken
                if taken > 0:
                    yield node, taken
        if byte_count > 0:  # all is dirty or in use: the kernel would swap, we overdraw
            yield order[0], byte_count

    def _evict(self, node: MemoryNode, byte_count: int) -> int:
        """Give up clean extents of a node, the least recently used first."""
        gone = 0
        for extent in node.victims(byte_count):
            size = extent.byte_count
            self._files[extent.file_id].take(extent)
            node.remove(extent)
            gone += size
        self.evicted_byte_count += gone
        return gone


def _page_bounds(start: int, end: int) -> tuple[int, int]:
    """A range widened to whole pages."""
    return start - start % PAGE_BYTE_COUNT, -(-end // PAGE_BYTE_COUNT) * PAGE_BYTE_COUNT


def _whole_pages(byte_count: int) -> int:
    return byte_count - byte_count % PAGE_BYTE_COUNT

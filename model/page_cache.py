"""The page cache as a state machine: which bytes of which file are in memory, which are dirty.

Nothing here waits; who asks for the time gives it. Bytes are rounded to pages of 4 KiB.
Source: Documentation/admin-guide/sysctl/vm.rst and mm/page-writeback.c of Linux.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from iowitness.model.extents import ExtentSet
from iowitness.model.hardware import PAGE_BYTE_COUNT, Memory


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


class _CachedFile:
    """The pages of one file: all that are in memory, and those among them that are dirty."""

    __slots__ = ("dirty", "dirty_since_ns", "resident")

    def __init__(self) -> None:
        self.resident = ExtentSet()
        self.dirty = ExtentSet()
        self.dirty_since_ns = 0


class PageCache:
    """Resident and dirty ranges of every file; the least recently used file loses pages first.

    `hit_byte_count` and `miss_byte_count` count what reads found and did not find.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._files: dict[int, _CachedFile] = {}  # in order of last use, the oldest first
        self.resident_byte_count = 0
        self.dirty_byte_count = 0
        self.hit_byte_count = 0
        self.miss_byte_count = 0

    @property
    def limit_byte_count(self) -> int:
        """Dirty bytes at which a writer has to wait (dirty_ratio)."""
        return int(self._memory.byte_count * self._memory.dirty_ratio)

    @property
    def background_byte_count(self) -> int:
        """Dirty bytes at which write-back starts by itself (dirty_background_ratio)."""
        return int(self._memory.byte_count * self._memory.dirty_background_ratio)

    def write(self, file_id: int, offset: int, byte_count: int, now_ns: int) -> None:
        """Put written bytes in as dirty pages."""
        file = self._used(file_id)
        start, end = _page_bounds(offset, offset + byte_count)
        if not file.dirty:
            file.dirty_since_ns = now_ns
        self.resident_byte_count += file.resident.add(start, end)
        self.dirty_byte_count += file.dirty.add(start, end)
        self._evict()

    def missing(self, file_id: int, offset: int, byte_count: int, file_end: int) -> list[FileRange]:
        """What has to be read from disk for a read, read-ahead included."""
        file = self._used(file_id)
        start, end = _page_bounds(offset, offset + byte_count)
        gaps = file.resident.missing(start, end)
        missed = sum(high - low for low, high in gaps)
        self.miss_byte_count += missed
        self.hit_byte_count += end - start - missed
        if not gaps:
            return []
        _, last = _page_bounds(0, file_end)
        ahead = min(last, end + self._memory.read_ahead_byte_count)
        return [FileRange(file_id, *gap) for gap in file.resident.missing(start, max(end, ahead))]

    def fill(self, found: FileRange) -> None:
        """Pages came from disk."""
        self.resident_byte_count += self._used(found.file_id).resident.add(found.start, found.end)
        self._evict()

    def clean(self, written: FileRange) -> None:
        """Dirty pages reached the disk."""
        file = self._files.get(written.file_id)
        if file is not None:
            self.dirty_byte_count -= file.dirty.remove(written.start, written.end)

    def dirty_ranges(self, file_id: int) -> list[FileRange]:
        """What an fsync of the file has to write, in order of offset."""
        file = self._files.get(file_id)
        return [FileRange(file_id, *extent) for extent in file.dirty] if file else []

    def due(self, now_ns: int) -> Iterator[FileRange]:
        """What write-back should write now: all above the background limit, else what expired."""
        everything = self.dirty_byte_count > self.background_byte_count
        for file_id, file in list(self._files.items()):
            old = now_ns - file.dirty_since_ns >= self._memory.dirty_expire_ns
            if file.dirty and (everything or old):
                yield from self.dirty_ranges(file_id)

    def drop(self, file_id: int) -> None:
        """The file is gone, or its pages were dropped."""
        file = self._files.pop(file_id, None)
        if file is not None:
            self.resident_byte_count -= file.resident.byte_count
            self.dirty_byte_count -= file.dirty.byte_count

    def _used(self, file_id: int) -> _CachedFile:
        """The file's pages, moved to the young end."""
        file = self._files.pop(file_id, None) or _CachedFile()
        self._files[file_id] = file
        return file

    def _evict(self) -> None:
        """Give up clean pages of the least recently used files until memory suffices."""
        excess = self.resident_byte_count - self._memory.byte_count
        if excess <= 0:
            return
        for file in list(self._files.values()):
            for start, end in list(file.resident):
                for low, high in file.dirty.missing(start, end):
                    cut = min(high, low + excess)
                    gone = file.resident.remove(low, cut)
                    self.resident_byte_count -= gone
                    excess -= gone
                    if excess <= 0:
                        return


def _page_bounds(start: int, end: int) -> tuple[int, int]:
    """A range widened to whole pages."""
    return start - start % PAGE_BYTE_COUNT, -(-end // PAGE_BYTE_COUNT) * PAGE_BYTE_COUNT

"""Which ranges of a process's memory are files: disjoint, in order of their addresses."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from iowitness.traces.file_names import FileNode


@dataclass(frozen=True, slots=True)
class MappedRange:
    """A mapped range of a file: `[address, end)`, from `offset` on."""

    address: int
    end: int
    node: FileNode
    offset: int
    writable: bool
    shared: bool


class FileMappings:
    """The mapped ranges of a process; a Java program has a hundred and maps memory all the time."""

    __slots__ = ("_ends", "_ranges", "_starts")

    def __init__(self, ranges: list[MappedRange] | None = None) -> None:
        self._ranges = ranges or []
        self._starts = [each.address for each in self._ranges]
        self._ends = [each.end for each in self._ranges]

    def copy(self) -> "FileMappings":
        """The mappings of a forked child."""
        return FileMappings(self._ranges.copy())

    def touches(self, start: int, end: int) -> bool:
        """Whether any byte of `[start, end)` is mapped."""
        first = bisect_right(self._ends, start)
        return first < len(self._ends) and self._starts[first] < end

    def within(self, start: int, end: int) -> list[MappedRange]:
        """The ranges that have a byte in `[start, end)`."""
        return self._ranges[bisect_right(self._ends, start) : bisect_left(self._starts, end)]

    def add(self, mapped: MappedRange) -> None:
        """Map a range. What a trace without some munmap shows there before is there no more."""
        if mapped.address >= mapped.end:
            return
        self.take(mapped.address, mapped.end)
        self._replace(bisect_left(self._starts, mapped.address), 0, [mapped])

    def take(self, start: int, end: int) -> list[MappedRange]:
        """Unmap `[start, end)`; the parts that went. Source: munmap(2)."""
        touched = self.within(start, end)
        if not touched:
            return []
        first = bisect_right(self._ends, start)
        kept = [
            part
            for each in touched
            for part in (_part(each, each.address, start), _part(each, end, each.end))
            if part is not None
        ]
        self._replace(first, len(touched), kept)
        gone = (_part(each, max(start, each.address), min(end, each.end)) for each in touched)
        return [part for part in gone if part is not None]

    def __iter__(self) -> Iterator[MappedRange]:
        return iter(self._ranges)

    def _replace(self, first: int, count: int, ranges: list[MappedRange]) -> None:
        place = slice(first, first + count)
        self._ranges[place] = ranges
        self._starts[place] = [each.address for each in ranges]
        self._ends[place] = [each.end for each in ranges]


def _part(mapped: MappedRange, start: int, end: int) -> MappedRange | None:
    """The part of a range that lies in `[start, end)`; None for nothing."""
    if start >= end:
        return None
    return MappedRange(
        start,
        end,
        mapped.node,
        mapped.offset + start - mapped.address,
        mapped.writable,
        mapped.shared,
    )

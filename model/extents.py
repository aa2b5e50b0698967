"""A set of byte ranges, kept disjoint, merged and in order."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator


class ExtentSet:
    """Half-open ranges `start..end`, where touching ones are one.

    Each operation costs O(log n) plus what it changes. Appends at the end, which is what a log
    does, touch the last range only.
    """

    __slots__ = ("_ends", "_starts", "byte_count")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.byte_count = 0

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self._starts, self._ends, strict=True))

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, start: int, end: int) -> int:
        """Put a range in; returns how many of its bytes are new."""
        if start >= end:
            return 0
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        held = sum(self._ends[i] - self._starts[i] for i in range(first, last))
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]
        grown = end - start - held
        self.byte_count += grown
        return grown

    def remove(self, start: int, end: int) -> int:
        """Take a range out; returns how many of its bytes were there."""
        if start >= end:
            return 0
        first = bisect_right(self._ends, start)
        last = bisect_left(self._starts, end)
        if first >= last:
            return 0
        held = sum(self._ends[i] - self._starts[i] for i in range(first, last))
        kept = [
            (low, high)
            for low, high in ((self._starts[first], start), (end, self._ends[last - 1]))
            if low < high
        ]
        self._starts[first:last] = [low for low, _ in kept]
        self._ends[first:last] = [high for _, high in kept]
        gone = held - sum(high - low for low, high in kept)
        self.byte_count -= gone
        return gone

    def present(self, start: int, end: int) -> list[tuple[int, int]]:
        """The parts of a range that are in the set."""
        first = bisect_right(self._ends, start)
        last = bisect_left(self._starts, end)
        return [(max(start, self._starts[i]), min(end, self._ends[i])) for i in range(first, last)]

    def missing(self, start: int, end: int) -> list[tuple[int, int]]:
        """The parts of a range that are not in the set."""
        gaps = []
        at = start
        for low, high in self.present(start, end):
            if at < low:
                gaps.append((at, low))
            at = high
        if at < end:
            gaps.append((at, end))
        return gaps

    def first_from(self, start: int) -> tuple[int, int] | None:
        """The lowest range, or part of one, that begins at or after `start`."""
        place = bisect_right(self._ends, start)
        if place == len(self._starts):
            return None
        return max(start, self._starts[place]), self._ends[place]

    def first(self) -> tuple[int, int] | None:
        """The lowest range."""
        return (self._starts[0], self._ends[0]) if self._starts else None

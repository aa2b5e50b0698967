"""Which bytes of a file are known to have been stored: half-open ranges, merged as they touch."""

from bisect import bisect_left, bisect_right


class StoredExtents:
    """A set of offsets as sorted, disjoint ranges. An append-only file is always one range."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        """Take a range in."""
        if end <= start:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def cut(self, end: int) -> None:
        """Forget everything from `end` on."""
        keep = bisect_left(self._starts, end)
        del self._starts[keep:], self._ends[keep:]
        if self._ends and self._ends[-1] > end:
            self._ends[-1] = end

    def hold(self, start: int, end: int) -> bool:
        """True if every offset of the range is in the set."""
        index = bisect_right(self._starts, start) - 1
        return end <= start or (index >= 0 and end <= self._ends[index])

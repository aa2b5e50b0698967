"""Who is overdue, without looking at everybody: a heap of deadlines that lags behind. Pure.

A deadline that moves on, as an idle one does at each request, costs one assignment: its entry in
the heap stays where it was and is put right when it comes up. Keys are small numbers that are used
again (descriptors), so what is left of a closed connection is an entry that wakes the loop once.
"""

import heapq
from collections.abc import Iterator


class Deadlines:
    """One deadline for each key, in nanoseconds of any clock that only rises."""

    __slots__ = ("_due_ns", "_heap", "_queued_ns")

    def __init__(self) -> None:
        self._due_ns: dict[int, int] = {}
        self._queued_ns: dict[int, int] = {}
        self._heap: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._due_ns)

    def set(self, key: int, due_ns: int | None) -> None:
        """Give a key its deadline, in place of the one it had; None takes it away."""
        if due_ns is None:
            self._due_ns.pop(key, None)
            return
        self._due_ns[key] = due_ns
        queued_ns = self._queued_ns.get(key)
        if queued_ns is None or due_ns < queued_ns:
            self._queue(key, due_ns)

    def expired(self, now_ns: int) -> Iterator[int]:
        """The keys whose time is up; each loses its deadline as it is yielded."""
        while self._heap and self._heap[0][0] <= now_ns:
            queued_ns, key = heapq.heappop(self._heap)
            if self._queued_ns.get(key) != queued_ns:
                continue
            del self._queued_ns[key]
            due_ns = self._due_ns.get(key)
            if due_ns is None:
                continue
            if due_ns <= now_ns:
                del self._due_ns[key]
                yield key
            else:
                self._queue(key, due_ns)

    def next_ns(self) -> int | None:
        """When to call `expired` again, at the latest; None while nothing is queued."""
        return self._heap[0][0] if self._heap else None

    def _queue(self, key: int, at_ns: int) -> None:
        self._queued_ns[key] = at_ns
        heapq.heappush(self._heap, (at_ns, key))

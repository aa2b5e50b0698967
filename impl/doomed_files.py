"""Files that were renamed to `.deleted`, until they may go: running reads finish meanwhile."""

from collections import deque

from msgspec import Struct

from iowitness.impl.log_files import LogFiles


class _Doomed(Struct, frozen=True):
    due_ms: int
    paths: list[str]


class DoomedFiles:
    """A queue by due time."""

    __slots__ = ("_files", "_queue")

    def __init__(self, files: LogFiles) -> None:
        self._files = files
        self._queue: deque[_Doomed] = deque()

    def add(self, due_ms: int, paths: list[str]) -> None:
        """Files to remove at a time, not before those added earlier."""
        self._queue.append(_Doomed(due_ms, paths))

    def remove_due(self, now_ms: int) -> None:
        """Removes the files whose time has come."""
        while self._queue and self._queue[0].due_ms <= now_ms:
            self._remove(self._queue.popleft())

    def remove_all(self) -> None:
        """Removes the files whose time has not come either."""
        while self._queue:
            self._remove(self._queue.popleft())

    def _remove(self, doomed: _Doomed) -> None:
        for path in doomed.paths:
            self._files.remove(path)

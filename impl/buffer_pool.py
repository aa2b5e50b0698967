"""The producer's memory as an account: who has how much, and who waits for more.

Pure: no thread, no clock. Nothing is allocated here; what is counted are the records that callers
handed over and that are not done yet. Source: Kafka's BufferPool, whose order of service this
keeps: first come, first served.
"""

from collections import deque
from enum import Enum


class WaitState(Enum):
    """Where a waiting caller stands."""

    WAITING = "waiting"
    GRANTED = "granted"
    CLOSED = "closed"


class Wait:
    """One caller in the queue: it needs `least` bytes and takes up to `most`."""

    __slots__ = ("granted_byte_count", "least", "most", "state")

    def __init__(self, least: int, most: int) -> None:
        self.least = least
        self.most = most
        self.granted_byte_count = 0
        self.state = WaitState.WAITING


class BufferPool:
    """`total` bytes, of which `free` are nobody's.

    Once a caller had to wait, nobody is served before `wake_at` bytes are free: callers then fill
    a large stretch at once, and the sender has the interpreter to itself in between. With Python's
    one lock for all threads, waking a caller for each batch costs half of the throughput.
    """

    def __init__(self, total: int, wake_at: int | None = None) -> None:
        self.total = total
        self.free = total
        self._wake_at = min(total, total // 2 if wake_at is None else wake_at)
        self._queue: deque[Wait] = deque()
        self.is_closed = False

    @property
    def waiting_count(self) -> int:
        """Callers in the queue."""
        return len(self._queue)

    def take(self, least: int, most: int) -> int:
        """Between `least` and `most` bytes at once; 0 if they are not there or others wait."""
        if self._queue or least > self.free:
            return 0
        return self._taken(least, most)

    def wait(self, least: int, most: int) -> Wait:
        """Queue up. Raises `ValueError` for more than there is at all."""
        if least > self.total:
            raise ValueError(f"least={least} B, expected at most total={self.total} B")
        wait = Wait(least, most)
        self._queue.append(wait)
        return wait

    def give_back(self, byte_count: int) -> list[Wait]:
        """Bytes that are free again; the waits that are granted by it, in order."""
        self.free += byte_count
        assert self.free <= self.total, (self.free, self.total)
        granted: list[Wait] = []
        if not self._queue or self.free < max(self._wake_at, self._queue[0].least):
            return granted
        while self._queue and self._queue[0].least <= self.free:
            wait = self._queue.popleft()
            wait.granted_byte_count = self._taken(wait.least, wait.most)
            wait.state = WaitState.GRANTED
            granted.append(wait)
        return granted

    def give_up(self, wait: Wait) -> bool:
        """Leave the queue because time is up; True if the bytes were there after all, and granted.

        That happens to the first in the queue while `wake_at` is not reached.
        """
        if wait.state is not WaitState.WAITING:
            return wait.state is WaitState.GRANTED
        is_first = self._queue[0] is wait
        self._queue.remove(wait)
        if is_first and wait.least <= self.free:
            wait.granted_byte_count = self._taken(wait.least, wait.most)
            wait.state = WaitState.GRANTED
            return True
        return False

    def close(self) -> list[Wait]:
        """Turn everybody away; those who were waiting."""
        self.is_closed = True
        turned_away = list(self._queue)
        self._queue.clear()
        for wait in turned_away:
            wait.state = WaitState.CLOSED
        return turned_away

    def _taken(self, least: int, most: int) -> int:
        byte_count = max(least, min(most, self.free))
        self.free -= byte_count
        return byte_count

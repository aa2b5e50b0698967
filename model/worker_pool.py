"""Threads that take jobs in order of arrival, on cores that all threads share.

Computed, not waited for: a job that is started knows when it will have used its processor time, if
nothing blocks it. Times are integer nanoseconds.
"""

import heapq
from collections import deque
from collections.abc import Callable

import simpy

from iowitness.model.recorder import Thread


class Cores:
    """The cores of a machine; a stretch of work runs through on the one that is free first."""

    __slots__ = ("_free_ns", "busy_ns")

    def __init__(self, count: int) -> None:
        self._free_ns = [0] * count
        self.busy_ns = 0

    def run(self, ready_ns: int, work_ns: int) -> int:
        """When work that may begin at a time is done."""
        done_ns = self._free_ns[0]
        if ready_ns > done_ns:  # max() costs three times as much, and this runs for every request
            done_ns = ready_ns
        done_ns += work_ns
        heapq.heapreplace(self._free_ns, done_ns)
        self.busy_ns += work_ns
        return done_ns


class Line:
    """One direction of a network card: bytes leave in the order in which they are handed over."""

    __slots__ = ("_ns_per_byte", "busy_ns", "byte_count", "free_ns")

    def __init__(self, bytes_per_s: float) -> None:
        self._ns_per_byte = 1e9 / bytes_per_s
        self.free_ns = 0
        self.busy_ns = 0
        self.byte_count = 0

    def sent_ns(self, ready_ns: int, byte_count: int) -> int:
        """When the last byte is on its way."""
        taken_ns = int(byte_count * self._ns_per_byte)
        self.busy_ns += taken_ns
        self.byte_count += byte_count
        self.free_ns = done_ns = max(ready_ns, self.free_ns) + taken_ns
        return done_ns


Job = Callable[[Thread, int], None]
"""Called with the thread that has it and the time at which it begins, which may lie ahead."""


class WorkerPool:
    """Equal threads before one queue. A job holds its thread until `release`."""

    __slots__ = ("_env", "_idle", "_queue", "_since_ns", "busy_ns", "thread_count")

    def __init__(self, env: simpy.Environment, threads: list[Thread]) -> None:
        self._env = env
        self._idle = list(reversed(threads))
        self._queue: deque[tuple[int, Job]] = deque()
        self._since_ns: dict[Thread, int] = {}
        self.thread_count = len(threads)
        self.busy_ns = 0

    @property
    def queue_length(self) -> int:
        """Jobs that wait for a thread."""
        return len(self._queue)

    def submit(self, ready_ns: int, job: Job) -> None:
        """Give a job to a free thread, or let it wait."""
        if self._idle:
            thread = self._idle.pop()
            self._since_ns[thread] = ready_ns
            job(thread, ready_ns)
        else:
            self._queue.append((ready_ns, job))

    def release(self, thread: Thread) -> None:
        """The thread's job is done now; it takes the next one."""
        now_ns = int(self._env.now)
        self.busy_ns += max(0, now_ns - self._since_ns[thread])
        if self._queue:
            ready_ns, job = self._queue.popleft()
            begin_ns = max(ready_ns, now_ns)
            self._since_ns[thread] = begin_ns
            job(thread, begin_ns)
        else:
            self._idle.append(thread)

"""The flusher and the throttling of writers: dirty pages in time."""

import simpy

from iowitness.model.block_io import BlockIO, Waiting
from iowitness.model.dirty_throttle import DirtyThrottle
from iowitness.model.hardware import Memory
from iowitness.model.page_cache import FileRange, PageCache
from iowitness.model.recorder import Thread

_LEAST_SLICE_BYTE_COUNT = 4 * 1_048_576  # MIN_WRITEBACK_PAGES
_TURN_COUNT = 8
_REQUEST_BYTE_COUNT = 4 * 1_048_576
_LONGEST_PAUSE_NS = 200_000_000  # MAX_PAUSE
_LONGEST_CREDIT_NS = 1_000_000_000
_SECOND_NS = 1_000_000_000


class WriteBack:
    """One flusher for one device. Source: fs/fs-writeback.c, mm/page-writeback.c."""

    def __init__(
        self, env: simpy.Environment, memory: Memory, cache: PageCache, block_io: BlockIO
    ) -> None:
        self._env = env
        self._memory = memory
        self._cache = cache
        self._block_io = block_io
        self._throttle = DirtyThrottle()
        self._wake = env.event()
        self._turns: dict[int, simpy.Event] = {}
        env.process(self._flush())

    def runs_free(self, byte_count: int) -> bool:
        """Some bytes have been dirtied; True if nobody is slowed down for it."""
        self._throttle.dirtied_byte_count += byte_count
        limits, dirty = self._cache.limits, self._cache.dirty_byte_count
        if dirty > limits.background_byte_count:
            self._wake_up()
        return dirty <= limits.freerun_byte_count

    def balanced(self, thread: Thread, byte_count: int) -> Waiting:
        """A writer has dirtied some bytes: it goes on at once, or at the rate that it is given."""
        if self.runs_free(byte_count):
            thread.paused_ns = int(self._env.now)
        else:
            yield from self.paused(thread, byte_count)

    def paused(self, thread: Thread, byte_count: int) -> Waiting:
        """Wait until bytes that have been dirtied fit the rate that a writer is given."""
        throttle, cache = self._throttle, self._cache
        while True:
            limits, dirty, now_ns = cache.limits, cache.dirty_byte_count, int(self._env.now)
            if dirty <= limits.freerun_byte_count:
                thread.paused_ns = now_ns
                return
            throttle.update(now_ns, dirty, limits)
            rate = max(1.0, throttle.rate_bytes_per_s(dirty, limits))
            period_ns = int(byte_count * _SECOND_NS / rate)
            pause_ns = thread.paused_ns + period_ns - now_ns
            if pause_ns <= 0:
                # It was slower than it had to be; what it is owed, up to a second, it keeps.
                owed_since_ns = now_ns - _LONGEST_CREDIT_NS
                thread.paused_ns = max(thread.paused_ns + period_ns, owed_since_ns)
                return
            yield self._env.timeout(min(pause_ns, _LONGEST_PAUSE_NS))
            if pause_ns <= _LONGEST_PAUSE_NS:
                thread.paused_ns = int(self._env.now)
                return

    def synced(self, file_id: int) -> Waiting:
        """Write what is dirty of a file and wait for it, the device's own cache included."""
        for dirty in self._cache.dirty_ranges(file_id):
            yield from self._written(dirty)
        yield from self._block_io.flushed()

    def forget(self, file_id: int) -> None:
        """The file was deleted: its pages, dirty or not, and its place on the disk are free."""
        self._cache.drop(file_id)
        self._block_io.forget(file_id)

    def _written(self, dirty: FileRange) -> Waiting:
        """Write a range in requests of a few MiB; what is dirtied meanwhile is dirty again."""
        at = dirty.start
        while at < dirty.end:
            piece = FileRange(dirty.file_id, at, min(dirty.end, at + _REQUEST_BYTE_COUNT))
            self._cache.clean(piece)
            yield from self._block_io.transferred("write", piece)
            self._throttle.written_byte_count += piece.byte_count
            self._throttle.update_bandwidth(int(self._env.now))
            at = piece.end

    def _flush(self) -> Waiting:
        """By interval, or at once when somebody finds too much dirty."""
        interval_ns = self._memory.dirty_writeback_interval_ns
        while True:
            yield self._env.timeout(interval_ns) | self._wake
            while True:
                # A file has its turn for half a second of writing, so that a disk seeks little.
                # The flusher does not wait for one file before it goes on to the next.
                turn = max(_LEAST_SLICE_BYTE_COUNT, int(self._throttle.mean_bandwidth / 2))
                while len(self._turns) < _TURN_COUNT:
                    due = self._cache.next_due(int(self._env.now), turn, self._turns)
                    if due is None:
                        break
                    self._turns[due.file_id] = self._env.process(self._turn(due))
                if not self._turns:
                    break
                yield self._env.any_of(list(self._turns.values()))

    def _turn(self, due: FileRange) -> Waiting:
        yield from self._written(due)
        del self._turns[due.file_id]

    def _wake_up(self) -> None:
        if not self._wake.triggered:
            wake, self._wake = self._wake, self._env.event()
            wake.succeed()

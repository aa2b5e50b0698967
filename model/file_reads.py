"""Pages on their way from the disk into the cache: read-ahead, and waiting for one another."""

import simpy

from iowitness.model.block_io import BlockIO, Waiting
from iowitness.model.hardware import PAGE_BYTE_COUNT, Memory
from iowitness.model.page_cache import FileRange, PageCache

_FIRST_WINDOW_BYTE_COUNT = 4 * PAGE_BYTE_COUNT
_PIECE_BYTE_COUNT = 1_310_720  # max_sectors_kb=1280: how long a request gets


class FileReads:
    """Read-ahead by file, and the ranges that are being fetched.

    A reader that goes on where it stopped, or within what was read ahead for it, gets a window of
    twice the size, up to the limit. A window longer than the request is read while the reader works
    on that; a shorter one comes with it. Source: mm/readahead.c, the asynchronous part of a window.
    """

    def __init__(
        self, env: simpy.Environment, memory: Memory, cache: PageCache, block_io: BlockIO
    ) -> None:
        self._env = env
        self._memory = memory
        self._cache = cache
        self._block_io = block_io
        self._next_offsets: dict[int, int] = {}
        self._ahead_ends: dict[int, int] = {}
        self._windows: dict[int, int] = {}
        self._under_way: dict[FileRange, simpy.Event] = {}

    def resident(self, file_id: int, start: int, end: int, file_end: int, node: int) -> Waiting:
        """Wait until a stretch is in the cache."""
        window = self._window(file_id, start, end)
        ahead = min(end + window, file_end)
        together = ahead if window <= end - start else end
        gaps = self._cache.missing(file_id, start, end - start)
        while gaps:
            if not any(self._overlaps(gap) for gap in gaps):
                for absent in self._cache.absent(file_id, gaps[0].start, max(end, together)):
                    yield from self._fetched(absent, node)
            else:
                waited = [e for r, e in self._under_way.items() if any(_meet(r, g) for g in gaps)]
                yield waited[0]
            gaps = self._cache.absent(file_id, start, end)
        if ahead > together:
            self._begin_in_pieces(file_id, end, ahead, node)

    def begin(self, file_id: int, start: int, end: int, node: int) -> None:
        """Let a stretch be fetched while the reader does something else."""
        for absent in self._cache.absent(file_id, start, end):
            if not self._overlaps(absent):
                self._env.process(self._fetched(absent, node))

    def _begin_in_pieces(self, file_id: int, start: int, end: int, node: int) -> None:
        """The same, piece by piece: who needs the first need not wait for the last."""
        pieces = [
            FileRange(file_id, at, min(at + _PIECE_BYTE_COUNT, absent.end))
            for absent in self._cache.absent(file_id, start, end)
            if not self._overlaps(absent)
            for at in range(absent.start, absent.end, _PIECE_BYTE_COUNT)
        ]
        for piece in pieces:
            self._under_way[piece] = self._env.event()
        self._env.process(self._in_turn(pieces, node))

    def _in_turn(self, pieces: list[FileRange], node: int) -> Waiting:
        for piece in pieces:
            yield from self._fetched(piece, node)

    def _fetched(self, absent: FileRange, node: int) -> Waiting:
        done = self._under_way.setdefault(absent, self._env.event())
        yield from self._block_io.transferred("read", absent)
        self._cache.fill(absent, node)
        del self._under_way[absent]
        done.succeed()

    def _overlaps(self, gap: FileRange) -> bool:
        return any(_meet(gap, other) for other in self._under_way)

    def _window(self, file_id: int, start: int, end: int) -> int:
        """How far beyond the request to read."""
        expected = self._next_offsets.get(file_id, 0)
        sequential = expected <= start <= max(expected, self._ahead_ends.get(file_id, 0))
        self._next_offsets[file_id] = end
        before = self._windows.get(file_id, _FIRST_WINDOW_BYTE_COUNT // 2)
        limit = self._memory.read_ahead_byte_count
        window = min(limit, before * 2) if sequential else 0
        self._ahead_ends[file_id] = end + window
        self._windows[file_id] = max(window, _FIRST_WINDOW_BYTE_COUNT // 2)
        return window


def _meet(one: FileRange, other: FileRange) -> bool:
    return one.file_id == other.file_id and one.start < other.end and other.start < one.end

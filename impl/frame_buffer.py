"""Bytes of one connection cut into frames, without a socket.

A frame is an int32 size and as many bytes. Bytes arrive in a buffer that many connections may
share; only an unfinished frame moves to a buffer of its own, which grows with what has really come
and never with what was merely announced. So an idle connection holds nothing, and a claim of two
gigabytes costs nothing. Source: docs/formats/produce-and-fetch.md, "Frames".
"""

import contextlib
import struct
from collections.abc import Callable
from typing import Final

from iowitness.impl.wire_errors import ProtocolViolation

SIZE_BYTE_COUNT: Final = 4
_FIRST_STEP_BYTE_COUNT: Final = 262_144
_LARGEST_STEP_BYTE_COUNT: Final = 4_194_304
_LEAST_FRAME_BYTE_COUNT: Final = 4
_SIZE: Final = struct.Struct(">i")


class FrameBuffer:
    """Bytes that belong to no frame taken up yet.

    `limit` says how large a frame may be, given those of its first bytes that are there.
    """

    __slots__ = ("_end", "_limit", "_own", "_start", "_view", "taken_count")

    def __init__(self, limit: Callable[[memoryview], int]) -> None:
        self._limit = limit
        self._view = memoryview(b"")
        self._own: bytearray | None = None
        self._start = 0
        self._end = 0
        self.taken_count = 0

    @property
    def pending_byte_count(self) -> int:
        """Bytes that came and belong to no frame taken up yet."""
        return self._end - self._start

    @property
    def held_byte_count(self) -> int:
        """Memory that this connection holds for an unfinished frame."""
        return 0 if self._own is None else len(self._own)

    @property
    def has_whole_frame(self) -> bool:
        """Whether `next_frame` has something to give, or to refuse."""
        there = self._end - self._start
        if there < SIZE_BYTE_COUNT:
            return False
        size: int = _SIZE.unpack_from(self._view, self._start)[0]
        return there >= SIZE_BYTE_COUNT + size

    def room(self, shared: memoryview) -> memoryview:
        """Where the next bytes are to be received: the shared buffer, or the rest of our own."""
        if self._own is None:
            self._view, self._start, self._end = shared, 0, 0
            return shared
        if self._end == len(self._own):
            self._grow(self._own)
        return self._view[self._end :]

    def received(self, byte_count: int) -> None:
        """Note that many bytes were received into `room`."""
        self._end += byte_count

    def next_frame(self) -> memoryview | None:
        """The next whole frame without its size, valid until the next `put_aside`; None if none.

        Raises ProtocolViolation as soon as a size is known that no frame may have.
        """
        size = self._announced_size()
        if size is None or self._end - self._start < SIZE_BYTE_COUNT + size:
            return None
        start = self._start + SIZE_BYTE_COUNT
        self._start = start + size
        self.taken_count += 1
        return self._view[start : self._start]

    def put_aside(self) -> None:
        """Move what is left to a buffer of its own, so that the shared one is free."""
        there = self._end - self._start
        if there == 0:
            self._own = None
            self._view = memoryview(b"")
            self._start = self._end = 0
        elif self._own is None:
            self._move(there)

    def _move(self, there: int) -> None:
        """Take what is left to a new buffer of our own, with room for what comes next."""
        wanted = SIZE_BYTE_COUNT + (self._announced_size() or SIZE_BYTE_COUNT)
        first_step = max(2 * there, _FIRST_STEP_BYTE_COUNT)
        own = bytearray(max(min(wanted, first_step), there + SIZE_BYTE_COUNT))
        own[:there] = self._view[self._start : self._end]
        self._own = own
        self._view = memoryview(own)
        self._start, self._end = 0, there

    def _grow(self, own: bytearray) -> None:
        """Make room for more of an unfinished frame.

        In place, so that the memory is never there twice: large blocks are remapped, not copied.
        Where somebody still holds a view of the buffer it cannot grow, and a new one is made.
        """
        there = self._end - self._start
        wanted = SIZE_BYTE_COUNT + (self._announced_size() or SIZE_BYTE_COUNT)
        step = max(_FIRST_STEP_BYTE_COUNT, min(there, _LARGEST_STEP_BYTE_COUNT))
        if self._start == 0:
            self._view.release()
            with contextlib.suppress(BufferError):
                own += bytes(min(max(wanted - there, SIZE_BYTE_COUNT), step))
            self._view = memoryview(own)
        if self._end == len(own):
            self._move(there)

    def _announced_size(self) -> int | None:
        there = self._end - self._start
        if there < SIZE_BYTE_COUNT:
            return None
        size: int = _SIZE.unpack_from(self._view, self._start)[0]
        limit = self._limit(self._view[self._start + SIZE_BYTE_COUNT : self._end])
        if not _LEAST_FRAME_BYTE_COUNT <= size <= limit:
            raise ProtocolViolation(
                f"frame size={size} B, expected {_LEAST_FRAME_BYTE_COUNT} to {limit} B"
                f"{_guess(size)}"
            )
        return size


def _guess(size: int) -> str:
    """What a peer that speaks something else probably spoke, for the log line."""
    first = size.to_bytes(4, "big", signed=True)
    if first[:2] == b"\x16\x03":
        return ": a TLS hello on a plaintext port?"
    if first in {b"GET ", b"POST", b"HEAD", b"PUT "}:
        return ": an HTTP request?"
    return ""

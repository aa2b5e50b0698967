"""One connection as the broker sees it, without a socket: bytes in, frames out, parts to send.

A frame is an int32 size and as many bytes. Bytes arrive in a buffer that all connections share;
only an unfinished frame moves to a buffer of its own, which grows with what has really come and
never with what was merely announced. So an idle connection holds nothing, and a claim of two
gigabytes costs nothing. Source: docs/formats/produce-and-fetch.md, "Frames".
"""

import struct
from collections import deque
from typing import Generic, TypeVar

from msgspec import Struct

from iowitness.impl.wire_errors import ProtocolViolation

SIZE_BYTE_COUNT = 4
_LARGEST_FIRST_STEP_BYTE_COUNT = 262_144
_SIZE_AND_API = struct.Struct(">ih")
_SIZE = struct.Struct(">i")

RegionT = TypeVar("RegionT")


class FrameLimits(Struct, frozen=True, kw_only=True):
    """The largest frame of each kind, in bytes.

    Only Produce carries payload towards the broker, so everything else is small.
    Source: Kafka's socket.request.max.bytes for `produce_byte_count`.
    """

    produce_byte_count: int = 104_857_600
    other_byte_count: int = 1_048_576


class Connection(Generic[RegionT]):
    """Where one connection stands: bytes not yet understood, and parts not yet sent.

    `parked` is set while a request waits for its answer: answers keep the order of requests, so
    no further frame is taken up until then.
    """

    def __init__(self, limits: FrameLimits) -> None:
        self._limits = limits
        self._view = memoryview(b"")
        self._own: bytearray | None = None
        self._start = 0
        self._end = 0
        self.parked = False
        self.outbox: deque[memoryview | RegionT] = deque()

    @property
    def pending_byte_count(self) -> int:
        """Bytes that came and belong to no frame taken up yet."""
        return self._end - self._start

    def room(self, shared: memoryview) -> memoryview:
        """Where the next bytes are to be received: the shared buffer, or the rest of our own."""
        if self._own is None:
            self._view, self._start, self._end = shared, 0, 0
            return shared
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
        return self._view[start : self._start]

    def _announced_size(self) -> int | None:
        there = self._end - self._start
        if there < SIZE_BYTE_COUNT:
            return None
        if there < _SIZE_AND_API.size:
            (size,) = _SIZE.unpack_from(self._view, self._start)
            limit = self._limits.produce_byte_count
        else:
            size, api_key = _SIZE_AND_API.unpack_from(self._view, self._start)
            produce = api_key == 0
            limits = self._limits
            limit = limits.produce_byte_count if produce else limits.other_byte_count
        if not 8 <= size <= limit:
            raise ProtocolViolation(f"frame size={size} B, expected 8 to {limit} B{_guess(size)}")
        return int(size)

    def put_aside(self) -> None:
        """Move what is left to a buffer of the connection's own, so that the shared one is free."""
        there = self._end - self._start
        if there == 0:
            self._own = None
            self._view = memoryview(b"")
            self._start = self._end = 0
            return
        wanted = SIZE_BYTE_COUNT + (self._announced_size() or SIZE_BYTE_COUNT)
        if self._own is not None and self._start == 0 and self._end < len(self._own):
            return
        first_step = max(2 * there, _LARGEST_FIRST_STEP_BYTE_COUNT)
        own = bytearray(max(min(wanted, first_step), there + SIZE_BYTE_COUNT))
        own[:there] = self._view[self._start : self._end]
        self._own = own
        self._view = memoryview(own)
        self._start, self._end = 0, there


def _guess(size: int) -> str:
    """What a peer that speaks something else probably spoke, for the log line."""
    first = size.to_bytes(4, "big", signed=True)
    if first[:2] == b"\x16\x03":
        return ": a TLS hello on a plaintext port?"
    if first in {b"GET ", b"POST", b"HEAD", b"PUT "}:
        return ": an HTTP request?"
    return ""

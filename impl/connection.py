"""One connection as the broker sees it, without a socket: bytes in, frames out, parts to send."""

import struct
from collections import deque
from typing import Final, Generic, TypeVar

from msgspec import Struct

from iowitness.impl.frame_buffer import FrameBuffer

_API_KEY: Final = struct.Struct(">h")
_PRODUCE: Final = 0

RegionT = TypeVar("RegionT")


class FrameLimits(Struct, frozen=True, kw_only=True):
    """The largest request of each kind, in bytes.

    Only Produce carries payload towards the broker, so everything else is small.
    Source: Kafka's socket.request.max.bytes for `produce_byte_count`.
    """

    produce_byte_count: int = 104_857_600
    other_byte_count: int = 1_048_576

    def limit(self, first_bytes: memoryview) -> int:
        """How large the frame may be that begins with these bytes."""
        if len(first_bytes) < _API_KEY.size:
            return self.produce_byte_count
        (api_key,) = _API_KEY.unpack_from(first_bytes)
        return self.produce_byte_count if api_key == _PRODUCE else self.other_byte_count


class Connection(Generic[RegionT]):
    """Where one connection stands: bytes not yet understood, and parts not yet sent."""

    __slots__ = ("frames", "outbox")

    def __init__(self, limits: FrameLimits) -> None:
        self.frames = FrameBuffer(limits.limit)
        self.outbox: deque[memoryview | RegionT] = deque()

"""One connection as the broker sees it, without a socket: bytes in, frames out, parts to send."""

import struct
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, Generic, TypeVar

from msgspec import Struct

from iowitness.impl.connection_clock import ConnectionClock, ConnectionTimes, Phase
from iowitness.impl.frame_buffer import FrameBuffer

_API_KEY: Final = struct.Struct(">h")
_PRODUCE: Final = 0

RegionT = TypeVar("RegionT")


class FrameLimits(Struct, frozen=True, kw_only=True):
    """The largest request of each kind, in bytes.

    Only Produce carries payload towards the broker, so everything else is small; strangers have
    nothing large to say at all. Source: Kafka's socket.request.max.bytes for `produce_byte_count`,
    sasl.server.max.receive.size for `stranger_byte_count`.
    """

    produce_byte_count: int = 104_857_600
    other_byte_count: int = 1_048_576
    stranger_byte_count: int = 524_288

    def limit(self, first_bytes: memoryview) -> int:
        """How large the frame may be that begins with these bytes."""
        if len(first_bytes) < _API_KEY.size:
            return self.produce_byte_count
        (api_key,) = _API_KEY.unpack_from(first_bytes)
        return self.produce_byte_count if api_key == _PRODUCE else self.other_byte_count


class Connection(Generic[RegionT]):
    """Where one connection stands: bytes not yet understood, parts not yet sent, and since when.

    `is_stranger` is asked before each frame: whether nobody knows yet who is there.
    """

    __slots__ = ("clock", "frames", "outbox")

    def __init__(
        self,
        limits: FrameLimits,
        times: ConnectionTimes,
        now_ns: int,
        is_stranger: Callable[[], bool] = lambda: False,
    ) -> None:
        # No bound method: a cycle would keep a closed connection's frame until a late collection.
        self.frames = FrameBuffer(partial(_limit, limits, is_stranger))
        self.outbox: deque[memoryview | RegionT] = deque()
        self.clock = ConnectionClock(times, now_ns)

    @property
    def held_byte_count(self) -> int:
        """Memory that this connection holds: of an unfinished frame, and of unsent answers."""
        if not self.outbox:
            return self.frames.held_byte_count
        unsent = sum([len(part) for part in self.outbox if isinstance(part, memoryview)])
        return self.frames.held_byte_count + unsent

    def settle(self, now_ns: int, *, is_served: bool) -> int | None:
        """Note what it does after something happened on it; when that will have taken too long.

        `is_served` says that it waits for the broker, and not the broker for it.
        """
        self.clock.settle(self._phase(is_served=is_served), self.frames.taken_count, now_ns)
        return self.clock.due_ns(self.frames.pending_byte_count)

    def overdue(self, owed_byte_count: int, silence: str = "expected a request") -> str:
        """What to log when it is past its deadline; `silence` is what never came."""
        return self.clock.overdue(self.frames.pending_byte_count, owed_byte_count, silence)

    def _phase(self, *, is_served: bool) -> Phase:
        if self.outbox:
            return Phase.SENDING
        if is_served:
            return Phase.SERVED
        if self.frames.pending_byte_count:
            return Phase.FRAME
        if self.clock.phase is Phase.SILENT and not self.frames.taken_count:
            return Phase.SILENT
        return Phase.IDLE


def _limit(limits: FrameLimits, is_stranger: Callable[[], bool], first_bytes: memoryview) -> int:
    """How large the frame may be that begins with these bytes."""
    return limits.stranger_byte_count if is_stranger() else limits.limit(first_bytes)

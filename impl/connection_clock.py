"""How long a connection may take for what it is doing. Pure: the clock is an argument.

Waiting for the broker costs a client nothing; whatever the client itself has to do has a deadline:
say something after connecting, finish the frame it began, take the bytes it asked for, and be
heard of now and then. Source: connections.max.idle.ms; slowloris is why a frame has one of its own.
"""

from enum import Enum
from typing import Final

from msgspec import Struct

_NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000


class Phase(Enum):
    """What a connection is doing."""

    SILENT = "silent"
    """Connected, and nothing came yet."""
    IDLE = "idle"
    """Between two requests."""
    FRAME = "frame"
    """A frame has begun and is not whole."""
    SENDING = "sending"
    """Part of an answer is still to be taken by the client."""
    SERVED = "served"
    """The broker's turn: a request waits for records, or for memory. No deadline."""


class ConnectionTimes(Struct, frozen=True, kw_only=True):
    """Deadlines in ms. `idle_ms` is connections.max.idle.ms.

    `frame_ms` counts from a frame's first byte and is stretched by what has come of it, at
    `least_bytes_per_s`: a large frame on a slow line is honest, one byte a second is not.
    """

    first_byte_ms: int = 10_000
    frame_ms: int = 30_000
    least_bytes_per_s: int = 65_536
    idle_ms: int = 600_000
    write_stall_ms: int = 30_000

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}, expected >= 1")


class ConnectionClock:
    """Since when one connection has been in its phase, and when that has been too long."""

    __slots__ = ("_frame_number", "_since_ns", "_times", "phase")

    def __init__(self, times: ConnectionTimes, now_ns: int) -> None:
        self._times = times
        self._since_ns = now_ns
        self._frame_number = 0
        self.phase = Phase.SILENT

    def settle(self, phase: Phase, frame_number: int, now_ns: int) -> None:
        """Note what the connection is doing after something happened on it.

        `frame_number` counts the frames taken up: a second frame begun has time of its own. Call
        it only when bytes moved or an answer was given, for that is what counts as progress.
        """
        same_frame = phase is Phase.FRAME is self.phase and frame_number == self._frame_number
        if not same_frame and phase is not Phase.SILENT:
            self._since_ns = now_ns
        self.phase = phase
        self._frame_number = frame_number

    def due_ns(self, pending_byte_count: int) -> int | None:
        """When the phase will have taken too long; None if it may take any time.

        `pending_byte_count` is what has come of the frame that has begun.
        """
        times = self._times
        match self.phase:
            case Phase.SILENT:
                return self._since_ns + times.first_byte_ms * _NS_PER_MS
            case Phase.IDLE:
                return self._since_ns + times.idle_ms * _NS_PER_MS
            case Phase.FRAME:
                earned_ns = pending_byte_count * _NS_PER_S // times.least_bytes_per_s
                return self._since_ns + times.frame_ms * _NS_PER_MS + earned_ns
            case Phase.SENDING:
                return self._since_ns + times.write_stall_ms * _NS_PER_MS
            case Phase.SERVED:
                return None

    def overdue(self, pending_byte_count: int, owed_byte_count: int, silence: str) -> str:
        """What to log of a connection that is past its deadline; `silence` is what never came."""
        times = self._times
        match self.phase:
            case Phase.SILENT:
                return f"no byte within {times.first_byte_ms} ms of connecting, {silence}"
            case Phase.FRAME:
                return (
                    f"{pending_byte_count} B of a frame after more than {times.frame_ms} ms, "
                    f"expected it whole, or {times.least_bytes_per_s} B/s at least"
                )
            case Phase.SENDING:
                return (
                    f"{owed_byte_count} B of an answer not taken within {times.write_stall_ms} ms, "
                    "expected a client that reads"
                )
            case _:
                return f"no request within {times.idle_ms} ms"

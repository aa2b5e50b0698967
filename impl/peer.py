"""One client of the broker: its socket, what it said so far, and what it is owed."""

import contextlib
import os
import select
from collections.abc import Sequence
from typing import Final, TypeAlias

from iowitness.impl.broker_state import ParkedCall, ParkedFetch, Part, Session
from iowitness.impl.connection import Connection
from iowitness.impl.copying_reader import next_chunk
from iowitness.impl.file_region import FileRegion
from iowitness.impl.metrics import Traffic
from iowitness.impl.server_config import ReadPath
from iowitness.impl.transport import Transport

READABLE: Final = select.EPOLLIN | select.EPOLLRDHUP
WRITABLE: Final = select.EPOLLOUT
HUNG_UP: Final = select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP

Owed: TypeAlias = memoryview | FileRegion


class Peer:
    """A connected client. `interest` is what epoll watches of its socket.

    `is_muted` while it is not read from for want of memory, `is_queued` while frames that came
    wait for its next turn. `asked_api_key` and `asked_ns` are of the request that waits or was
    answered last.
    """

    def __init__(
        self,
        transport: Transport,
        session: Session,
        connection: Connection[FileRegion],
        address: str,
        traffic: Traffic,
    ) -> None:
        self.transport = transport
        self.descriptor = transport.descriptor
        self.session = session
        self.connection = connection
        self.address = address
        self.traffic = traffic
        self._copied_unsent = 0
        self.asked_api_key = -1
        self.asked_ns = 0
        self.interest = READABLE
        self.parked: ParkedFetch | ParkedCall | None = None
        self.ticket = -1
        self.closed = False
        self.is_muted = False
        self.is_queued = False

    @property
    def is_blocked(self) -> bool:
        """True while an answer is owed: the next request has to wait for it."""
        return self.parked is not None or bool(self.connection.outbox)

    @property
    def owed_byte_count(self) -> int:
        """What is still to be sent, from memory and from files."""
        return sum(
            part.byte_count if isinstance(part, FileRegion) else len(part)
            for part in self.connection.outbox
        )

    def due_ns(self, now_ns: int) -> int | None:
        """By when something has to happen on it, told after something has; None if nothing has."""
        is_served = self.parked is not None or self.is_muted or self.is_queued
        return self.connection.settle(now_ns, is_served=is_served)

    def overdue(self) -> str:
        """What to log when it is past its deadline."""
        return self.connection.overdue(self.owed_byte_count, self.transport.silence())

    @property
    def has_more(self) -> bool:
        """Whether it has said more than epoll will tell of: whole frames, or decrypted bytes."""
        return self.transport.has_unread or self.connection.frames.has_whole_frame

    def takes_up(self, frame: memoryview, now_ns: int) -> None:
        """Note which request is being answered, and since when."""
        self.asked_api_key = int.from_bytes(frame[:2], "big")
        self.asked_ns = now_ns

    def owe(self, parts: Sequence[Part]) -> None:
        """Queue the parts of an answer."""
        for part in parts:
            self.connection.outbox.append(
                part if isinstance(part, FileRegion) else memoryview(part)
            )

    def say_farewell(self, frame: bytearray) -> None:
        """Send a last answer, as far as the socket takes it at once."""
        with contextlib.suppress(OSError):
            self.owe([frame])
            self.flush("copy")

    def flush(self, read_path: ReadPath) -> bool:
        """Send what is owed until the socket takes no more; True once nothing is left.

        Raises `OSError` where the connection or a segment file fails.
        """
        outbox = self.connection.outbox
        moves_files = read_path == "sendfile" and self.transport.moves_files
        while outbox:
            part = outbox.popleft()
            if isinstance(part, FileRegion):
                left = self._moved(part) if moves_files else self._copied(part)
            else:
                left = self._sent(part, more=bool(outbox))
            if left is not None:
                outbox.appendleft(left)
                return False
        return True

    def _sent(self, view: memoryview, *, more: bool) -> Owed | None:
        """Send bytes; what is left of them. With `more` to come the kernel may wait to fill up."""
        try:
            count = self.transport.send(view, more=more)
        except BlockingIOError:
            return view
        copied = min(count, self._copied_unsent)
        self._copied_unsent -= copied
        self.traffic.copied += copied
        self.traffic.from_memory += count - copied
        return view[count:] if count < len(view) else None

    def _moved(self, region: FileRegion) -> Owed | None:
        """Have the kernel move a region to the socket; what is left of it. Source: sendfile(2)."""
        try:
            count = os.sendfile(
                self.descriptor, region.fileno(), region.position, region.byte_count
            )
        except BlockingIOError:
            return region
        if count == 0:
            raise OSError(
                f"{region.file.path} at byte {region.position}: the file ends "
                f"{region.byte_count} B too early"
            )
        self.traffic.sendfile += count
        if count == region.byte_count:
            return None
        return region.sliced(count, region.byte_count - count)

    def _copied(self, region: FileRegion) -> Owed | None:
        """Read and send a region chunk by chunk: the control."""
        rest: FileRegion | None = region
        while rest is not None:
            chunk, rest = next_chunk(rest)
            self._copied_unsent = len(chunk)  # it is what is sent next, until it has gone
            unsent = self._sent(memoryview(chunk), more=rest is not None)
            if unsent is not None:
                if rest is not None:
                    self.connection.outbox.appendleft(rest)
                return unsent
        return None

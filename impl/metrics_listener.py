"""The metrics' own port, on loopback, in the broker's event loop: a few visitors at a time."""

import logging
import select
import socket
import time
from collections.abc import Callable
from typing import Final

from iowitness.impl.deadlines import Deadlines
from iowitness.impl.listening import listening_socket
from iowitness.impl.metrics_http import http_answer

log = logging.getLogger(__name__)

HOST: Final = "127.0.0.1"
_MOST_VISITORS: Final = 16
_VISIT_NS: Final = 5_000_000_000
_PIECE_BYTE_COUNT: Final = 4_096


class _Visitor:
    """One scraper's connection: what it said, and what is still to be sent to it."""

    __slots__ = ("came", "socket", "unsent")

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.came = b""
        self.unsent = memoryview(b"")


class MetricsListener:
    """Answers GET /metrics with `page`. Raises `ListenFailed` when made."""

    def __init__(self, port: int, page: Callable[[], str], epoll: select.epoll) -> None:
        self._page = page
        self._epoll = epoll
        self._listener = listening_socket(HOST, port)
        self._visitors: dict[int, _Visitor] = {}
        self._deadlines = Deadlines()
        self.port: int = self._listener.getsockname()[1]
        epoll.register(self._listener.fileno(), select.EPOLLIN)

    def owns(self, descriptor: int) -> bool:
        """Whether an event on a descriptor is this port's."""
        return descriptor in self._visitors or descriptor == self._listener.fileno()

    def happened(self, descriptor: int) -> None:
        """Something happened on a descriptor of ours."""
        visitor = self._visitors.get(descriptor)
        if visitor is None:
            self._accept()
            return
        try:
            if not visitor.unsent:
                self._receive(descriptor, visitor)
            if visitor.unsent:
                self._send(descriptor, visitor)
        except BlockingIOError:
            return
        except OSError as error:
            log.info("metrics: %s; connection closed", error)
            self._drop(descriptor)

    def next_ns(self) -> int | None:
        """When `expire` has to be called, at the latest."""
        return self._deadlines.next_ns()

    def expire(self, now_ns: int) -> None:
        """End the visits that took too long."""
        for descriptor in self._deadlines.expired(now_ns):
            log.warning(
                "metrics: a visit took more than %d s; connection closed", _VISIT_NS // 10**9
            )
            self._drop(descriptor)

    def close(self) -> None:
        """Listen no more, and end all visits."""
        for descriptor in list(self._visitors):
            self._drop(descriptor)
        self._listener.close()

    def _accept(self) -> None:
        try:
            sock, _address = self._listener.accept()
        except OSError as error:
            log.warning("metrics: accept failed: %s", error)
            return
        if len(self._visitors) >= _MOST_VISITORS:
            log.warning("metrics: more than %d visitors; connection closed", _MOST_VISITORS)
            sock.close()
            return
        sock.settimeout(0)
        self._visitors[sock.fileno()] = _Visitor(sock)
        self._deadlines.set(sock.fileno(), time.monotonic_ns() + _VISIT_NS)
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def _receive(self, descriptor: int, visitor: _Visitor) -> None:
        piece = visitor.socket.recv(_PIECE_BYTE_COUNT)
        if not piece:
            self._drop(descriptor)
            return
        visitor.came += piece
        answer = http_answer(visitor.came, self._page)
        if answer is not None:
            visitor.unsent = memoryview(answer)
            self._epoll.modify(descriptor, select.EPOLLOUT)

    def _send(self, descriptor: int, visitor: _Visitor) -> None:
        visitor.unsent = visitor.unsent[visitor.socket.send(visitor.unsent) :]
        if not visitor.unsent:
            self._drop(descriptor)

    def _drop(self, descriptor: int) -> None:
        self._deadlines.set(descriptor, None)
        self._visitors.pop(descriptor).socket.close()

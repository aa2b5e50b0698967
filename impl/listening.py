"""The broker's listening socket."""

import contextlib
import errno
import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Final

from iowitness.impl.wire_errors import ListenFailed

OUT_OF_DESCRIPTORS: Final = frozenset({errno.EMFILE, errno.ENFILE})
_BACKLOG: Final = 1_024


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; a name other than localhost does not count."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_exposure(host: str, *, asks_who: bool, is_insecure_allowed: bool) -> None:
    """Raises `ListenFailed` for an address that others reach on which nobody is asked who he is."""
    if is_loopback(host) or asks_who or is_insecure_allowed:
        return
    raise ListenFailed(
        errno.EACCES,
        f"host={host} is reached by other machines and nobody is asked who he is, expected users "
        "(--users FILE), client certificates, a loopback address, or --insecure-listen",
        host,
    )


def listening_socket(host: str, port: int) -> socket.socket:
    """A non-blocking listener; `port` 0 takes any free one. Raises `ListenFailed`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
        sock.settimeout(0)
    except OSError as error:
        sock.close()
        code = error.errno or 0
        raise ListenFailed(code, _told(host, port, error), f"{host}:{port}") from error
    return sock


def _told(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"host={host} port={port} is in use, expected a free port: "
            "stop what listens there (ss -ltnp), or take port 0 for any free one"
        )
    return f"host={host} port={port} cannot be listened on: {error}"


class SpareDescriptor:
    """A descriptor kept for the time when there are no more.

    A connection that cannot be accepted stays in the queue, and epoll says so again at once, for
    ever. With the spare one given up it is accepted and closed, and its client knows.
    """

    __slots__ = ("_descriptor",)

    def __init__(self) -> None:
        self._descriptor = -1
        self._take()

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Within the block there is a descriptor to be had; it has to be given back there."""
        self.close()
        try:
            yield
        finally:
            self._take()

    def close(self) -> None:
        """Give it back."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _take(self) -> None:
        """Hold one; the whole machine may have no more just now."""
        with contextlib.suppress(OSError):
            self._descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

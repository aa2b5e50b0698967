"""How bytes pass a connection's socket: as they are, or encrypted.

Both kinds raise `BlockingIOError` where the socket has nothing or takes nothing, and `OSError`
where the connection fails. `waits_to_write` says that a reader has to wait until the socket takes
something, as a TLS handshake may have to; `has_unread`, that there is more to read although the
socket has nothing, so that epoll will not say so.
"""

import socket
import ssl
from typing import Final, Protocol

from iowitness.impl.wire_errors import ProtocolViolation

_ENDED: Final = frozenset({ssl.SSL_ERROR_EOF, ssl.SSL_ERROR_ZERO_RETURN})


class Transport(Protocol):
    """What a peer needs of its socket. `moves_files` says whether sendfile(2) may write to it."""

    descriptor: int
    moves_files: bool
    waits_to_write: bool

    @property
    def has_unread(self) -> bool:
        """Whether bytes have come that epoll does not tell of."""

    def receive_into(self, room: memoryview) -> int:
        """The number of bytes received into `room`, 0 at the connection's end."""

    def send(self, view: memoryview, *, more: bool) -> int:
        """The number of bytes taken; with `more` to come the kernel may wait to fill up."""

    def silence(self) -> str:
        """What is missing from a client that has said nothing yet, for the log."""

    def close(self) -> None:
        """Close the socket."""


class PlainTransport:
    """A socket as it is."""

    __slots__ = ("_socket", "descriptor", "moves_files", "waits_to_write")

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.descriptor = sock.fileno()
        self.moves_files = True
        self.waits_to_write = False

    @property
    def has_unread(self) -> bool:
        """Never: the kernel knows."""
        return False

    def receive_into(self, room: memoryview) -> int:
        """What one call of recv(2) gives."""
        return self._socket.recv_into(room)

    def send(self, view: memoryview, *, more: bool) -> int:
        """As much as the kernel takes at once."""
        return self._socket.send(view, socket.MSG_MORE if more else 0)

    def silence(self) -> str:
        """A request."""
        return "expected a request"

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


class TlsTransport:
    """A socket whose bytes OpenSSL encrypts, and so copies: nothing of a file can pass it unread.

    The handshake is part of receiving. A TLS record holds 16 KiB at most, so both directions go on
    until the socket or the buffer ends. Source: SSL_read(3), SSL_write(3).
    """

    __slots__ = ("_has_greeted", "_socket", "descriptor", "moves_files", "waits_to_write")

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._socket = sock
        self._has_greeted = False
        self.descriptor = sock.fileno()
        self.moves_files = False
        self.waits_to_write = False

    @property
    def has_unread(self) -> bool:
        """Whether OpenSSL holds decrypted bytes."""
        return self._has_greeted and self._socket.pending() > 0

    def receive_into(self, room: memoryview) -> int:
        """The handshake as far as it goes, then what has come. Raises ProtocolViolation."""
        if not self._has_greeted:
            self._greet()
        count = 0
        while count < len(room):
            try:
                received = self._socket.recv_into(room[count:])
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                if count:
                    return count
                raise BlockingIOError from None
            except ssl.SSLError as error:
                if error.errno in _ENDED:
                    return count
                raise ProtocolViolation(f"TLS: {_reason(error)}, expected a TLS record") from None
            if received == 0:
                return count
            count += received
        return count

    def _greet(self) -> None:
        self.waits_to_write = False
        try:
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            raise BlockingIOError from None
        except ssl.SSLWantWriteError:
            self.waits_to_write = True
            raise BlockingIOError from None
        except ssl.SSLError as error:
            raise ProtocolViolation(
                f"TLS handshake failed: {_reason(error)}, expected a client that speaks TLS "
                "(security.protocol SSL or SASL_SSL) and trusts the certificate"
            ) from None
        self._has_greeted = True

    def send(self, view: memoryview, *, more: bool) -> int:
        """As much as the socket takes, record by record."""
        del more
        count = 0
        while count < len(view):
            try:
                count += self._socket.send(view[count:])
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                if count:
                    return count
                raise BlockingIOError from None
        return count

    def silence(self) -> str:
        """The handshake, or a request after it."""
        return "expected a request" if self._has_greeted else "expected a TLS handshake to its end"

    def close(self) -> None:
        """Close the socket; clients know by the answers' sizes whether they have them whole."""
        self._socket.close()


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()

"""Taking connections in: counted, encrypted if need be, and asked who they are."""

import contextlib
import logging
import secrets
import socket
import time

from iowitness.impl.admission import Doorkeeper
from iowitness.impl.broker_state import Session
from iowitness.impl.connection import Connection
from iowitness.impl.file_region import FileRegion
from iowitness.impl.listening import (
    OUT_OF_DESCRIPTORS,
    SpareDescriptor,
    check_exposure,
    listening_socket,
)
from iowitness.impl.metrics import Traffic
from iowitness.impl.peer import Peer
from iowitness.impl.sasl_exchange import SaslExchange
from iowitness.impl.server_config import ServerConfig
from iowitness.impl.tls_context import server_context
from iowitness.impl.transport import PlainTransport, TlsTransport, Transport

log = logging.getLogger(__name__)


class Reception:
    """The listening socket and everything between accept(2) and a peer.

    Raises `ListenFailed` and `TlsFilesUnusable` when made.
    """

    def __init__(self, config: ServerConfig, traffic: Traffic) -> None:
        self._config = config
        self._traffic = traffic
        self.refused_count = 0
        has_client_ca = config.tls is not None and config.tls.client_ca is not None
        check_exposure(
            config.host,
            asks_who=config.users is not None or has_client_ca,
            is_insecure_allowed=config.is_insecure_listen_allowed,
        )
        self._context = None if config.tls is None else server_context(config.tls)
        self._doorkeeper = Doorkeeper(config.admission)
        self._listener = listening_socket(config.host, config.port)
        self._spare = SpareDescriptor()
        self.descriptor = self._listener.fileno()
        self.port: int = self._listener.getsockname()[1]

    @property
    def peer_count(self) -> int:
        """How many are connected."""
        return self._doorkeeper.count

    def accept(self) -> Peer | None:
        """The next connection; None if it is gone again or may not come in."""
        try:
            sock, address = self._listener.accept()
        except OSError as error:
            if error.errno in OUT_OF_DESCRIPTORS:
                self._turn_away(error)
            else:
                log.warning("accept failed: %s", error)
            return None
        told = f"{address[0]}:{address[1]}"
        refusal = self._doorkeeper.enter(address[0])
        if refusal is not None:
            self.refused_count += 1
            log.warning("%s: %s; connection closed", told, refusal)
            sock.close()
            return None
        try:
            transport = self._transport(sock)
        except OSError as error:  # gone before it could be greeted
            log.info("%s: %s; connection closed", told, error)
            self._doorkeeper.leave(address[0])
            sock.close()
            return None
        return self._peer(transport, told, address[0])

    def _turn_away(self, error: OSError) -> None:
        """Accept the first in the queue with the spare descriptor, and close it."""
        self.refused_count += 1
        with contextlib.suppress(OSError), self._spare.lent():
            sock, address = self._listener.accept()
            log.warning(
                "%s:%s: %s, expected fewer connections, or a higher limit (ulimit -n); "
                "connection closed",
                *address[:2],
                error,
            )
            sock.close()

    def left(self, peer: Peer) -> None:
        """Note that a peer's connection is gone."""
        self._doorkeeper.leave(peer.address)

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()
        self._spare.close()

    def _transport(self, sock: socket.socket) -> Transport:
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self._context is None:
            return PlainTransport(sock)
        return TlsTransport(
            self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        )

    def _peer(self, transport: Transport, told: str, address: str) -> Peer:
        config = self._config
        session = Session(
            told, None if config.users is None else SaslExchange(config.users, _nonce)
        )
        connection: Connection[FileRegion] = Connection(
            config.frame_limits,
            config.times,
            time.monotonic_ns(),
            is_stranger=lambda: not session.is_authenticated,
        )
        return Peer(transport, session, connection, address, self._traffic)


def _nonce() -> str:
    """The broker's part of a SCRAM nonce."""
    return secrets.token_urlsafe(24)

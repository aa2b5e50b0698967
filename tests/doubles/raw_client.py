"""A client that sends whatever bytes it likes, and well-formed requests where they are wanted."""

import socket
from types import TracebackType
from typing import Self

from iowitness.impl.api_table import APIS, ApiKey
from iowitness.impl.fetch_wire import (
    FetchRequest,
    PartitionWanted,
    TopicWanted,
    write_fetch_request,
)
from iowitness.impl.request_header import RequestHeader, finished, request_frame

API_VERSIONS = bytes.fromhex("0000000a 0012 0000 00000001 ffff")
"""An ApiVersions request, version 0: length 10, key 18, correlation id 1, no client id."""


def request(api_key: int, version: int, body: bytes) -> bytes:
    """A framed request with a header and any body."""
    assert api_key in APIS
    frame = request_frame(RequestHeader(api_key, version, 1, "raw"))
    frame += body
    return bytes(finished(frame))


def produce_body(topic: str, partition: int, batch: bytes) -> bytes:
    """A Produce request's body at version 3 with one batch, acks=1."""
    name = topic.encode()
    return (
        bytes.fromhex("ffff 0001 00007530 00000001")
        + len(name).to_bytes(2, "big")
        + name
        + bytes.fromhex("00000001")
        + partition.to_bytes(4, "big")
        + len(batch).to_bytes(4, "big")
        + batch
    )


def fetch_body(topic: str, offset: int, byte_count: int) -> bytes:
    """A Fetch request's body at version 4 for partition 0, answered at once."""
    body = bytearray()
    wanted = TopicWanted(topic, (PartitionWanted(0, offset, byte_count),))
    write_fetch_request(body, 4, FetchRequest(0, 1, byte_count, (wanted,)))
    return bytes(body)


_ADDRESSES = (f"127.1.{net}.{host}" for net in range(256) for host in range(1, 255))
"""One for each connection: ports are used again, and two clients would be one in the log."""


class RawClient:
    """One connection, with a limit on every wait."""

    def __init__(self, port: int, *, receive_byte_count: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_byte_count is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_byte_count)
        self.socket.settimeout(20)
        self.socket.bind((next(_ADDRESSES), 0))
        self.socket.connect(("127.0.0.1", port))

    @property
    def name(self) -> str:
        """The address as the broker's log has it."""
        host, port = self.socket.getsockname()
        return f"{host}:{port}"

    def send(self, *pieces: bytes) -> None:
        """Send pieces; a connection that the broker closes in between is no error."""
        try:
            for piece in pieces:
                self.socket.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def answer(self) -> bytes:
        """The next frame."""
        size = int.from_bytes(self._exactly(4), "big")
        return self._exactly(size)

    def is_served(self) -> bool:
        """Whether a plain question is answered."""
        self.send(API_VERSIONS)
        return self.answer()[:4] == b"\0\0\0\1"

    def wait_closed(self) -> bytes:
        """What comes until the broker closes."""
        pieces: list[bytes] = []
        try:
            while piece := self.socket.recv(65536):
                pieces.append(piece)
        except ConnectionResetError:
            pass
        return b"".join(pieces)

    def _exactly(self, byte_count: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < byte_count:
            piece = self.socket.recv(byte_count - len(pieces))
            if not piece:
                raise ConnectionError(f"closed after {len(pieces)} of {byte_count} B")
            pieces += piece
        return bytes(pieces)

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


PRODUCE = ApiKey.PRODUCE
METADATA = ApiKey.METADATA
FETCH = ApiKey.FETCH

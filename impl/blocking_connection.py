"""One connection to a broker for a caller that waits: a request out, its answer in.

The socket stays in blocking mode with kernel timeouts, so that an answer costs two `recv` calls
(its size, then all of it) and no polling.
"""

import socket
import struct
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from msgspec import Struct

from iowitness.impl.api_table import APIS, ApiKey
from iowitness.impl.client_versions import IncompatibleBroker, chosen
from iowitness.impl.cluster_view import Node
from iowitness.impl.message_codec import codec_of
from iowitness.impl.messages.cluster import ApiVersionsRequest, ApiVersionsResponse
from iowitness.impl.request_header import (
    RequestHeader,
    finished,
    request_frame,
    skip_response_header,
)
from iowitness.impl.wire import Buffer, Cursor
from iowitness.impl.wire_errors import BrokerUnreachable, ProtocolViolation

MessageT = TypeVar("MessageT", bound=Struct)

_LARGEST_ANSWER_BYTE_COUNT: Final = 2**31 - 1
_SIZE: Final = struct.Struct(">i")
_TIMEVAL: Final = struct.Struct("ll")


class BlockingConnection:
    """A connected broker whose versions are known. One thread at a time."""

    def __init__(self, node: Node, client_id: str, timeout_s: float) -> None:
        """Connect and ask for versions. Raises `BrokerUnreachable` or `IncompatibleBroker`."""
        self._node = node
        self._client_id = client_id
        self._next_correlation_id = 0
        self._socket = _connected(node, timeout_s)
        self._versions: Mapping[int, int] = {ApiKey.API_VERSIONS: 0}
        try:
            answer = self.ask(ApiKey.API_VERSIONS, ApiVersionsRequest(), ApiVersionsResponse)
            self._versions = chosen(answer.api_keys, answer.error_code)
        except BaseException:
            self.close()
            raise

    def version(self, api_key: ApiKey) -> int:
        """The version of an API to use here. Raises `IncompatibleBroker` if it has none."""
        try:
            return self._versions[api_key]
        except KeyError:
            raise IncompatibleBroker(
                f"{self._node.host}:{self._node.port} does not serve {api_key.name}"
            ) from None

    def ask(self, api_key: ApiKey, request: Struct, response: type[MessageT]) -> MessageT:
        """Send a declared request and wait for its answer."""
        header, frame = self.begin(api_key)
        flexible = APIS[api_key].flexible(header.version)
        codec_of(type(request), header.version, flexible=flexible).write(frame, request)
        cursor = self.exchange(header, frame)
        return codec_of(response, header.version, flexible=flexible).read(cursor)

    def begin(self, api_key: ApiKey) -> tuple[RequestHeader, bytearray]:
        """The header and the start of the frame of a request; the body is the caller's."""
        correlation_id = self._next_correlation_id
        self._next_correlation_id = (correlation_id + 1) & 0x7FFF_FFFF
        header = RequestHeader(api_key, self.version(api_key), correlation_id, self._client_id)
        return header, request_frame(header)

    def exchange(self, header: RequestHeader, frame: bytearray) -> Cursor:
        """Send a frame; a cursor on its answer's body.

        Raises `BrokerUnreachable` where the broker is gone or does not answer in time.
        """
        self.send_buffers([finished(frame)])
        return self.receive_answer(header)

    def send_buffers(self, buffers: Sequence[Buffer]) -> None:
        """Send a finished frame, its buffers gathered. Raises `BrokerUnreachable`."""
        try:
            send_all(self._socket, buffers)
        except OSError as error:
            raise BrokerUnreachable(
                f"{self._node.host}:{self._node.port} took no request: {error}"
            ) from error

    def receive_answer(self, header: RequestHeader) -> Cursor:
        """Wait for the answer to a request that was sent; a cursor on its body."""
        try:
            cursor = Cursor(self._receive())
        except OSError as error:
            raise BrokerUnreachable(
                f"{self._node.host}:{self._node.port} answered nothing to "
                f"{ApiKey(header.api_key).name}: {error}"
            ) from error
        correlation_id = skip_response_header(cursor, header)
        if correlation_id != header.correlation_id:
            raise ProtocolViolation(
                f"correlation_id={correlation_id}, expected {header.correlation_id}"
            )
        return cursor

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._socket.fileno()

    def close(self) -> None:
        """End the connection; a second call does nothing."""
        self._socket.close()

    def _receive(self) -> bytearray:
        size_bytes = bytearray(_SIZE.size)
        self._fill(size_bytes)
        (size,) = _SIZE.unpack(size_bytes)
        if not 4 <= size <= _LARGEST_ANSWER_BYTE_COUNT:
            raise ProtocolViolation(f"answer size={size} B, expected at least 4 B")
        answer = bytearray(size)
        self._fill(answer)
        return answer

    def _fill(self, buffer: bytearray) -> None:
        view = memoryview(buffer)
        while view:
            try:
                count = self._socket.recv_into(view, 0, socket.MSG_WAITALL)
            except BlockingIOError:
                raise TimeoutError("nothing came within the request timeout") from None
            if count == 0:
                raise ConnectionResetError("the broker closed the connection")
            view = view[count:]


def send_all(sock: socket.socket, buffers: Sequence[Buffer]) -> None:
    """One sendmsg, or as many as short writes make of it. Raises `OSError`."""
    views = deque(memoryview(buffer) for buffer in buffers)
    while views:
        sent = sock.sendmsg(list(views))
        while views and sent >= len(views[0]):
            sent -= len(views.popleft())
        if sent:
            views[0] = views[0][sent:]


def _connected(node: Node, timeout_s: float) -> socket.socket:
    try:
        sock = socket.create_connection((node.host, node.port), timeout=timeout_s)
    except OSError as error:
        raise BrokerUnreachable(
            f"host={node.host} port={node.port} did not take a connection within "
            f"{timeout_s:g} s: {error}; is the broker running?"
        ) from error
    sock.settimeout(None)
    seconds = int(timeout_s)
    limit = _TIMEVAL.pack(seconds, int((timeout_s - seconds) * 1_000_000))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock

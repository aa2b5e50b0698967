"""The sender's connection to one broker: non-blocking, requests out, answers in their order.

What is to be sent waits as buffers and leaves in one gathering write, in which every batch stays
a buffer of its own. A short write is continued where it stopped.
"""

import contextlib
import errno
import select
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import islice
from typing import Final

from msgspec import Struct

from iowitness.impl.api_table import APIS, ApiKey
from iowitness.impl.client_versions import IncompatibleBroker, chosen
from iowitness.impl.cluster_view import Node, TopicPartition
from iowitness.impl.frame_buffer import FrameBuffer
from iowitness.impl.message_codec import codec_of
from iowitness.impl.messages.cluster import ApiVersionsRequest, ApiVersionsResponse
from iowitness.impl.produce_frames import OneBatchFrames
from iowitness.impl.producer_batch import ProducerBatch
from iowitness.impl.request_header import (
    RequestHeader,
    finished,
    request_frame,
    skip_response_header,
)
from iowitness.impl.wire import Buffer, Cursor
from iowitness.impl.wire_errors import BrokerUnreachable, ProtocolViolation

_MOST_BUFFERS: Final = 1_024
"""IOV_MAX: more buffers than this in one call are refused. Source: sendmsg(2)."""
_LARGEST_ANSWER_BYTE_COUNT: Final = 2**31 - 1

OnAnswer = Callable[[RequestHeader, Cursor], None]


class LinkState(Enum):
    """Where a connection stands."""

    CONNECTING = "connecting"
    ASKING_VERSIONS = "asking versions"
    READY = "ready"
    CLOSED = "closed"


class Exchange(Struct, frozen=True):
    """A request under way. `batches` are those of a produce request."""

    header: RequestHeader
    sent_ns: int
    on_answer: OnAnswer
    batches: Sequence[ProducerBatch] = ()


class NodeLink:
    """A connection that is being made or there. One thread."""

    def __init__(self, node: Node, client_id: str, now_ns: int) -> None:
        """Begin to connect. Raises `BrokerUnreachable` where that fails at once."""
        self.node = node
        self.state = LinkState.CONNECTING
        self.exchanges: deque[Exchange] = deque()
        self.frames_to: dict[TopicPartition, OneBatchFrames] = {}
        self._client_id = client_id
        self._next_correlation_id = 0
        self._versions: Mapping[int, int] = {ApiKey.API_VERSIONS: 0}
        self._outbox: deque[Buffer] = deque()
        self._frames = FrameBuffer(lambda _first: _LARGEST_ANSWER_BYTE_COUNT)
        self._begun_ns = now_ns
        self.socket = self._connecting()

    def _connecting(self) -> socket.socket:
        node = self.node
        try:
            found = socket.getaddrinfo(node.host, node.port, type=socket.SOCK_STREAM)
            family, kind, protocol, _, address = found[0]
            sock = socket.socket(family, kind, protocol)
        except OSError as error:
            raise self._unreachable(str(error)) from error
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(address)
        if code not in {0, errno.EINPROGRESS}:
            sock.close()
            raise self._unreachable(errno.errorcode.get(code, str(code)))
        return sock

    def _unreachable(self, why: str) -> BrokerUnreachable:
        return BrokerUnreachable(
            f"host={self.node.host} port={self.node.port}: {why}; is the broker running?"
        )

    @property
    def interest(self) -> int:
        """What to watch the socket for."""
        if self.state is LinkState.CONNECTING or self._outbox:
            return select.EPOLLIN | select.EPOLLOUT
        return select.EPOLLIN

    @property
    def is_ready(self) -> bool:
        """Whether requests may be sent."""
        return self.state is LinkState.READY

    @property
    def has_unsent(self) -> bool:
        """Whether something is queued that the socket has not taken."""
        return bool(self._outbox)

    @property
    def produce_count(self) -> int:
        """Produce requests under way."""
        count = 0
        for exchange in self.exchanges:
            if exchange.batches:
                count += 1
        return count

    def waiting_since_ns(self) -> int | None:
        """Since when the peer owes something; None if it owes nothing."""
        if self.state is LinkState.CONNECTING:
            return self._begun_ns
        return self.exchanges[0].sent_ns if self.exchanges else None

    def version(self, api_key: ApiKey) -> int:
        """The version of an API to use here. Raises `IncompatibleBroker` if it has none."""
        if api_key not in self._versions:
            raise IncompatibleBroker(
                f"{self.node.host}:{self.node.port} does not serve {api_key.name}"
            )
        return self._versions[api_key]

    def header(self, api_key: ApiKey) -> RequestHeader:
        """The header of a next request."""
        correlation_id = self._next_correlation_id
        self._next_correlation_id = (correlation_id + 1) & 0x7FFF_FFFF
        return RequestHeader(api_key, self.version(api_key), correlation_id, self._client_id)

    def ask(self, api_key: ApiKey, request: Struct, on_answer: OnAnswer, now_ns: int) -> None:
        """Queue a declared request."""
        header = self.header(api_key)
        frame = request_frame(header)
        flexible = APIS[api_key].flexible(header.version)
        codec_of(type(request), header.version, flexible=flexible).write(frame, request)
        self.queue([finished(frame)], Exchange(header, now_ns, on_answer))

    def queue(self, buffers: Sequence[Buffer], exchange: Exchange | None) -> None:
        """Queue a whole frame; `exchange` is None where no answer will come."""
        self._outbox.extend(buffers)
        if exchange is not None:
            self.exchanges.append(exchange)

    def connected(self, now_ns: int) -> None:
        """Go on after the socket became writable. Raises `BrokerUnreachable`."""
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise self._unreachable(errno.errorcode.get(code, str(code)))
        self.state = LinkState.ASKING_VERSIONS
        self.ask(ApiKey.API_VERSIONS, ApiVersionsRequest(), self._versions_told, now_ns)

    def _versions_told(self, header: RequestHeader, cursor: Cursor) -> None:
        codec = codec_of(ApiVersionsResponse, header.version, flexible=False)
        answer = codec.read(cursor)
        self._versions = chosen(answer.api_keys, answer.error_code)
        self.state = LinkState.READY

    def flush(self) -> None:
        """Send what is queued, as much as the socket takes. Raises `BrokerUnreachable`."""
        while self._outbox:
            buffers = list(islice(self._outbox, _MOST_BUFFERS))
            try:
                count = self.socket.sendmsg(buffers)
            except BlockingIOError:
                return
            except OSError as error:
                raise self._unreachable(str(error)) from error
            if not self._sent(count):
                return

    def _sent(self, byte_count: int) -> bool:
        """Drop what went out; True if it was all that was offered."""
        while byte_count:
            first = self._outbox[0]
            if byte_count < len(first):
                self._outbox[0] = memoryview(first)[byte_count:]
                return False
            byte_count -= len(first)
            self._outbox.popleft()
        return True

    def answers(self, shared: memoryview) -> Iterator[tuple[Exchange, Cursor]]:
        """Receive once, and give the answers that are whole by then, in order.

        Raises `BrokerUnreachable` where the peer is gone, `ProtocolViolation` for nonsense.
        """
        try:
            count = self.socket.recv_into(self._frames.room(shared))
        except BlockingIOError:
            self._frames.put_aside()
            return
        except OSError as error:
            raise self._unreachable(str(error)) from error
        if count == 0:
            raise self._unreachable("it closed the connection")
        self._frames.received(count)
        while (frame := self._frames.next_frame()) is not None:
            if not self.exchanges:
                raise ProtocolViolation("an answer came to no request")
            exchange = self.exchanges.popleft()
            cursor = Cursor(frame)
            correlation_id = skip_response_header(cursor, exchange.header)
            if correlation_id != exchange.header.correlation_id:
                raise ProtocolViolation(
                    f"correlation_id={correlation_id}, expected {exchange.header.correlation_id}"
                )
            yield exchange, cursor
        self._frames.put_aside()

    def end_stream(self) -> None:
        """Close our half of the connection."""
        with contextlib.suppress(
            OSError
        ):  # the peer has closed it already, which the next read tells
            self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> list[Exchange]:
        """End the connection; the requests whose answers will not come."""
        self.state = LinkState.CLOSED
        self.socket.close()
        lost = list(self.exchanges)
        self.exchanges.clear()
        self._outbox.clear()
        return lost

"""The sender's connection: several produce requests under way, answers in their order.

Each request is one gathering write in which every batch is a buffer of its own. A short write is
continued where it stopped.
"""

from collections import deque
from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct

from iowitness.impl.accumulator import PendingBatch
from iowitness.impl.api_table import ApiKey
from iowitness.impl.blocking_connection import BlockingConnection
from iowitness.impl.produce_wire import (
    ProduceResponse,
    read_produce_response,
    write_produce_request,
)
from iowitness.impl.request_header import RequestHeader
from iowitness.impl.wire import Buffer
from iowitness.impl.wire_errors import BrokerUnreachable

MessageT = TypeVar("MessageT", bound=Struct)


class _UnderWay(Struct, frozen=True):
    header: RequestHeader
    batches: Sequence[PendingBatch]


class PipelinedConnection:
    """Produce requests of one broker, at most as many under way as the caller allows itself."""

    def __init__(self, connection: BlockingConnection) -> None:
        self._connection = connection
        self._under_way: deque[_UnderWay] = deque()

    @property
    def under_way_count(self) -> int:
        """Requests whose answers are still to come."""
        return len(self._under_way)

    def ask(self, api_key: ApiKey, request: Struct, response: type[MessageT]) -> MessageT:
        """A declared request and its answer, only while nothing is under way."""
        if self._under_way:
            raise BrokerUnreachable("produce requests are under way on this connection")
        return self._connection.ask(api_key, request, response)

    def send(
        self, acks: int, timeout_ms: int, batches: Sequence[tuple[PendingBatch, Buffer]]
    ) -> None:
        """Send one request. Raises `BrokerUnreachable`."""
        header, frame = self._connection.begin(ApiKey.PRODUCE)
        named = [(b.partition.topic, b.partition.partition, stored) for b, stored in batches]
        buffers = write_produce_request(
            frame, header.version, acks=acks, timeout_ms=timeout_ms, batches=named
        )
        self._connection.send_buffers(buffers)
        if acks != 0:
            self._under_way.append(_UnderWay(header, [batch for batch, _ in batches]))

    def receive(self) -> tuple[Sequence[PendingBatch], ProduceResponse]:
        """Wait for the oldest request's answer. Raises `BrokerUnreachable`, `ProtocolViolation`."""
        request = self._under_way[0]
        cursor = self._connection.receive_answer(request.header)
        response = read_produce_response(cursor, request.header.version)
        self._under_way.popleft()
        return request.batches, response

    def abandoned(self) -> list[PendingBatch]:
        """The batches whose answers will not come, for a connection that is given up."""
        batches = [batch for request in self._under_way for batch in request.batches]
        self._under_way.clear()
        return batches

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

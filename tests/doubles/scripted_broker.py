"""A broker that does what a test tells it: loses answers, answers errors, stays silent.

It speaks just enough for a producer: ApiVersions, Metadata, InitProducerId, Produce. What came in
is kept, decoded, in order.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from iowitness.impl.api_table import APIS, ApiKey
from iowitness.impl.batch_format import BatchHeader
from iowitness.impl.batch_reader import batches, records
from iowitness.impl.message_codec import codec_of
from iowitness.impl.messages.cluster import (
    ApiVersion,
    ApiVersionsResponse,
    InitProducerIdResponse,
    MetadataBroker,
    MetadataPartition,
    MetadataResponse,
    MetadataTopic,
)
from iowitness.impl.produce_wire import (
    PartitionAppended,
    ProduceResponse,
    TopicAppended,
    read_produce_request,
    write_produce_response,
)
from iowitness.impl.request_header import (
    RequestHeader,
    finished,
    read_request_header,
    response_frame,
)
from iowitness.impl.wire import Cursor


@dataclass
class Came:
    """One batch of one produce request."""

    request: int
    topic: str
    partition: int
    header: BatchHeader
    values: list[bytes | None]


Script = Callable[[list[Came]], int | None]
"""The error code for all batches of a request; None closes the connection without an answer."""


@dataclass
class ScriptedBroker:
    """What the broker knows and saw. `metadata_error` goes to every topic while it is not 0,
    `identify_errors` one by one to those who ask for a producer id."""

    script: Script
    partition_count: int = 1
    metadata_error: int = 0
    lacks_producer_ids: bool = False
    identify_errors: list[int] = field(default_factory=list)
    came: list[Came] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    request_count: int = 0
    port: int = 0
    hold: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.hold.set()

    def handle(self, frame: bytes) -> bytes | None:
        cursor = Cursor(frame)
        header = read_request_header(cursor)
        if header.api_key == ApiKey.PRODUCE:
            return self._produced(header, cursor)
        response = self._declared(header, cursor)
        api = APIS[header.api_key]
        out = response_frame(header)
        codec_of(type(response), header.version, flexible=api.flexible(header.version)).write(
            out, response
        )
        return bytes(finished(out))

    def _declared(
        self, header: RequestHeader, cursor: Cursor
    ) -> ApiVersionsResponse | MetadataResponse | InitProducerIdResponse:
        if header.api_key == ApiKey.API_VERSIONS:
            keys = tuple(
                ApiVersion(api.key, api.first, api.last)
                for api in APIS.values()
                if not (self.lacks_producer_ids and api.key == ApiKey.INIT_PRODUCER_ID)
            )
            return ApiVersionsResponse(error_code=0, api_keys=keys)
        if header.api_key == ApiKey.INIT_PRODUCER_ID:
            if self.identify_errors:
                return InitProducerIdResponse(error_code=self.identify_errors.pop(0))
            self.epochs.append(len(self.epochs))
            return InitProducerIdResponse(
                error_code=0, producer_id=7, producer_epoch=self.epochs[-1]
            )
        api = APIS[ApiKey.METADATA]
        assert api.request is not None
        asked = codec_of(api.request, header.version, flexible=False).read(cursor)
        partitions = tuple(
            MetadataPartition(error_code=0, partition_index=number, leader_id=1)
            for number in range(self.partition_count)
        )
        return MetadataResponse(
            brokers=(MetadataBroker(node_id=1, host="127.0.0.1", port=self.port),),
            topics=tuple(
                MetadataTopic(
                    error_code=self.metadata_error,
                    name=topic.name,
                    partitions=() if self.metadata_error else partitions,
                )
                for topic in asked.topics  # type: ignore[attr-defined]
            ),
        )

    def _produced(self, header: RequestHeader, cursor: Cursor) -> bytes | None:
        self.hold.wait(30)
        request = read_produce_request(cursor, header.version)
        self.request_count += 1
        here = []
        for topic in request.topics:
            for partition in topic.partitions:
                (batch,) = batches(bytes(partition.records or b""))
                batch.check()
                here.append(
                    Came(
                        self.request_count,
                        topic.topic,
                        partition.partition,
                        batch.header,
                        [record.value for record in records(batch)],
                    )
                )
        self.came += here
        code = self.script(here)
        if code is None:
            return None
        if request.acks == 0:
            return b""
        out = response_frame(header)
        write_produce_response(
            out,
            header.version,
            ProduceResponse(
                tuple(
                    TopicAppended(
                        topic.topic,
                        tuple(
                            PartitionAppended(p.partition, code, 0 if code == 0 else -1)
                            for p in topic.partitions
                        ),
                    )
                    for topic in request.topics
                )
            ),
        )
        return bytes(finished(out))


def _serve(broker: ScriptedBroker, connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        while True:
            size = connection.recv(4, socket.MSG_WAITALL)
            if len(size) < 4:
                return
            frame = connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
            answer = broker.handle(frame)
            if answer is None:
                return
            connection.sendall(answer)


@contextlib.contextmanager
def scripted_broker(broker: ScriptedBroker) -> Iterator[ScriptedBroker]:
    """The broker, listening while the block runs."""
    listener = socket.create_server(("127.0.0.1", 0))
    broker.port = listener.getsockname()[1]
    threads: list[threading.Thread] = []
    connections: list[socket.socket] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                threads.append(threading.Thread(target=_serve, args=(broker, connection)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield broker
    finally:
        broker.hold.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(10)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(10)

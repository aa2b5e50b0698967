"""A small consumer: explicit partitions and offsets, one fetch in flight, every batch checked."""

import time
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from iowitness.impl.api_table import ApiKey
from iowitness.impl.batch_reader import Batch, batches, records
from iowitness.impl.blocking_connection import BlockingConnection
from iowitness.impl.cluster_view import (
    NOTHING_KNOWN,
    ClusterView,
    Node,
    TopicPartition,
    bootstrap_nodes,
)
from iowitness.impl.errors import OffsetOutOfRange
from iowitness.impl.fetch_wire import (
    FetchRequest,
    PartitionFetched,
    PartitionWanted,
    by_topic,
    read_fetch_response,
    write_fetch_request,
)
from iowitness.impl.messages.cluster import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
)
from iowitness.impl.record_reader import Record
from iowitness.impl.wire_errors import (
    RETRIABLE_CODES,
    BrokerUnreachable,
    ErrorCode,
    named,
)

EARLIEST: Final = -2
LATEST: Final = -1
_RETRY_PAUSE_S: Final = 0.1


class FetchFailed(Exception):
    """The broker refused a partition for good; `error_code` says why."""

    def __init__(self, partition: TopicPartition, error_code: int) -> None:
        super().__init__(
            f"{partition.topic}-{partition.partition}: the broker answered {named(error_code)}"
        )
        self.partition = partition
        self.error_code = error_code


class ConsumerConfig(Struct, frozen=True, kw_only=True):
    """Settings of one consumer: sizes in bytes, times in ms, Kafka's defaults.

    `partition_byte_count` is max.partition.fetch.bytes, `fetch_byte_count` fetch.max.bytes,
    `min_byte_count` fetch.min.bytes, `max_wait_ms` fetch.max.wait.ms.
    """

    client_id: str = "iowitness"
    partition_byte_count: int = 1_048_576
    fetch_byte_count: int = 52_428_800
    min_byte_count: int = 1
    max_wait_ms: int = 500
    request_timeout_ms: int = 30_000


class PartitionRecords(Struct, frozen=True):
    """What one fetch brought of one partition: whole batches, their checksums right.

    Records before `from_offset` are in the first batch only because batches travel whole.
    """

    partition: TopicPartition
    from_offset: int
    batches: tuple[Batch, ...]

    @property
    def byte_count(self) -> int:
        """The batches as they were stored."""
        return sum(batch.header.byte_count for batch in self.batches)

    def records(self) -> Iterator[Record]:
        """The records from `from_offset` on; control batches are left out.

        Raises `CorruptRecord` where a batch's records are not what its head says.
        """
        for batch in self.batches:
            if batch.header.is_control:
                continue
            for record in records(batch):
                if record.offset >= self.from_offset:
                    yield record


class Consumer:
    """Reads assigned partitions, each from its own offset on. One thread at a time."""

    def __init__(self, bootstrap: str, config: ConsumerConfig | None = None) -> None:
        self._config = config or ConsumerConfig()
        self._bootstrap = bootstrap_nodes(bootstrap)
        self._view: ClusterView = NOTHING_KNOWN
        self._connections: dict[tuple[str, int], BlockingConnection] = {}
        self._positions: dict[TopicPartition, int] = {}
        self._stops: dict[TopicPartition, int] = {}

    def partitions(self, topic: str) -> tuple[TopicPartition, ...]:
        """A topic's partitions, by number. Raises `FetchFailed` if there is no such topic."""
        self._refresh((topic,))
        count = self._view.partition_counts.get(topic)
        if count is None:
            code = self._view.topic_errors.get(topic, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            raise FetchFailed(TopicPartition(topic, -1), code)
        return tuple(TopicPartition(topic, number) for number in range(count))

    def start_offsets(self, partitions: tuple[TopicPartition, ...]) -> dict[TopicPartition, int]:
        """The first offset of each partition."""
        return self._offsets(partitions, EARLIEST)

    def end_offsets(self, partitions: tuple[TopicPartition, ...]) -> dict[TopicPartition, int]:
        """The next offset of each partition."""
        return self._offsets(partitions, LATEST)

    def assign(
        self,
        positions: Mapping[TopicPartition, int],
        stop_offsets: Mapping[TopicPartition, int] | None = None,
    ) -> None:
        """Read these partitions, each from its offset on, instead of any before.

        A partition that has reached its stop offset is no longer asked for. Fetches name
        partitions in the order given here.
        """
        self._positions = dict(positions)
        self._stops = dict(stop_offsets or {})
        self._drop_finished()

    @property
    def positions(self) -> Mapping[TopicPartition, int]:
        """The next offset of each partition that is still read."""
        return self._positions

    def poll(self) -> list[PartitionRecords]:
        """One fetch to each broker that leads an assigned partition; what came, by partition.

        Empty if nothing is assigned, or nothing came within `max_wait_ms`. Raises
        `OffsetOutOfRange`, `FetchFailed`, `CorruptBatch` for a batch whose checksum is wrong, and
        `BrokerUnreachable`.
        """
        found: list[PartitionRecords] = []
        for node, partitions in self._by_leader().items():
            for fetched in self._fetch(self._connection(node), partitions):
                came = self._taken(fetched)
                if came is not None:
                    found.append(came)
        self._drop_finished()
        return found

    def close(self) -> None:
        """End all connections; a second call does nothing."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _fetch(
        self, connection: BlockingConnection, partitions: list[TopicPartition]
    ) -> tuple[PartitionFetched, ...]:
        config = self._config
        wanted = [
            (
                partition.topic,
                PartitionWanted(
                    partition.partition, self._positions[partition], config.partition_byte_count
                ),
            )
            for partition in partitions
        ]
        request = FetchRequest(
            config.max_wait_ms, config.min_byte_count, config.fetch_byte_count, by_topic(wanted)
        )
        header, frame = connection.begin(ApiKey.FETCH)
        write_fetch_request(frame, header.version, request)
        response = read_fetch_response(connection.exchange(header, frame), header.version)
        if response.error_code:
            raise FetchFailed(partitions[0], response.error_code)
        return response.partitions

    def _taken(self, fetched: PartitionFetched) -> PartitionRecords | None:
        """The whole batches of one partition; the position moves past them."""
        partition = TopicPartition(fetched.topic, fetched.head.partition)
        position = self._positions[partition]
        code = fetched.head.error_code
        if code == ErrorCode.OFFSET_OUT_OF_RANGE:
            starts, ends = self.start_offsets((partition,)), self.end_offsets((partition,))
            raise OffsetOutOfRange(position, starts[partition], ends[partition])
        if code in RETRIABLE_CODES:
            self._refresh((partition.topic,))
            time.sleep(_RETRY_PAUSE_S)
            return None
        if code:
            raise FetchFailed(partition, code)
        whole = tuple(batches(fetched.records))
        for batch in whole:
            batch.check()
        if not whole:
            return None
        self._positions[partition] = whole[-1].header.next_offset
        return PartitionRecords(partition, position, whole)

    def _drop_finished(self) -> None:
        for partition, stop in self._stops.items():
            if self._positions.get(partition, -1) >= stop:
                del self._positions[partition]

    def _offsets(
        self, partitions: tuple[TopicPartition, ...], timestamp: int
    ) -> dict[TopicPartition, int]:
        self._refresh(tuple({partition.topic for partition in partitions}))
        found: dict[TopicPartition, int] = {}
        for node, led in self._grouped(partitions).items():
            topics: dict[str, list[ListOffsetsPartition]] = {}
            for partition in led:
                asked = ListOffsetsPartition(
                    partition_index=partition.partition, timestamp=timestamp
                )
                topics.setdefault(partition.topic, []).append(asked)
            request = ListOffsetsRequest(
                topics=tuple(
                    ListOffsetsTopic(name=name, partitions=tuple(asked))
                    for name, asked in topics.items()
                )
            )
            answer = self._connection(node).ask(ApiKey.LIST_OFFSETS, request, ListOffsetsResponse)
            for topic in answer.topics:
                for told in topic.partitions:
                    partition = TopicPartition(topic.name, told.partition_index)
                    if told.error_code:
                        raise FetchFailed(partition, told.error_code)
                    found[partition] = told.offset
        return found

    def _by_leader(self) -> dict[Node, list[TopicPartition]]:
        unknown = {p.topic for p in self._positions if self._view.leader(p) is None}
        if unknown:
            self._refresh(tuple(sorted(unknown)))
        return self._grouped(tuple(self._positions))

    def _grouped(self, partitions: tuple[TopicPartition, ...]) -> dict[Node, list[TopicPartition]]:
        grouped: dict[Node, list[TopicPartition]] = {}
        for partition in partitions:
            node = self._view.leader(partition)
            if node is None:
                raise FetchFailed(
                    partition,
                    self._view.topic_errors.get(partition.topic, ErrorCode.LEADER_NOT_AVAILABLE),
                )
            grouped.setdefault(node, []).append(partition)
        return grouped

    def _refresh(self, topics: tuple[str, ...]) -> None:
        wanted = tuple(MetadataRequestTopic(name=topic) for topic in topics)
        request = MetadataRequest(topics=wanted, allow_auto_topic_creation=False)
        answer = self._any_connection().ask(ApiKey.METADATA, request, MetadataResponse)
        self._view = self._view.updated(answer)

    def _any_connection(self) -> BlockingConnection:
        for connection in self._connections.values():
            return connection
        errors = []
        for node in self._bootstrap:
            try:
                return self._connection(node)
            except BrokerUnreachable as error:
                errors.append(str(error))
        raise BrokerUnreachable("; ".join(errors))

    def _connection(self, node: Node) -> BlockingConnection:
        key = (node.host, node.port)
        if key not in self._connections:
            self._connections[key] = BlockingConnection(
                node, self._config.client_id, self._config.request_timeout_ms / 1_000
            )
        return self._connections[key]

"""What every client that waits needs of a cluster: its view, connections, offsets by time."""

import time
from collections.abc import Iterable, Mapping
from typing import Final

from iowitness.impl.api_table import ApiKey
from iowitness.impl.blocking_connection import BlockingConnection
from iowitness.impl.cluster_view import (
    NOTHING_KNOWN,
    ClusterView,
    Node,
    TopicPartition,
    bootstrap_nodes,
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
from iowitness.impl.wire_errors import (
    RETRIABLE_CODES,
    BrokerUnreachable,
    ErrorCode,
    named,
)

EARLIEST: Final = -2
LATEST: Final = -1
RETRY_PAUSE_S: Final = 0.1


class FetchFailed(Exception):
    """The broker refused a partition for good; `error_code` says why."""

    def __init__(self, partition: TopicPartition, error_code: int) -> None:
        super().__init__(
            f"{partition.topic}-{partition.partition}: the broker answered {named(error_code)}"
        )
        self.partition = partition
        self.error_code = error_code


class ClusterClient:
    """Connections by address, opened when needed. One thread at a time.

    What a broker that restarts does not answer is asked again until `timeout_s` is over.
    """

    def __init__(self, bootstrap: str, client_id: str, timeout_s: float) -> None:
        self.view: ClusterView = NOTHING_KNOWN
        self._bootstrap = bootstrap_nodes(bootstrap)
        self._client_id = client_id
        self._timeout_s = timeout_s
        self._connections: dict[tuple[str, int], BlockingConnection] = {}

    def partitions(self, topic: str) -> tuple[TopicPartition, ...]:
        """A topic's partitions, by number. Raises `FetchFailed` if there is no such topic."""
        self.refresh((topic,))
        count = self.view.partition_counts.get(topic)
        if count is None:
            code = self.view.topic_errors.get(topic, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            raise FetchFailed(TopicPartition(topic, -1), code)
        return tuple(TopicPartition(topic, number) for number in range(count))

    def offsets(
        self, partitions: Iterable[TopicPartition], timestamp_ms: int
    ) -> dict[TopicPartition, int]:
        """Of each partition the first offset at or after a time, or `EARLIEST` or `LATEST`.

        -1 where every record is older.
        """
        wanted = tuple(partitions)
        deadline_s = time.monotonic() + self._timeout_s
        while True:
            self.refresh(tuple(sorted({partition.topic for partition in wanted})))
            try:
                return self._offsets(wanted, timestamp_ms)
            except FetchFailed as error:
                if error.error_code not in RETRIABLE_CODES or time.monotonic() > deadline_s:
                    raise
            except BrokerUnreachable:
                self.forget()
                if time.monotonic() > deadline_s:
                    raise
            time.sleep(RETRY_PAUSE_S)

    def _offsets(
        self, partitions: tuple[TopicPartition, ...], timestamp_ms: int
    ) -> dict[TopicPartition, int]:
        found: dict[TopicPartition, int] = {}
        for node, led in self.by_leader(partitions).items():
            topics: dict[str, list[ListOffsetsPartition]] = {}
            for partition in led:
                asked = ListOffsetsPartition(
                    partition_index=partition.partition, timestamp=timestamp_ms
                )
                topics.setdefault(partition.topic, []).append(asked)
            request = ListOffsetsRequest(
                topics=tuple(
                    ListOffsetsTopic(name=name, partitions=tuple(asked))
                    for name, asked in topics.items()
                )
            )
            answer = self.connection(node).ask(ApiKey.LIST_OFFSETS, request, ListOffsetsResponse)
            for topic in answer.topics:
                for told in topic.partitions:
                    partition = TopicPartition(topic.name, told.partition_index)
                    if told.error_code:
                        raise FetchFailed(partition, told.error_code)
                    found[partition] = told.offset
        return found

    def by_leader(
        self, partitions: Iterable[TopicPartition]
    ) -> Mapping[Node, list[TopicPartition]]:
        """Partitions by the broker that leads them. Raises `FetchFailed` for one without any."""
        grouped: dict[Node, list[TopicPartition]] = {}
        for partition in partitions:
            node = self.view.leader(partition)
            if node is None:
                raise FetchFailed(
                    partition,
                    self.view.topic_errors.get(partition.topic, ErrorCode.LEADER_NOT_AVAILABLE),
                )
            grouped.setdefault(node, []).append(partition)
        return grouped

    def refresh(self, topics: tuple[str, ...]) -> None:
        """Ask about topics. Raises `BrokerUnreachable` if no broker answers within the time."""
        wanted = tuple(MetadataRequestTopic(name=topic) for topic in topics)
        request = MetadataRequest(topics=wanted, allow_auto_topic_creation=False)
        deadline_s = time.monotonic() + self._timeout_s
        while True:
            try:
                answer = self.any_connection().ask(ApiKey.METADATA, request, MetadataResponse)
            except BrokerUnreachable:
                self.forget()
                if not self.view.nodes or time.monotonic() > deadline_s:
                    raise  # an address that never answered is more likely wrong than restarting
                time.sleep(RETRY_PAUSE_S)
            else:
                self.view = self.view.updated(answer)
                return

    def any_connection(self) -> BlockingConnection:
        """A connection to whichever broker takes one. Raises `BrokerUnreachable`."""
        for connection in self._connections.values():
            return connection
        errors = []
        for node in (*self.view.nodes.values(), *self._bootstrap):
            try:
                return self.connection(node)
            except BrokerUnreachable as error:
                errors.append(str(error))
        raise BrokerUnreachable("; ".join(errors))

    def connection(self, node: Node) -> BlockingConnection:
        """The connection to a broker for short questions. Raises `BrokerUnreachable`."""
        key = (node.host, node.port)
        if key not in self._connections:
            self._connections[key] = self.opened(node, self._timeout_s)
        return self._connections[key]

    def opened(self, node: Node, timeout_s: float) -> BlockingConnection:
        """A connection of the caller's own, for what takes long."""
        return BlockingConnection(node, self._client_id, timeout_s)

    def forget(self) -> None:
        """End all connections: the next question opens new ones."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

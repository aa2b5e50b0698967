"""The sender thread: metadata, connections, produce requests and their answers."""

import threading
import time
from collections.abc import Sequence

from msgspec import Struct

from iowitness.impl.accumulator import Accumulator, BatchOutcome, PendingBatch
from iowitness.impl.api_table import ApiKey
from iowitness.impl.blocking_connection import BlockingConnection
from iowitness.impl.cluster_view import NOTHING_KNOWN, ClusterView, Node, TopicPartition
from iowitness.impl.compression import Compressor
from iowitness.impl.messages.cluster import MetadataRequest, MetadataRequestTopic, MetadataResponse
from iowitness.impl.pipelined_connection import PipelinedConnection
from iowitness.impl.produce_wire import ProduceResponse
from iowitness.impl.producer_errors import ProducerClosed, ProduceRefused
from iowitness.impl.thread_names import name_this_thread
from iowitness.impl.wire_errors import BrokerUnreachable, ProtocolViolation

_RETRY_PAUSE_S = 0.1


class SenderConfig(Struct, frozen=True, kw_only=True):
    """What the sender needs of the producer's settings; times in ms."""

    client_id: str
    acks: int
    request_timeout_ms: int
    max_in_flight: int
    compressor: Compressor


class ProducerSender:
    """All network calls of a producer, on the one thread that calls `run`.

    `work` and `done` share one lock: callers notify `work`, the sender notifies `done`. Methods
    other than `run` are called with that lock held.
    """

    def __init__(
        self,
        config: SenderConfig,
        bootstrap: tuple[Node, ...],
        accumulator: Accumulator,
        work: threading.Condition,
        done: threading.Condition,
    ) -> None:
        self._config = config
        self._bootstrap = bootstrap
        self._accumulator = accumulator
        self._work = work
        self._done = done
        self._view: ClusterView = NOTHING_KNOWN
        self._wanted: set[str] = set()
        self._stopping = False
        self._busy_count = 0
        self._connections: dict[tuple[str, int], PipelinedConnection] = {}

    def knows(self, topic: str) -> bool:
        """Whether the topic's partitions are known."""
        return topic in self._view.partition_counts

    def partition_count(self, topic: str) -> int:
        """How many partitions a known topic has."""
        return self._view.partition_counts[topic]

    def want(self, topic: str) -> None:
        """Have the sender ask for a topic's metadata."""
        self._wanted.add(topic)
        self._work.notify()

    def is_idle(self) -> bool:
        """True if nothing is buffered and nothing under way."""
        return self._accumulator.is_empty and not self._busy_count

    def stop(self) -> None:
        """End the thread; what is not done fails."""
        self._stopping = True
        self._work.notify()

    def run(self) -> None:
        """The thread's life."""
        name_this_thread("producer-sender")
        try:
            while not self._stopping:
                batches, topics = self._next_work()
                if topics:
                    self._refresh(topics)
                if batches:
                    self._transmit(batches)
                self._collect(wait=not batches and not topics)
        finally:
            self._give_up(ProducerClosed("the producer was closed before the record was sent"))

    def _next_work(self) -> tuple[list[PendingBatch], set[str]]:
        """What to do next; waits only if there is neither work nor an answer to come."""
        with self._work:
            while not self._stopping:
                now_ns = time.monotonic_ns()
                topics, self._wanted = self._wanted, set()
                batches: list[PendingBatch] = []
                if self._under_way_count() < self._config.max_in_flight:
                    batches = self._accumulator.drain(now_ns)
                    self._busy_count += len(batches)
                if batches or topics or self._under_way_count():
                    return batches, topics
                ready_ns = self._accumulator.next_ready_ns()
                self._work.wait(None if ready_ns is None else max(0, ready_ns - now_ns) / 1e9)
        return [], set()

    def _under_way_count(self) -> int:
        return sum(connection.under_way_count for connection in self._connections.values())

    def _refresh(self, topics: set[str]) -> None:
        """Ask the first broker that answers; a topic that is not there is asked for again."""
        nodes = [*self._view.nodes.values(), *self._bootstrap]
        wanted = tuple(MetadataRequestTopic(name=topic) for topic in sorted(topics))
        for node in nodes:
            try:
                connection = self._opened(node)
                answer = connection.ask(
                    ApiKey.METADATA, MetadataRequest(topics=wanted), MetadataResponse
                )
            except (BrokerUnreachable, ProtocolViolation):
                continue
            with self._done:
                self._view = self._view.updated(answer)
                self._wanted |= {topic for topic in topics if not self.knows(topic)}
                missing = bool(self._wanted)
                self._done.notify_all()
            if missing:
                time.sleep(_RETRY_PAUSE_S)
            return
        with self._done:
            self._wanted |= topics
        time.sleep(_RETRY_PAUSE_S)

    def _opened(self, node: Node) -> PipelinedConnection:
        """The connection to a node; equal addresses share one."""
        key = (node.host, node.port)
        found = self._connections.get(key)
        if found is None:
            timeout_s = self._config.request_timeout_ms / 1e3
            found = PipelinedConnection(BlockingConnection(node, self._config.client_id, timeout_s))
            self._connections[key] = found
        return found

    def _transmit(self, batches: Sequence[PendingBatch]) -> None:
        """One request to each broker that leads a partition of these batches."""
        by_node: dict[Node, list[PendingBatch]] = {}
        for batch in batches:
            node = self._view.leader(batch.partition)
            if node is None:
                lost = BrokerUnreachable(f"{batch.partition} has no leader")
                self._finish([batch], BatchOutcome(error=lost))
            else:
                by_node.setdefault(node, []).append(batch)
        config = self._config
        for node, of_node in by_node.items():
            stored = [(batch, batch.builder.build(config.compressor)) for batch in of_node]
            try:
                connection = self._opened(node)
                connection.send(config.acks, config.request_timeout_ms, stored)
            except (BrokerUnreachable, ProtocolViolation) as error:
                self._finish(of_node, BatchOutcome(error=error))
                self._disconnect((node.host, node.port), error)
                continue
            if config.acks == 0:
                self._finish(of_node, BatchOutcome())

    def _collect(self, *, wait: bool) -> None:
        """Take an answer where no more may be under way, or from all if there is nothing else to do."""
        for key, connection in list(self._connections.items()):
            is_full = connection.under_way_count >= self._config.max_in_flight
            if not connection.under_way_count or not (wait or is_full):
                continue
            try:
                batches, response = connection.receive()
            except (BrokerUnreachable, ProtocolViolation) as error:
                self._disconnect(key, error)
                continue
            self._answered(batches, response)

    def _answered(self, batches: Sequence[PendingBatch], response: ProduceResponse) -> None:
        appended = {
            TopicPartition(topic.topic, partition.partition): partition
            for topic in response.topics
            for partition in topic.partitions
        }
        for batch in batches:
            told = appended.get(batch.partition)
            if told is None:
                error: Exception = ProtocolViolation(f"no answer for {batch.partition}")
                self._finish([batch], BatchOutcome(error=error))
            elif told.error_code:
                error = ProduceRefused(batch.partition, told.error_code, told.error_message)
                self._finish([batch], BatchOutcome(error=error))
            else:
                self._finish([batch], BatchOutcome(base_offset=told.base_offset))

    def _finish(self, batches: Sequence[PendingBatch], outcome: BatchOutcome) -> None:
        with self._done:
            for batch in batches:
                batch.outcome = outcome
            self._accumulator.release(batches)
            self._busy_count -= len(batches)
            self._done.notify_all()

    def _disconnect(self, key: tuple[str, int], error: Exception) -> None:
        connection = self._connections.pop(key, None)
        if connection is not None:
            connection.close()
            self._finish(connection.abandoned(), BatchOutcome(error=error))

    def _give_up(self, error: Exception) -> None:
        for key in list(self._connections):
            self._disconnect(key, error)
        with self._done:
            left = self._accumulator.take_all()
            self._busy_count += len(left)
        self._finish(left, BatchOutcome(error=error))

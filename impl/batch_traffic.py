"""Batches on the wire: from the accumulator into requests, and from answers to outcomes."""

from collections.abc import Callable, Sequence

from iowitness.impl.accumulator import Accumulator, Ready
from iowitness.impl.api_table import ApiKey
from iowitness.impl.cluster_view import Node, TopicPartition
from iowitness.impl.finished_batches import FinishedBatches
from iowitness.impl.metadata_needs import MetadataNeeds
from iowitness.impl.node_link import Exchange, NodeLink
from iowitness.impl.node_links import NodeLinks
from iowitness.impl.produce_decisions import LEADER_CODES, Decision, decided
from iowitness.impl.produce_frames import OneBatchAnswers, OneBatchFrames
from iowitness.impl.produce_wire import (
    PartitionAppended,
    read_produce_response,
    write_produce_request,
)
from iowitness.impl.producer_batch import ProducerBatch
from iowitness.impl.producer_config import ProducerConfig
from iowitness.impl.producer_errors import DeliveryTimedOut, ProduceRefused
from iowitness.impl.request_header import RequestHeader, request_frame
from iowitness.impl.sequences import Sequences
from iowitness.impl.wire import Buffer, Cursor
from iowitness.impl.wire_errors import ErrorCode


class BatchTraffic:
    """Sends what is ready, and settles what was answered, lost or overdue.

    `jitter()` gives a number from 0 to 1. `under_way` are the batches of requests without an
    answer yet, those included that were given up meanwhile.
    """

    def __init__(
        self,
        config: ProducerConfig,
        accumulator: Accumulator,
        sequences: Sequences,
        metadata: MetadataNeeds,
        links: NodeLinks,
        finished: FinishedBatches,
        jitter: Callable[[], float],
    ) -> None:
        self._config = config
        self._compressor = config.compressor()
        self._accumulator = accumulator
        self._sequences = sequences
        self._metadata = metadata
        self._links = links
        self._finished = finished
        self._jitter = jitter
        self._delivery_timeout_ns = config.effective_delivery_timeout_ms * 1_000_000
        self._answers: dict[tuple[int, TopicPartition], OneBatchAnswers] = {}
        self.under_way: dict[int, ProducerBatch] = {}

    def send(self, now_ns: int) -> Ready:
        """Send what may leave, as many requests as may be under way; what is left is returned."""
        while True:
            ready = self._accumulator.ready(now_ns)
            sent = False
            for node, led in self._by_leader(ready.partitions).items():
                link = self._links.link(node, now_ns)
                if link is not None and self._has_room(link):
                    self._request(link, led, now_ns)
                    sent = True
            if not sent:
                self._flush()
                return ready

    def _has_room(self, link: NodeLink) -> bool:
        """Whether one more request may go out; without answers the socket sets the pace."""
        if self._config.effective_acks == 0:
            return not link.has_unsent
        return link.produce_count < self._config.max_in_flight

    def _by_leader(self, partitions: Sequence[TopicPartition]) -> dict[Node, list[TopicPartition]]:
        by_leader: dict[Node, list[TopicPartition]] = {}
        for partition in partitions:
            node = self._metadata.view.leader(partition)
            if node is None:
                self._metadata.outdate()
            else:
                by_leader.setdefault(node, []).append(partition)
        return by_leader

    def _request(self, link: NodeLink, led: Sequence[TopicPartition], now_ns: int) -> None:
        batches = self._accumulator.drain(link.node.node_id, led)
        header = link.header(ApiKey.PRODUCE)
        buffers = (
            self._one(link, header, *batches)
            if len(batches) == 1
            else self._several(header, batches)
        )
        if self._config.effective_acks == 0:
            link.queue(buffers, None)
            self._sent_unacknowledged(batches)
        else:
            link.queue(buffers, Exchange(header, now_ns, self._answered, batches))
            for batch in batches:
                self.under_way[id(batch)] = batch
        if self._config.max_batches_per_request is not None or self._config.effective_acks == 0:
            self._links.flush(link)

    def _one(self, link: NodeLink, header: RequestHeader, batch: ProducerBatch) -> Sequence[Buffer]:
        frames = link.frames_to.get(batch.partition)
        if frames is None:
            frames = OneBatchFrames(
                header,
                batch.partition,
                self._config.effective_acks,
                self._config.request_timeout_ms,
            )
            link.frames_to[batch.partition] = frames
        encoded = batch.encode(self._compressor, self._sequences.stamp(batch))
        return frames.request(header.correlation_id, encoded)

    def _several(self, header: RequestHeader, batches: list[ProducerBatch]) -> Sequence[Buffer]:
        batches.sort(key=lambda batch: batch.partition.topic)
        stored: list[tuple[str, int, Buffer]] = []
        for batch in batches:
            encoded = batch.encode(self._compressor, self._sequences.stamp(batch))
            stored.append((*batch.partition, encoded))
        return write_produce_request(
            request_frame(header),
            header.version,
            acks=self._config.effective_acks,
            timeout_ms=self._config.request_timeout_ms,
            batches=stored,
        )

    def _flush(self) -> None:
        for link in self._links.all:
            if link.has_unsent:
                self._links.flush(link)

    def _sent_unacknowledged(self, batches: Sequence[ProducerBatch]) -> None:
        """With acks=0 a batch is done once it is handed to the socket; offsets stay unknown."""
        for batch in batches:
            batch.is_in_flight = False
            self._settle(batch)
            self._finished.finish(batch)

    def _answered(self, header: RequestHeader, cursor: Cursor) -> None:
        raise AssertionError("produce answers are handled with their batches")

    def answered(self, exchange: Exchange, cursor: Cursor, now_ns: int) -> None:
        """Settle the batches of a request that was answered. Raises ProtocolViolation."""
        version = exchange.header.version
        if len(exchange.batches) == 1 and version >= OneBatchAnswers.FIRST_VERSION:
            (batch,) = exchange.batches
            answers = self._answers_from(version, batch.partition)
            appended = answers.read(cursor.view, cursor.position)
            if appended is not None:
                self._landed(batch)
                self._decide(batch, appended, now_ns)
                return
        response = read_produce_response(cursor, version)
        told = {
            (topic.topic, partition.partition): partition
            for topic in response.topics
            for partition in topic.partitions
        }
        for batch in exchange.batches:
            self._landed(batch)
            missing = PartitionAppended(batch.partition.partition, ErrorCode.UNKNOWN_SERVER_ERROR)
            self._decide(batch, told.get(batch.partition, missing), now_ns)

    def _answers_from(self, version: int, partition: TopicPartition) -> OneBatchAnswers:
        answers = self._answers.get((version, partition))
        if answers is None:
            answers = self._answers[version, partition] = OneBatchAnswers(version, partition)
        return answers

    def lost(self, exchange: Exchange, error: Exception, now_ns: int) -> None:
        """Settle the batches of a request that will not be answered: try again, if allowed."""
        self._metadata.outdate()
        for batch in exchange.batches:
            self._landed(batch)
            if batch.is_done:
                continue
            if batch.attempt_count > self._config.effective_retries:
                self._fail(batch, error)
            else:
                self._retry(batch, now_ns)

    def _landed(self, batch: ProducerBatch) -> None:
        self.under_way.pop(id(batch), None)
        self._finished.landed(batch)
        self._accumulator.unmute(batch.partition)

    def _decide(self, batch: ProducerBatch, appended: PartitionAppended, now_ns: int) -> None:
        code = appended.error_code
        if code in LEADER_CODES:
            self._metadata.outdate()
        if batch.is_done:
            return
        match decided(batch, code, self._config.effective_retries, self._sequences):
            case Decision.ACKNOWLEDGE:
                self._settle(batch)
                self._finished.finish(
                    batch,
                    base_offset=appended.base_offset,
                    log_append_time_ms=appended.log_append_time_ms,
                )
            case Decision.SPLIT:
                reserved = batch.reserved_byte_count
                pieces = self._accumulator.split(batch)
                self._finished.free(reserved - sum(one.reserved_byte_count for one in pieces))
            case Decision.RETRY:
                self._retry(batch, now_ns)
            case Decision.RETRY_WITH_NEW_EPOCH:
                self._sequences.needs_new_epoch = True
                self._retry(batch, now_ns)
            case Decision.FAIL:
                self._fail(batch, ProduceRefused(batch.partition, code, appended.error_message))

    def _retry(self, batch: ProducerBatch, now_ns: int) -> None:
        pause_ns = self._config.backoff_ns(batch.attempt_count, self._jitter())
        self._accumulator.put_back(batch, now_ns + pause_ns)

    def _settle(self, batch: ProducerBatch) -> None:
        self._sequences.settled(batch)

    def _fail(self, batch: ProducerBatch, error: Exception) -> None:
        """Give a batch up. Its sequences are a gap then, which only a new epoch gets past."""
        if batch.base_sequence >= 0:
            self._sequences.needs_new_epoch = True
        self._settle(batch)
        self._finished.finish(batch, error=error)

    def expire(self, now_ns: int) -> None:
        """Give up the batches whose time is up: queued, backing off or under way."""
        timeout_ns = self._delivery_timeout_ns
        overdue = self._accumulator.expired(now_ns, timeout_ns)
        overdue += [
            batch
            for batch in self.under_way.values()
            if not batch.is_done and now_ns - batch.created_ns >= timeout_ns
        ]
        for batch in overdue:
            error = DeliveryTimedOut(
                f"{batch.partition.topic}-{batch.partition.partition}: {batch.record_count} "
                f"records not acknowledged within delivery_timeout_ms="
                f"{timeout_ns // 1_000_000} ms after {batch.attempt_count} attempts"
            )
            self._fail(batch, error)

    def next_expiry_ns(self) -> int | None:
        """When the oldest batch's time is up."""
        created = [b.created_ns for b in self.under_way.values() if not b.is_done]
        oldest_ns = self._accumulator.oldest_ns()
        if oldest_ns is not None:
            created.append(oldest_ns)
        return min(created) + self._delivery_timeout_ns if created else None

    def restart_sequences(self, producer_id: int, producer_epoch: int) -> None:
        """Take up an id or epoch: batches that wait get sequences anew."""
        self._sequences.identified(producer_id, producer_epoch)
        for batch in self._accumulator.queued():
            batch.base_sequence = -1

    def give_up(self, error: Exception) -> None:
        """Fail everything, queued and under way."""
        for batch in tuple(self.under_way.values()):
            self._landed(batch)
            self._fail(batch, error)
        for batch in self._accumulator.take_all():
            self._fail(batch, error)

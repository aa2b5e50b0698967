"""What the producer holds back: batches by partition, and when they may leave.

Pure: no thread, no lock, no clock; the caller brings the time in ns. Only the sender's thread uses
it. Rules: docs/formats/produce-and-fetch.md, "When a batch leaves". Source: RecordAccumulator.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.delivery import FullDelivery, ManyDelivery
from iowitness.impl.partitioner import StickyPartitioner
from iowitness.impl.producer_batch import (
    RECORD_OVERHEAD_BYTE_COUNT,
    Flush,
    FullPart,
    ManyPart,
    ProducerBatch,
)
from iowitness.impl.sequences import Sequences, sequence_place


class AccumulatorConfig(Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in ns. `keeps_order` lets a partition have one request under way."""

    batch_size: int = 16_384
    linger_ns: int = 5_000_000
    max_request_size: int = 1_048_576
    max_batches_per_request: int | None = None
    keeps_order: bool = False


class Ready(Struct, frozen=True):
    """Which partitions have a batch that may leave, and when to look again (None: no need)."""

    partitions: tuple[TopicPartition, ...]
    next_check_ns: int | None


class _Queue:
    """The batches of one partition, oldest first; the last may still be open."""

    __slots__ = ("batches", "is_muted", "partition")

    def __init__(self, partition: TopicPartition) -> None:
        self.partition = partition
        self.batches: deque[ProducerBatch] = deque()
        self.is_muted = False


class Accumulator:
    """Batches by partition.

    While `is_urgent` every batch may leave: the memory is exhausted with somebody waiting, a
    flush is on, or the producer is closing.
    """

    def __init__(
        self, config: AccumulatorConfig, sequences: Sequences, pick: Callable[[int], int]
    ) -> None:
        self._config = config
        self._sequences = sequences
        self._pick = pick
        self._queues: dict[TopicPartition, _Queue] = {}
        self._by_topic: dict[str, list[_Queue]] = {}
        self._sticky: dict[str, StickyPartitioner] = {}
        self._next_turn: dict[int, int] = {}
        self.is_urgent = False

    def append(self, partition: TopicPartition, delivery: FullDelivery, now_ns: int) -> None:
        """Take one record; one that does not fit closes the open batch and begins the next."""
        record = (delivery.timestamp_ms, delivery.key, delivery.value, delivery.headers)
        queue = self._queue(partition)
        batch = self._open_batch(queue, now_ns)
        if not batch.builder.try_append(*record):
            batch.is_closed = True
            batch = self._open_batch(queue, now_ns)
            batch.builder.try_append(*record)
        batch.parts.append(FullPart(delivery))
        batch.reserved_byte_count += record_byte_count(*record[1:])

    def append_unkeyed(
        self, topic: str, partition_count: int, delivery: FullDelivery, now_ns: int
    ) -> None:
        """Take one record that may go to any partition."""
        sticky, queues = self._topic(topic, partition_count)
        queue = queues[sticky.partition([len(one.batches) for one in queues])]
        before = queue.batches[-1] if queue.batches else None
        self.append(queue.partition, delivery, now_ns)
        has_ended = before is not None and before is not queue.batches[-1]
        sticky.appended(
            record_byte_count(delivery.key, delivery.value, delivery.headers),
            at_batch_end=has_ended,
        )

    def append_many(
        self,
        topic: str,
        partition_count: int,
        many: ManyDelivery,
        timestamp_ms: int,
        now_ns: int,
    ) -> None:
        """Take values that came together, for any partition."""
        for batch, first, count in self._spread(
            topic, partition_count, many.values, timestamp_ms, now_ns
        ):
            batch.parts.append(ManyPart(many, first, count, timestamp_ms))

    def _spread(
        self,
        topic: str,
        partition_count: int,
        values: Sequence[bytes],
        timestamp_ms: int,
        now_ns: int,
    ) -> Iterator[tuple[ProducerBatch, int, int]]:
        """Fill batches with values; each batch with the first and the number of those it took."""
        sticky, queues = self._topic(topic, partition_count)
        sizes = list(map(len, values))
        is_uniform = sizes.count(sizes[0]) == len(sizes) if sizes else True
        first = 0
        while first < len(values):
            queue = queues[sticky.partition([len(one.batches) for one in queues])]
            batch = self._open_batch(queue, now_ns)
            before = batch.byte_count
            builder = batch.builder
            if is_uniform:
                count = builder.extend_uniform(timestamp_ms, values, sizes[0], first)
            else:
                count = builder.extend(timestamp_ms, values, sizes, first)
            batch.is_closed = first + count < len(values)
            if count:
                plain = sizes[0] * count if is_uniform else sum(sizes[first : first + count])
                batch.reserved_byte_count += plain + RECORD_OVERHEAD_BYTE_COUNT * count
                yield batch, first, count
            sticky.appended(batch.byte_count - before, at_batch_end=batch.is_closed)
            first += count

    def ready(self, now_ns: int) -> Ready:
        """Which partitions have a batch that may leave now."""
        ready: list[TopicPartition] = []
        next_check_ns: int | None = None
        for queue in self._queues.values():
            if not queue.batches or queue.is_muted:
                continue
            when_ns = self._ready_ns(queue, now_ns)
            if when_ns <= now_ns:
                if self._sequences.may_leave(queue.batches[0]):
                    ready.append(queue.partition)
            elif next_check_ns is None or when_ns < next_check_ns:
                next_check_ns = when_ns
        return Ready(tuple(ready), next_check_ns)

    def _ready_ns(self, queue: _Queue, now_ns: int) -> int:
        """When the first batch of a queue may leave."""
        first = queue.batches[0]
        if first.attempt_count:
            return first.not_before_ns
        if self.is_urgent or first.is_closed or len(queue.batches) > 1:
            return now_ns
        return first.created_ns + self._config.linger_ns

    def drain(self, node_id: int, led: Iterable[TopicPartition]) -> list[ProducerBatch]:
        """The batches of the next request to a broker: one of each of these ready partitions.

        Begins one partition further each time, so that none starves, and stops at the largest
        request, but takes one batch whatever its size. What is drained is closed and under way.
        """
        partitions = list(led)
        if not partitions:
            return []
        start = self._next_turn.get(node_id, 0) % len(partitions)
        most = self._config.max_batches_per_request or len(partitions)
        drained: list[ProducerBatch] = []
        byte_count = 0
        for step in range(len(partitions)):
            place = (start + step) % len(partitions)
            queue = self._queues[partitions[place]]
            batch = queue.batches[0]
            if drained and byte_count + batch.byte_count > self._config.max_request_size:
                break
            byte_count += batch.byte_count
            drained.append(self._taken(queue))
            self._next_turn[node_id] = place + 1
            if len(drained) == most:
                break
        return drained

    def _taken(self, queue: _Queue) -> ProducerBatch:
        batch = queue.batches.popleft()
        batch.is_closed = True
        batch.is_in_flight = True
        batch.attempt_count += 1
        queue.is_muted = self._config.keeps_order
        return batch

    def unmute(self, partition: TopicPartition) -> None:
        """Let a partition's next batch leave: the one under way is settled."""
        self._queue(partition).is_muted = False

    def put_back(self, batch: ProducerBatch, not_before_ns: int) -> None:
        """Queue a batch for another attempt, before all that come after it."""
        batch.is_in_flight = False
        batch.not_before_ns = not_before_ns
        self._insert(self._queue(batch.partition).batches, batch)

    def split(self, batch: ProducerBatch) -> list[ProducerBatch]:
        """Queue a batch that is too large as smaller ones, in its place; the pieces."""
        limit = max(1, min(self._config.batch_size, batch.byte_count // 2))
        pieces: list[ProducerBatch] = []
        for part in batch.parts:
            for record, alone in part.records():
                if not pieces or not pieces[-1].builder.try_append(*record):
                    pieces.append(ProducerBatch(batch.partition, limit, batch.created_ns))
                    pieces[-1].builder.try_append(*record)
                pieces[-1].parts.append(alone)
                pieces[-1].reserved_byte_count += record_byte_count(*record[1:])
        for piece in pieces:
            piece.is_closed = True
            for flush in batch.flushes:
                flush.add(piece)
        self._sequences.replaced(batch, pieces)
        queue = self._queue(batch.partition).batches
        queue.extendleft(reversed(pieces))
        for flush in batch.flushes:
            flush.left_count -= 1
        batch.is_done, batch.is_in_flight, batch.parts, batch.flushes = True, False, [], []
        batch.reserved_byte_count = 0
        return pieces

    def _insert(self, queue: deque[ProducerBatch], batch: ProducerBatch) -> None:
        if batch.base_sequence < 0:
            queue.appendleft(batch)
            return
        retried = [batch]
        while queue and queue[0].base_sequence >= 0:
            retried.append(queue.popleft())
        retried.sort(key=lambda one: sequence_place(one, [batch]))
        queue.extendleft(reversed(retried))

    def expired(self, now_ns: int, delivery_timeout_ns: int) -> list[ProducerBatch]:
        """Remove the queued batches whose time is up."""
        gone: list[ProducerBatch] = []
        for queue in self._queues.values():
            batches = queue.batches
            while batches and now_ns - batches[0].created_ns >= delivery_timeout_ns:
                gone.append(batches.popleft())
        return gone

    def oldest_ns(self) -> int | None:
        """When the oldest queued batch was begun."""
        firsts = [queue.batches[0] for queue in self._queues.values() if queue.batches]
        return min((first.created_ns for first in firsts), default=None)

    def queued(self) -> Iterator[ProducerBatch]:
        """Every batch that waits."""
        for queue in self._queues.values():
            yield from queue.batches

    def take_all(self) -> list[ProducerBatch]:
        """Remove every batch that waits, for a producer that gives up."""
        batches = list(self.queued())
        for queue in self._queues.values():
            queue.batches.clear()
        return batches

    @property
    def is_empty(self) -> bool:
        """True if nothing waits."""
        return not any(queue.batches for queue in self._queues.values())

    def flush(self, in_flight: Iterable[ProducerBatch]) -> Flush:
        """A wait for everything that is queued now, and for those under way."""
        flush = Flush()
        for batch in [*self.queued(), *in_flight]:
            flush.add(batch)
        return flush

    def _topic(self, topic: str, partition_count: int) -> tuple[StickyPartitioner, list[_Queue]]:
        queues = self._by_topic.setdefault(topic, [])
        while len(queues) < partition_count:
            queues.append(self._queue(TopicPartition(topic, len(queues))))
        sticky = self._sticky.get(topic)
        if sticky is None:
            sticky = StickyPartitioner(self._config.batch_size, self._pick)
            self._sticky[topic] = sticky
        return sticky, queues

    def _queue(self, partition: TopicPartition) -> _Queue:
        queue = self._queues.get(partition)
        if queue is None:
            queue = self._queues[partition] = _Queue(partition)
        return queue

    def _open_batch(self, queue: _Queue, now_ns: int) -> ProducerBatch:
        """The batch that still takes records, or a new one."""
        if queue.batches and not queue.batches[-1].is_closed:
            return queue.batches[-1]
        batch = ProducerBatch(queue.partition, self._config.batch_size, now_ns)
        queue.batches.append(batch)
        return batch


def record_byte_count(
    key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]
) -> int:
    """What a record counts in the buffer memory."""
    byte_count = RECORD_OVERHEAD_BYTE_COUNT
    byte_count += 0 if key is None else len(key)
    byte_count += 0 if value is None else len(value)
    for name, content in headers:
        byte_count += len(name) + (0 if content is None else len(content))
    return byte_count

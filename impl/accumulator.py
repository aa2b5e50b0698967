"""What the producer holds back: batches by partition, when one may leave, and how much there is.

Pure: no thread, no lock, no clock. The caller brings the time in ns and keeps out others.
Rules: docs/formats/produce-and-fetch.md, "Producer". Source: Kafka's RecordAccumulator.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from msgspec import Struct

from iowitness.impl.batch_writer import BatchBuilder
from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.record_writer import Headers


class BatchOutcome(Struct, frozen=True):
    """What became of a batch: the offset of its first record (-1 without acks), or an error."""

    base_offset: int = -1
    error: Exception | None = None


class PendingBatch:
    """Records of one partition on their way into one batch.

    `reserved_byte_count` is what it holds of the buffer memory until it is done, `outcome` what
    became of it, None until then.
    """

    __slots__ = ("builder", "created_ns", "outcome", "partition", "reserved_byte_count")

    def __init__(self, partition: TopicPartition, limit_byte_count: int, now_ns: int) -> None:
        self.partition = partition
        self.builder = BatchBuilder(limit_byte_count)
        self.created_ns = now_ns
        self.outcome: BatchOutcome | None = None
        self.reserved_byte_count = 0


class AccumulatorLimits(Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in ns.

    A batch is full at `batch_size`; one that is not leaves after `linger_ns`. All batches
    together hold at most `buffer_memory`.
    """

    batch_size: int = 16_384
    linger_ns: int = 5_000_000
    buffer_memory: int = 33_554_432
    max_request_size: int = 1_048_576
    max_batches_per_request: int | None = None


class Accumulator:
    """Batches by partition, oldest first; the last one of each partition is still open."""

    def __init__(self, limits: AccumulatorLimits) -> None:
        self._limits = limits
        self._queues: dict[TopicPartition, deque[PendingBatch]] = {}
        self._turn = 0
        self.used_byte_count = 0
        self.waiting_count = 0
        """Callers that wait for memory: then open batches may leave early."""
        self.is_flushing = False

    def reserve_byte_count(self, partition: TopicPartition, record_byte_count: int) -> int:
        """What a record of at most that size needs of the memory: a batch, or nothing more."""
        queue = self._queues.get(partition)
        limit = self._limits.batch_size
        if queue and queue[-1].builder.byte_count + record_byte_count <= limit:
            return 0
        return max(limit, record_byte_count)

    def has_room_for(self, byte_count: int) -> bool:
        """Whether the memory still has that much; an oversized record may go through alone."""
        return not self.used_byte_count or (
            self.used_byte_count + byte_count <= self._limits.buffer_memory
        )

    def append(
        self,
        partition: TopicPartition,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        now_ns: int,
    ) -> tuple[PendingBatch, bool]:
        """Takes a record; the batch it is the last of, and whether a batch became ready by it.

        A record for which the open batch has no room closes it and opens the next.
        """
        queue = self._queues.get(partition)
        if queue is None:
            queue = self._queues[partition] = deque()
        became_ready = False
        if not queue or not queue[-1].builder.try_append(timestamp_ms, key, value, headers):
            became_ready = bool(queue)
            self._open(queue, partition, now_ns).builder.try_append(
                timestamp_ms, key, value, headers
            )
        batch = queue[-1]
        is_full = batch.builder.byte_count >= self._limits.batch_size
        self._grow(batch)
        return batch, became_ready or is_full

    def _open(
        self, queue: deque[PendingBatch], partition: TopicPartition, now_ns: int
    ) -> PendingBatch:
        batch = PendingBatch(partition, self._limits.batch_size, now_ns)
        queue.append(batch)
        return batch

    def _grow(self, batch: PendingBatch) -> None:
        needed = max(self._limits.batch_size, batch.builder.byte_count)
        if needed > batch.reserved_byte_count:
            self.used_byte_count += needed - batch.reserved_byte_count
            batch.reserved_byte_count = needed

    def _is_ready(self, queue: deque[PendingBatch], now_ns: int) -> bool:
        if not queue:
            return False
        first = queue[0]
        return (
            len(queue) > 1
            or first.builder.byte_count >= self._limits.batch_size
            or self.is_flushing
            or self.waiting_count > 0
            or now_ns - first.created_ns >= self._limits.linger_ns
        )

    def next_ready_ns(self) -> int | None:
        """When the oldest open batch's linger ends; None if there is none."""
        firsts = [queue[0].created_ns for queue in self._queues.values() if queue]
        return min(firsts) + self._limits.linger_ns if firsts else None

    def drain(
        self, now_ns: int, allowed: Iterable[TopicPartition] | None = None
    ) -> list[PendingBatch]:
        """The batches of the next request: one of each ready partition, within the limits.

        Starts one partition further each time, so that none starves. A first batch is taken
        whatever its size.
        """
        partitions = list(self._queues)
        may = None if allowed is None else set(allowed)
        start = self._turn
        drained: list[PendingBatch] = []
        byte_count = 0
        most = self._limits.max_batches_per_request or len(partitions)
        for step in range(len(partitions)):
            index = (start + step) % len(partitions)
            partition = partitions[index]
            queue = self._queues[partition]
            if (may is not None and partition not in may) or not self._is_ready(queue, now_ns):
                continue
            size = queue[0].builder.byte_count
            if drained and byte_count + size > self._limits.max_request_size:
                break
            drained.append(queue.popleft())
            byte_count += size
            self._turn = index + 1
            if len(drained) == most:
                break
        return drained

    def release(self, batches: Sequence[PendingBatch]) -> None:
        """Give back the memory of batches that are done, for good or for bad."""
        self.used_byte_count -= sum(batch.reserved_byte_count for batch in batches)

    def take_all(self) -> list[PendingBatch]:
        """Everything that is still held, for a producer that gives up."""
        batches = [batch for queue in self._queues.values() for batch in queue]
        self._queues.clear()
        return batches

    @property
    def partitions(self) -> tuple[TopicPartition, ...]:
        """The partitions that have batches waiting."""
        return tuple(partition for partition, queue in self._queues.items() if queue)

    @property
    def is_empty(self) -> bool:
        """True if nothing waits."""
        return not any(self._queues.values())

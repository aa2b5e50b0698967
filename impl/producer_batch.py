"""A batch on its way: the records in it, whose they are, and what has been tried. Pure."""

from collections.abc import Iterator
from typing import Protocol

from iowitness.impl.batch_writer import BatchBuilder, ProducerStamp
from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.compression import Compressor
from iowitness.impl.delivery import Callbacks, FullDelivery, ManyDelivery, Outcome
from iowitness.impl.record_writer import RecordFields

RECORD_OVERHEAD_BYTE_COUNT = 100
"""What a record counts in the buffer memory beside its key, value and headers: about what the
objects around it take."""


class Part(Protocol):
    """Records of one batch that came together."""

    @property
    def record_count(self) -> int:
        """How many."""

    def complete(self, outcome: Outcome) -> Callbacks:
        """Tell their owners; `outcome` has the first one's offset."""

    def records(self) -> Iterator[tuple[RecordFields, "Part"]]:
        """Each record, and a part that holds it alone: for a batch that has to be split."""


class FullPart:
    """One record that has more than a value."""

    __slots__ = ("delivery",)

    def __init__(self, delivery: FullDelivery) -> None:
        self.delivery = delivery

    @property
    def record_count(self) -> int:
        """One."""
        return 1

    @property
    def timestamp_ms(self) -> int:
        """The record's."""
        return self.delivery.timestamp_ms

    def complete(self, outcome: Outcome) -> Callbacks:
        """Tell its owner."""
        return self.delivery.completed(outcome)

    def records(self) -> Iterator[tuple[RecordFields, Part]]:
        """The record."""
        record = self.delivery
        yield (record.timestamp_ms, record.key, record.value, record.headers), self


class ManyPart:
    """A stretch of values without keys, all of one timestamp, that came together."""

    __slots__ = ("first", "many", "record_count", "timestamp_ms")

    def __init__(self, many: ManyDelivery, first: int, count: int, timestamp_ms: int) -> None:
        self.many = many
        self.first = first
        self.record_count = count
        self.timestamp_ms = timestamp_ms

    def complete(self, outcome: Outcome) -> Callbacks:
        """Tell the owner of all."""
        return self.many.completed(self.first, self.record_count, outcome)

    def records(self) -> Iterator[tuple[RecordFields, Part]]:
        """Each record by itself."""
        for index in range(self.first, self.first + self.record_count):
            fields = (self.timestamp_ms, None, self.many.values[index], ())
            yield fields, ManyPart(self.many, index, 1, self.timestamp_ms)


class ProducerBatch:
    """Records of one partition that travel together.

    `created_ns` is when the first one came, `not_before_ns` when a next attempt may be made.
    `base_sequence` is -1 until it is drained by an idempotent producer. `is_done` batches have
    told their owners; one that is done while `is_in_flight` keeps its memory until the answer.
    """

    __slots__ = (
        "attempt_count",
        "base_sequence",
        "builder",
        "created_ns",
        "encoded",
        "flushes",
        "is_closed",
        "is_done",
        "is_in_flight",
        "not_before_ns",
        "partition",
        "parts",
        "reserved_byte_count",
        "stamp",
    )

    def __init__(self, partition: TopicPartition, limit_byte_count: int, now_ns: int) -> None:
        self.partition = partition
        self.builder = BatchBuilder(limit_byte_count)
        self.parts: list[Part] = []
        self.created_ns = now_ns
        self.not_before_ns = 0
        self.attempt_count = 0
        self.reserved_byte_count = 0
        self.base_sequence = -1
        self.stamp: ProducerStamp | None = None
        self.encoded = b""
        self.is_closed = False
        self.is_done = False
        self.is_in_flight = False
        self.flushes: list[Flush] = []

    @property
    def record_count(self) -> int:
        """Records in it."""
        return self.builder.record_count

    @property
    def byte_count(self) -> int:
        """Its size before compression."""
        return self.builder.byte_count

    def encode(self, compressor: Compressor, stamp: ProducerStamp) -> bytes:
        """The batch as it is sent; made once for each stamp."""
        if not self.encoded or stamp != self.stamp:
            self.encoded = self.builder.build(compressor, stamp)
            self.stamp = stamp
        return self.encoded

    def complete(
        self, base_offset: int, log_append_time_ms: int, error: Exception | None
    ) -> Callbacks:
        """Tell every owner; who is to be called for it. A second call does nothing."""
        if self.is_done:
            return []
        self.is_done = True
        callbacks: Callbacks = []
        for part in self.parts:
            timestamp_ms = log_append_time_ms
            if timestamp_ms < 0 and isinstance(part, ManyPart):
                timestamp_ms = part.timestamp_ms
            outcome = Outcome(self.partition, base_offset, timestamp_ms, error)
            if base_offset >= 0:
                base_offset += part.record_count
            callbacks += part.complete(outcome)
        self.parts = []
        for flush in self.flushes:
            flush.left_count -= 1
        return callbacks


class Flush:
    """Somebody waits for the batches that were there; `left_count` of them are not done yet."""

    __slots__ = ("left_count",)

    def __init__(self) -> None:
        self.left_count = 0

    def add(self, batch: ProducerBatch) -> None:
        """Wait for that batch too."""
        batch.flushes.append(self)
        self.left_count += 1

    @property
    def is_done(self) -> bool:
        """True once nothing is left to wait for."""
        return self.left_count == 0

"""What a leader remembers of each producer: its epoch and its last five batches. Pure.

That is what makes a retry harmless: the same batch again is answered with the offsets of the first
time. Source: KIP-98; Kafka's ProducerStateManager; docs/kafka-behaviours.md, items 52, 62 and 63.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from iowitness.impl.batch_format import (
    MAX_SEQUENCE,
    NO_PRODUCER_ID,
    NO_SEQUENCE,
    BatchHeader,
    sequence_after,
)
from iowitness.impl.control_records import AbortedTransaction, Marker, MarkerKind
from iowitness.impl.errors import BatchRefused

OUT_OF_ORDER_SEQUENCE: Final = 45
INVALID_PRODUCER_EPOCH: Final = 47
REMEMBERED_BATCH_COUNT: Final = 5
NO_EPOCH: Final = -1


class RememberedBatch(Struct, frozen=True, gc=False):
    """One batch of a producer: where it ended, and what came back for it."""

    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp_ms: int

    @property
    def first_sequence(self) -> int:
        """The sequence of its first record."""
        return sequence_after(self.last_sequence, -self.offset_delta)

    @property
    def first_offset(self) -> int:
        """The offset of its first record."""
        return self.last_offset - self.offset_delta


class Producer(Struct):
    """One producer id. `transaction_start` is the first offset of its open transaction."""

    producer_id: int
    producer_epoch: int
    coordinator_epoch: int = -1
    transaction_start: int | None = None
    last_timestamp_ms: int = -1
    batches: deque[RememberedBatch] = deque()

    def __post_init__(self) -> None:
        self.batches = deque(self.batches, REMEMBERED_BATCH_COUNT)

    @property
    def last_sequence(self) -> int:
        """The sequence after which the next batch has to come; -1 if there is none."""
        return self.batches[-1].last_sequence if self.batches else NO_SEQUENCE


class ProducerStates:
    """All producers of one log, by id, and the open transactions among them."""

    __slots__ = ("_has_seen_transactions", "_producers")

    def __init__(self, producers: Iterator[Producer] | tuple[Producer, ...] = ()) -> None:
        self._producers = {producer.producer_id: producer for producer in producers}
        # Most logs never see one, and every fetch asks where the oldest open one starts.
        self._has_seen_transactions = any(p.transaction_start is not None for p in self)

    def __iter__(self) -> Iterator[Producer]:
        return iter(self._producers.values())

    def __len__(self) -> int:
        return len(self._producers)

    def duplicate_of(self, header: BatchHeader) -> RememberedBatch | None:
        """The remembered batch of the same producer, epoch and first and last sequence."""
        producer = self._producers.get(header.producer_id)
        if producer is None or producer.producer_epoch != header.producer_epoch:
            return None
        for batch in producer.batches:
            if (
                batch.last_sequence == header.last_sequence
                and batch.first_sequence == header.base_sequence
            ):
                return batch
        return None

    def check(self, header: BatchHeader) -> None:
        """Raises `BatchRefused` for a sequence or an epoch that a leader must not take.

        With no state for an id any sequence is taken: its records may all have been deleted.
        """
        producer = self._producers.get(header.producer_id)
        if header.producer_id == NO_PRODUCER_ID or producer is None:
            return
        who = f"producer id={header.producer_id}"
        if header.producer_epoch < producer.producer_epoch:
            raise BatchRefused(
                f"{who}: epoch={header.producer_epoch}, expected {producer.producer_epoch} or more",
                error_code=INVALID_PRODUCER_EPOCH,
            )
        if header.is_control:
            return
        if header.producer_epoch > producer.producer_epoch:
            expected = 0 if producer.producer_epoch != NO_EPOCH else header.base_sequence
        elif producer.last_sequence == NO_SEQUENCE:
            expected = header.base_sequence
        else:
            expected = sequence_after(producer.last_sequence, 1)
        if header.base_sequence != expected:
            raise BatchRefused(
                f"{who}: base sequence={header.base_sequence}, expected {expected}",
                error_code=OUT_OF_ORDER_SEQUENCE,
            )

    def remember(self, header: BatchHeader, marker: Marker | None = None) -> None:
        """Takes a batch that was written into account; control batches come with their marker."""
        if header.producer_id == NO_PRODUCER_ID:
            return
        producer = self._producers.get(header.producer_id)
        if producer is None:
            producer = Producer(header.producer_id, header.producer_epoch)
            self._producers[header.producer_id] = producer
        if producer.producer_epoch != header.producer_epoch:
            producer.producer_epoch = header.producer_epoch
            producer.batches.clear()
        producer.last_timestamp_ms = header.max_timestamp_ms
        if header.is_control:
            if marker is not None and marker.kind is not None:
                producer.transaction_start = None
                producer.coordinator_epoch = marker.coordinator_epoch
            return
        if header.is_transactional and producer.transaction_start is None:
            producer.transaction_start = header.base_offset
            self._has_seen_transactions = True
        producer.batches.append(
            RememberedBatch(
                header.last_sequence,
                header.last_offset,
                min(header.last_offset_delta, MAX_SEQUENCE),
                header.max_timestamp_ms,
            )
        )

    def aborted_by(self, header: BatchHeader, marker: Marker) -> AbortedTransaction | None:
        """The transaction that a marker aborts, as its index has it; asked before `remember`."""
        producer = self._producers.get(header.producer_id)
        if marker.kind is not MarkerKind.ABORT or producer is None:
            return None
        if producer.transaction_start is None:
            return None
        others = [
            other.transaction_start
            for other in self
            if other is not producer and other.transaction_start is not None
        ]
        return AbortedTransaction(
            header.producer_id,
            producer.transaction_start,
            header.last_offset,
            min(others, default=header.next_offset),
        )

    def first_open_offset(self) -> int | None:
        """Where the oldest open transaction starts: the last stable offset, if there is one."""
        if not self._has_seen_transactions:
            return None
        starts = [p.transaction_start for p in self if p.transaction_start is not None]
        return min(starts, default=None)

    def expire(self, now_ms: int, expiration_ms: int) -> None:
        """Forgets producers that were silent for so long and have no transaction open."""
        gone = [
            producer.producer_id
            for producer in self
            if producer.transaction_start is None
            and now_ms - producer.last_timestamp_ms >= expiration_ms
        ]
        for producer_id in gone:
            del self._producers[producer_id]

    def truncate_to(self, offset: int) -> None:
        """Forgets what lies at or after an offset; batches before it stay remembered."""
        for producer in list(self):
            kept = [batch for batch in producer.batches if batch.last_offset < offset]
            if not kept and producer.transaction_start is None:
                del self._producers[producer.producer_id]
                continue
            producer.batches = deque(kept, REMEMBERED_BATCH_COUNT)

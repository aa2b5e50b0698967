"""What a producer puts into one batch and into one request: decisions without time or threads.

A batch takes a record if its size before compression, head included, stays at or under
`batch_size`; the first record is always taken. A batch is ready once it is closed by a record that
did not fit, or at a flush. A request takes at most one batch of each partition, and starts at the
partition after the one that was served last, so that none starves.
Source: Kafka's `RecordAccumulator` and `MemoryRecordsBuilder`, in our own rules' exact sizes.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from iowitness.model.compressed_size import Codec, compressed_byte_count
from iowitness.model.record_encoding import (
    BATCH_HEAD_BYTE_COUNT,
    Record,
    encoded_record,
    record_byte_count,
)


@dataclass(frozen=True, slots=True)
class ReadyBatch:
    """A closed batch: its records, their largest timestamp, its bytes without and with codec."""

    partition: int
    record_count: int
    largest_timestamp_ms: int
    plain_byte_count: int
    byte_count: int


class OpenBatch:
    """The batch of one partition that still takes records."""

    def __init__(self, partition: int, batch_size_byte_count: int, codec: Codec) -> None:
        self._partition = partition
        self._limit_byte_count = batch_size_byte_count
        self._codec = codec
        self._first_timestamp_ms = 0
        self._largest_timestamp_ms = -1
        self._encoded: list[bytes] = []
        self.record_count = 0
        self.byte_count = BATCH_HEAD_BYTE_COUNT

    def takes(self, record: Record) -> bool:
        """True if the record was added; False if it needs a new batch."""
        if self.record_count == 0:
            self._first_timestamp_ms = record.timestamp_ms
        delta_ms = record.timestamp_ms - self._first_timestamp_ms
        grown = self.byte_count + record_byte_count(record, delta_ms, self.record_count)
        if self.record_count > 0 and grown > self._limit_byte_count:
            return False
        if self._codec != "none":
            self._encoded.append(encoded_record(record, delta_ms, self.record_count))
        self.record_count += 1
        self.byte_count = grown
        self._largest_timestamp_ms = max(self._largest_timestamp_ms, record.timestamp_ms)
        return True

    def closed(self) -> ReadyBatch:
        """The batch as it goes out, compressed as a whole."""
        stored = self.byte_count
        if self._codec != "none":
            records = b"".join(self._encoded)
            stored = BATCH_HEAD_BYTE_COUNT + compressed_byte_count(self._codec, records)
        return ReadyBatch(
            self._partition,
            self.record_count,
            self._largest_timestamp_ms,
            self.byte_count,
            stored,
        )


class Accumulator:
    """The batches of one producer, from its caller's thread to its sender's.

    `append` is the caller's side, `drained` the sender's; `flush` closes what is open.
    """

    def __init__(self, batch_size_byte_count: int, codec: Codec) -> None:
        self._batch_size_byte_count = batch_size_byte_count
        self._codec: Codec = codec
        self._open: dict[int, OpenBatch] = {}
        self._ready: dict[int, deque[ReadyBatch]] = {}
        self._last_served = -1

    def append(self, partition: int, record: Record) -> ReadyBatch | None:
        """Add a record; the batch that it closed by not fitting, or None."""
        batch = self._open.get(partition)
        if batch is not None and batch.takes(record):
            return None
        closed = self._close(partition)
        fresh = OpenBatch(partition, self._batch_size_byte_count, self._codec)
        taken = fresh.takes(record)
        assert taken
        self._open[partition] = fresh
        return closed

    def flush(self) -> Iterable[ReadyBatch]:
        """Close every open batch, in order of partition."""
        return [closed for p in sorted(self._open) if (closed := self._close(p)) is not None]

    def drained(self, batch_limit: int | None) -> list[ReadyBatch]:
        """The batches of the next request: at most one a partition, at most `batch_limit`."""
        waiting = sorted(self._ready)
        order = [p for p in waiting if p > self._last_served]
        order += [p for p in waiting if p <= self._last_served]
        chosen = []
        for partition in order[:batch_limit]:
            queue = self._ready[partition]
            chosen.append(queue.popleft())
            self._last_served = partition
            if not queue:
                del self._ready[partition]
        return chosen

    @property
    def has_ready(self) -> bool:
        """True if a request could be made."""
        return bool(self._ready)

    def _close(self, partition: int) -> ReadyBatch | None:
        batch = self._open.pop(partition, None)
        if batch is None:
            return None
        closed = batch.closed()
        self._ready.setdefault(partition, deque()).append(closed)
        return closed

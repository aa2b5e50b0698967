"""The dual-thread producer: callers fill batches, one sender thread does everything on the network.

A caller's thread takes a lock, appends to a batch in memory and perhaps wakes the sender; it never
touches a socket, not even for the first metadata. Rules: docs/formats/produce-and-fetch.md.
"""

import threading
import time
from collections.abc import Callable

from msgspec import Struct

from iowitness.impl.accumulator import Accumulator, AccumulatorLimits, PendingBatch
from iowitness.impl.batch_format import Codec
from iowitness.impl.cluster_view import TopicPartition, bootstrap_nodes
from iowitness.impl.compression import Compressor
from iowitness.impl.partitioner import partition_of_key
from iowitness.impl.producer_errors import BufferExhausted, ProducerClosed, RecordTooLarge
from iowitness.impl.producer_sender import ProducerSender, SenderConfig
from iowitness.impl.record_writer import Headers

_RECORD_OVERHEAD_BYTE_COUNT = 21 + 61
"""Upper bound of what a record's fields and its batch's head add to key and value."""


class ProducerConfig(Struct, frozen=True, kw_only=True):
    """Settings of one producer, with Kafka's names and defaults; times in ms, sizes in bytes.

    `max_batches_per_request` is ours: None drains one batch of every ready partition, as Kafka
    does; 1 makes the number of requests independent of timing.
    """

    client_id: str = "iowitness"
    batch_size: int = 16_384
    linger_ms: int = 5
    acks: int = -1
    buffer_memory: int = 33_554_432
    max_block_ms: int = 60_000
    max_request_size: int = 1_048_576
    max_batches_per_request: int | None = None
    max_in_flight: int = 5
    request_timeout_ms: int = 30_000
    codec: str = "none"
    level: int | None = None

    def __post_init__(self) -> None:
        if self.acks not in {-1, 0, 1}:
            raise ValueError(f"acks={self.acks}, expected -1 (all), 0 or 1")
        for name in ("batch_size", "buffer_memory", "max_request_size", "max_in_flight"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}, expected at least 1")
        if self.linger_ms < 0:
            raise ValueError(f"linger_ms={self.linger_ms}, expected at least 0")


class RecordSent(Struct, frozen=True):
    """Where a record went; `offset` is -1 where no acknowledgement was asked for."""

    partition: TopicPartition
    offset: int


class RecordFuture:
    """What will become of one record: its place in a batch, which all its neighbours share."""

    __slots__ = ("_batch", "_condition", "_index")

    def __init__(self, batch: PendingBatch, condition: threading.Condition) -> None:
        self._batch = batch
        self._index = batch.builder.record_count - 1
        self._condition = condition

    @property
    def is_done(self) -> bool:
        """True once the record is acknowledged or given up."""
        return self._batch.outcome is not None

    def result(self, timeout_s: float | None = None) -> RecordSent:
        """Wait, and say where the record went. Raises what went wrong, or `TimeoutError`."""
        with self._condition:
            if not self._condition.wait_for(lambda: self.is_done, timeout_s):
                raise TimeoutError(f"no acknowledgement within {timeout_s} s")
        outcome = self._batch.outcome
        assert outcome is not None
        if outcome.error is not None:
            raise outcome.error
        offset = outcome.base_offset + self._index if outcome.base_offset >= 0 else -1
        return RecordSent(self._batch.partition, offset)


class Producer:
    """Sends records to a cluster. Any thread may call it; `close` when done."""

    def __init__(self, bootstrap: str, config: ProducerConfig | None = None) -> None:
        self._config = config = config or ProducerConfig()
        limits = AccumulatorLimits(
            batch_size=config.batch_size,
            linger_ns=config.linger_ms * 1_000_000,
            buffer_memory=config.buffer_memory,
            max_request_size=config.max_request_size,
            max_batches_per_request=config.max_batches_per_request,
        )
        self._accumulator = Accumulator(limits)
        # One lock for all; the sender waits for work, callers for memory or outcomes.
        lock = threading.RLock()
        self._work = threading.Condition(lock)
        self._done = threading.Condition(lock)
        self._next_partition: dict[str, int] = {}
        self._closed = False
        self._sender = ProducerSender(
            SenderConfig(
                client_id=config.client_id,
                acks=config.acks,
                request_timeout_ms=config.request_timeout_ms,
                max_in_flight=config.max_in_flight,
                compressor=Compressor(Codec.named(config.codec), config.level),
            ),
            bootstrap_nodes(bootstrap),
            self._accumulator,
            self._work,
            self._done,
        )
        self._thread = threading.Thread(
            target=self._sender.run, name="producer-sender", daemon=True
        )
        self._thread.start()

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: Headers = (),
    ) -> RecordFuture:
        """Put a record into its batch; blocks only for memory and for a topic's first metadata.

        Raises `ProducerClosed`, `BufferExhausted`, `RecordTooLarge`, or what metadata said.
        """
        now_ns = time.monotonic_ns()
        if timestamp_ms is None:
            timestamp_ms = time.time_ns() // 1_000_000
        bound = len(key or b"") + len(value or b"") + _RECORD_OVERHEAD_BYTE_COUNT
        bound += sum(len(name) * 4 + len(content or b"") + 10 for name, content in headers)
        with self._done:
            self._check(bound)
            place = self._place(topic, key, partition)
            self._reserve(place, bound)
            batch, became_ready = self._accumulator.append(
                place, timestamp_ms, key, value, headers, now_ns
            )
            if became_ready or batch.builder.record_count == 1:
                self._work.notify()
            return RecordFuture(batch, self._done)

    def _check(self, bound: int) -> None:
        if self._closed:
            raise ProducerClosed("the producer is closed")
        most = min(self._config.max_request_size, self._config.buffer_memory)
        if bound > most:
            raise RecordTooLarge(
                f"record of up to {bound} B, expected at most {most} B "
                "(max_request_size, buffer_memory)"
            )

    def _place(self, topic: str, key: bytes | None, partition: int | None) -> TopicPartition:
        self._wait(
            lambda: self._sender.knows(topic),
            lambda: self._sender.want(topic),
            f"no metadata of topic {topic}",
        )
        count = self._sender.partition_count(topic)
        if partition is not None:
            if not 0 <= partition < count:
                raise ValueError(f"partition={partition}, expected 0..{count - 1} of {topic}")
        elif key is not None:
            partition = partition_of_key(key, count)
        else:
            turn = self._next_partition.get(topic, 0)
            self._next_partition[topic] = turn + 1
            partition = turn % count
        return TopicPartition(topic, partition)

    def _reserve(self, place: TopicPartition, bound: int) -> None:
        needed = self._accumulator.reserve_byte_count(place, bound)
        if not needed or self._accumulator.has_room_for(needed):
            return
        self._accumulator.waiting_count += 1
        try:
            self._wait(
                lambda: self._accumulator.has_room_for(needed),
                self._work.notify,
                f"no buffer memory for {needed} B",
            )
        finally:
            self._accumulator.waiting_count -= 1

    def _wait(self, ready: Callable[[], bool], ask: Callable[[], None], what: str) -> None:
        if ready():
            return
        ask()
        limit_s = self._config.max_block_ms / 1e3
        if not self._done.wait_for(lambda: ready() or self._closed, limit_s):
            raise BufferExhausted(f"{what} within max_block_ms={self._config.max_block_ms} ms")
        if self._closed:
            raise ProducerClosed("the producer was closed while the record waited")

    def flush(self, timeout_s: float | None = None) -> None:
        """Send what is buffered now and wait until all of it is done. Raises `TimeoutError`."""
        with self._done:
            self._accumulator.is_flushing = True
            self._work.notify()
            try:
                if not self._done.wait_for(self._sender.is_idle, timeout_s):
                    raise TimeoutError(f"records were still under way after {timeout_s} s")
            finally:
                self._accumulator.is_flushing = False

    def close(self, timeout_s: float | None = None) -> None:
        """Send what is buffered, then end; what is not done after `timeout_s` fails.

        A second call does nothing.
        """
        with self._done:
            if self._closed:
                return
        try:
            self.flush(timeout_s)
        except TimeoutError:
            pass  # what is left fails below, in its futures
        finally:
            with self._done:
                self._closed = True
                self._sender.stop()
                self._done.notify_all()
            self._thread.join()

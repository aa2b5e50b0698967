"""The dual-thread producer: callers hand records over, one sender thread does everything else.

A caller's thread appends to a list, and now and then takes a lock to account for memory or writes
to an eventfd to wake the sender. It never touches a socket, and does not even wait for metadata:
partitions are chosen on the sender's thread. Rules: docs/formats/produce-and-fetch.md.
"""

import contextlib
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from iowitness.impl.accumulator import record_byte_count
from iowitness.impl.cluster_view import bootstrap_nodes
from iowitness.impl.delivery import (
    Completions,
    Delivery,
    FullDelivery,
    ManyDelivery,
    ObservedDelivery,
    OnDelivery,
    wall_ms,
)
from iowitness.impl.handing_over import values_byte_count
from iowitness.impl.producer_batch import RECORD_OVERHEAD_BYTE_COUNT
from iowitness.impl.producer_config import ProducerConfig
from iowitness.impl.producer_errors import ProducerClosed, RecordTooLarge
from iowitness.impl.producer_memory import HAS_GLOBAL_LOCK, Intake, ProducerMemory
from iowitness.impl.producer_sender import ProducerSender
from iowitness.impl.record_writer import Headers

__all__ = ["Producer", "ProducerConfig"]

_BATCH_AND_FRAME_BYTE_COUNT = 61 + 512
"""What a request of one record adds to it at most: the batch's head and the request's."""


class Producer:
    """Sends records to a cluster. Any thread may call it; `close` when done."""

    def __init__(self, bootstrap: str, config: ProducerConfig | None = None) -> None:
        self._config = config = config or ProducerConfig()
        self._intakes: dict[str, Intake] = {}
        self._completions = Completions()
        self._memory = ProducerMemory(config.buffer_memory, config.batch_size, config.max_block_ms)
        self._lock: threading.Lock | contextlib.nullcontext[None] = (
            contextlib.nullcontext() if HAS_GLOBAL_LOCK else threading.Lock()
        )
        self._largest_byte_count = (
            min(config.max_request_size, config.buffer_memory) - _BATCH_AND_FRAME_BYTE_COUNT
        )
        self._is_closed = False
        self._sender = ProducerSender(
            config, bootstrap_nodes(bootstrap), self._intakes, self._memory, self._completions
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
        on_delivery: OnDelivery | None = None,
    ) -> Delivery:
        """Hand one record over; blocks only for memory, up to `max_block_ms`.

        Without a timestamp a record gets the time at which the sender takes it over, which is at
        most `linger_ms` later. Raises `ProducerClosed`, `BufferExhausted`, `RecordTooLarge`.
        """
        if (
            key is None
            and partition is None
            and timestamp_ms is None
            and value is not None
            and not headers
            and HAS_GLOBAL_LOCK
        ):
            try:
                intake = self._intakes[topic]
            except KeyError:
                intake = self._new_intake(topic)
            byte_count = len(value) + RECORD_OVERHEAD_BYTE_COUNT
            left = intake.left_byte_count - byte_count
            if left < 0:
                self._check_size(byte_count)
                self._draw(intake, byte_count)
            else:
                intake.left_byte_count = left
            delivery = Delivery(self._completions, value)
            if on_delivery is not None:
                delivery = ObservedDelivery(self._completions, value, 0, on_delivery)
                intake.has_mixed = True
            intake.handed.append(delivery)
            if self._sender.is_idle:
                self._sender.wake()
            return delivery
        return self._send_full(
            topic,
            FullDelivery(
                self._completions,
                value,
                on_delivery=on_delivery,
                key=key,
                partition=partition,
                timestamp_ms=wall_ms() if timestamp_ms is None else timestamp_ms,
                headers=headers,
            ),
        )

    def _send_full(self, topic: str, delivery: FullDelivery) -> FullDelivery:
        if delivery.partition is not None and delivery.partition < 0:
            raise ValueError(f"partition={delivery.partition}, expected at least 0")
        with self._lock:
            intake = self._intakes.get(topic) or self._new_intake(topic)
            byte_count = record_byte_count(delivery.key, delivery.value, delivery.headers)
            left = intake.left_byte_count - byte_count
            if left < 0:
                self._check_size(byte_count)
                self._draw(intake, byte_count)
            else:
                intake.left_byte_count = left
            intake.has_mixed = True
            intake.handed.append(delivery)
        if self._sender.is_idle:
            self._sender.wake()
        return delivery

    def send_many(self, topic: str, values: Sequence[bytes]) -> ManyDelivery:
        """Hand many values over at once, bare: the fastest way in. One future stands for all.

        Their order is kept where they meet in a partition. Memory is taken for all of them before
        any is sent. Raises as `send` does, `RecordTooLarge` if together they exceed the memory.
        """
        many = ManyDelivery(self._completions, list(values))
        if not many.count:
            return many
        self._check_size(max(map(len, many.values)) + RECORD_OVERHEAD_BYTE_COUNT)
        byte_count = values_byte_count(many.values)
        if byte_count > self._config.buffer_memory:
            raise RecordTooLarge(
                f"{many.count} records of {byte_count} B in all, expected at most "
                f"buffer_memory={self._config.buffer_memory} B: hand over fewer at once"
            )
        with self._lock:
            intake = self._intakes.get(topic) or self._new_intake(topic)
            self._draw(intake, byte_count)
            intake.has_mixed = True
            intake.handed.append(many)
        if self._sender.is_idle:
            self._sender.wake()
        return many

    def flush(self, timeout_s: float | None = None) -> None:
        """Wait until everything handed over before is acknowledged or given up.

        Raises `TimeoutError`, and `RuntimeError` in a callback, where it could never end.
        """
        if threading.get_ident() == self._sender.thread_id:
            raise RuntimeError("flush in a delivery callback would wait for itself")
        if not self._thread.is_alive():
            return
        wanted = self._sender.flush()
        if not wanted.done.wait(timeout_s):
            raise TimeoutError(f"records were still under way after {timeout_s} s")

    def close(self, timeout_s: float | None = None) -> None:
        """Send what was handed over, then end; what is not done after `timeout_s` fails.

        A second call does nothing. In a callback what is left fails at once.
        """
        in_callback = threading.get_ident() == self._sender.thread_id
        self._is_closed = True
        for intake in tuple(self._intakes.values()):
            self._memory.give_back(intake.take_allowance())  # so that `send` looks, and raises
        if self._thread.is_alive():
            self._sender.stop(0 if in_callback else timeout_s)
            if not in_callback:
                self._thread.join()
        if not in_callback:
            self._sender.fail_handed(ProducerClosed("the producer is closed"))

    @property
    def used_byte_count(self) -> int:
        """How much of the buffer memory is taken."""
        return self._memory.used_byte_count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _new_intake(self, topic: str) -> Intake:
        # setdefault is one step: two threads that come at once get the same one.
        return self._intakes.setdefault(topic, Intake(topic))

    def _draw(self, intake: Intake, byte_count: int) -> None:
        """The slow path of `send`: once for each block of memory."""
        if self._is_closed:
            raise ProducerClosed("the producer is closed")
        if self._sender.is_asleep:
            self._sender.wake()
        in_callback = threading.get_ident() == self._sender.thread_id
        self._memory.draw(intake, byte_count, may_wait=not in_callback)

    def _check_size(self, byte_count: int) -> None:
        if byte_count > self._largest_byte_count + RECORD_OVERHEAD_BYTE_COUNT:
            raise RecordTooLarge(
                f"record of {byte_count - RECORD_OVERHEAD_BYTE_COUNT} B, expected at most "
                f"{self._largest_byte_count} B (max_request_size, buffer_memory)"
            )

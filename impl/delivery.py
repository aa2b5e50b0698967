"""Futures: what a caller holds of a record that it handed over.

A record and its future are one object, because a million of them a second are made. They are not
tracked by the cycle collector: the sender takes apart what refers back to them once they are done.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.record_writer import Headers


class RecordSent(Struct, frozen=True, gc=False):
    """Where a record went; `offset` is -1 where no acknowledgement was asked for."""

    partition: TopicPartition
    offset: int
    timestamp_ms: int


OnDelivery: TypeAlias = Callable[[RecordSent | None, Exception | None], None]
"""Called on the sender's thread with one of the two. It may send, and must not wait for a flush."""


class Outcome(Struct, frozen=True, gc=False):
    """What became of neighbouring records of one batch: the first one's offset, or an error."""

    partition: TopicPartition
    base_offset: int
    timestamp_ms: int
    error: Exception | None = None

    def sent(self, index: int, timestamp_ms: int | None = None) -> RecordSent:
        """Where the record at a place among them went. Raises the error if there is one."""
        if self.error is not None:
            raise self.error
        offset = self.base_offset + index if self.base_offset >= 0 else -1
        return RecordSent(
            self.partition, offset, self.timestamp_ms if timestamp_ms is None else timestamp_ms
        )


class Completions:
    """Where callers wait for outcomes: one place for all records of a producer."""

    __slots__ = ("_changed", "_waiting_count")

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._waiting_count = 0

    def happened(self) -> None:
        """Wake those who wait; the sender calls it after it has set outcomes."""
        with self._changed:
            if self._waiting_count:
                self._changed.notify_all()

    def wait(self, is_done: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until something is done; False if time is up first."""
        with self._changed:
            self._waiting_count += 1
            try:
                return self._changed.wait_for(is_done, timeout_s)
            finally:
                self._waiting_count -= 1


class Delivery(Struct, gc=False, eq=False):
    """A record with a value and nothing else, and its future.

    `outcome` is None until it is done; then `index` is its place in the outcome's stretch.
    """

    completions: Completions
    value: bytes | None
    on_delivery: OnDelivery | None = None
    outcome: Outcome | None = None
    index: int = 0

    @property
    def is_done(self) -> bool:
        """True once the record is acknowledged or given up."""
        return self.outcome is not None

    def result(self, timeout_s: float | None = None) -> RecordSent:
        """Wait, and say where the record went. Raises what went wrong, or `TimeoutError`."""
        self._wait(timeout_s)
        assert self.outcome is not None
        return self.outcome.sent(self.index)

    def error(self, timeout_s: float | None = None) -> Exception | None:
        """Wait, and say what went wrong, if anything did. Raises `TimeoutError`."""
        self._wait(timeout_s)
        assert self.outcome is not None
        return self.outcome.error

    def _wait(self, timeout_s: float | None) -> None:
        if self.outcome is None and not self.completions.wait(lambda: self.is_done, timeout_s):
            raise TimeoutError(f"no acknowledgement within {timeout_s} s")


class FullDelivery(Delivery, gc=False, eq=False, kw_only=True):
    """A record that has a key, headers, a timestamp or a partition of its own, and its future."""

    key: bytes | None
    partition: int | None
    timestamp_ms: int
    headers: Headers

    def result(self, timeout_s: float | None = None) -> RecordSent:
        """As `Delivery.result`, with the record's own timestamp unless the broker set one."""
        self._wait(timeout_s)
        assert self.outcome is not None
        broker_ms = self.outcome.timestamp_ms
        return self.outcome.sent(self.index, self.timestamp_ms if broker_ms < 0 else broker_ms)


class ManyDelivery:
    """Many values handed over at once, and their one future.

    `outcomes` has (first index, count, outcome) for each batch that took some, in order of index.
    """

    __slots__ = ("_completions", "_done_count", "count", "outcomes", "values")

    def __init__(self, completions: Completions, values: list[bytes]) -> None:
        self._completions = completions
        self._done_count = 0
        self.values: list[bytes] = values
        self.count = len(values)
        self.outcomes: list[tuple[int, int, Outcome]] = []

    @property
    def is_done(self) -> bool:
        """True once every record is acknowledged or given up."""
        return self._done_count == self.count

    def completed(self, first: int, count: int, outcome: Outcome) -> None:
        """Note what became of a stretch; the sender calls it, once for each."""
        self.outcomes.append((first, count, outcome))
        self._done_count += count
        if self.is_done:
            self.outcomes.sort(key=lambda stretch: stretch[0])
            self.values = []

    def results(self, timeout_s: float | None = None) -> list[RecordSent]:
        """Wait, and say where each record went. Raises what went wrong first, or `TimeoutError`."""
        self.wait(timeout_s)
        return [
            outcome.sent(index) for _, count, outcome in self.outcomes for index in range(count)
        ]

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until all is done. Raises what went wrong first, or `TimeoutError`."""
        if not self.is_done and not self._completions.wait(lambda: self.is_done, timeout_s):
            raise TimeoutError(f"no acknowledgement within {timeout_s} s")
        for _, _, outcome in self.outcomes:
            if outcome.error is not None:
                raise outcome.error


def wall_ms() -> int:
    """Now, in ms since 1970: the timestamp of a record that has none."""
    return time.time_ns() // 1_000_000

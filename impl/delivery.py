"""Futures: what a caller holds of a record that it handed over.

A record and its future are one object, because a million of them a second are made. They are not
tracked by the cycle collector: nothing that they lead to refers back to them. What became of them
is noted once for each batch, and looked up when somebody asks.
"""

import threading
import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final, TypeAlias

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


Callbacks: TypeAlias = list[tuple[OnDelivery, Outcome, int, int | None]]
"""Who is to be called: with which outcome, at which index, with which timestamp of its own."""

_ANY_COUNT: Final = 2**62
_index = itemgetter(0)


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


class ManyDelivery:
    """Many values with one future: handed over at once, or taken over together by the sender.

    `outcomes` has (first index, count, outcome) for each batch that took some, in order of index.
    `observers` has (index, whom to call) for those of them that somebody wants to hear of.
    """

    __slots__ = ("_completions", "_done_count", "count", "observers", "outcomes", "values")

    def __init__(
        self,
        completions: Completions,
        values: list[bytes],
        observers: Sequence[tuple[int, OnDelivery]] = (),
    ) -> None:
        self._completions = completions
        self._done_count = 0
        self.values: list[bytes] = values
        self.count = len(values)
        self.observers = observers
        self.outcomes: list[tuple[int, int, Outcome]] = []

    @property
    def is_done(self) -> bool:
        """True once every record is acknowledged or given up."""
        return self._done_count == self.count

    def completed(self, first: int, count: int, outcome: Outcome) -> Callbacks:
        """Note what became of a stretch, and say who is to be called for it."""
        insort(self.outcomes, (first, count, outcome))  # other threads search it meanwhile
        self._done_count += count
        if self.is_done:
            self.values = []
        if not self.observers:
            return []
        start = bisect_left(self.observers, first, key=_index)
        stop = bisect_left(self.observers, first + count, key=_index)
        called = self.observers[start:stop]
        return [(on_delivery, outcome, index - first, None) for index, on_delivery in called]

    def found(self, index: int) -> tuple[Outcome, int] | None:
        """What became of the record at an index, and its place in that outcome's stretch."""
        place = bisect_right(self.outcomes, (index, _ANY_COUNT)) - 1
        if place < 0:
            return None
        first, count, outcome = self.outcomes[place]
        return (outcome, index - first) if index < first + count else None

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


class Delivery(Struct, gc=False, eq=False):
    """A record with a value and nothing else, and its future.

    `held` is its value until the sender takes it over; from then on it leads to what became of it,
    at place `index`. So the sender has two fields to write for each record, and none once a batch
    is acknowledged.
    """

    completions: Completions
    held: bytes | ManyDelivery | None
    index: int = 0

    @property
    def is_done(self) -> bool:
        """True once the record is acknowledged or given up."""
        return self._found() is not None

    def result(self, timeout_s: float | None = None) -> RecordSent:
        """Wait, and say where the record went. Raises what went wrong, or `TimeoutError`."""
        outcome, index = self._waited(timeout_s)
        return outcome.sent(index)

    def error(self, timeout_s: float | None = None) -> Exception | None:
        """Wait, and say what went wrong, if anything did. Raises `TimeoutError`."""
        return self._waited(timeout_s)[0].error

    def _found(self) -> tuple[Outcome, int] | None:
        held = self.held
        return held.found(self.index) if isinstance(held, ManyDelivery) else None

    def _waited(self, timeout_s: float | None) -> tuple[Outcome, int]:
        if not self.is_done and not self.completions.wait(lambda: self.is_done, timeout_s):
            raise TimeoutError(f"no acknowledgement within {timeout_s} s")
        found = self._found()
        assert found is not None
        return found


class ObservedDelivery(Delivery, gc=False, eq=False):
    """A record with a value, its future, and somebody to call once it is done."""

    on_delivery: OnDelivery | None = None


class FullDelivery(ObservedDelivery, gc=False, eq=False, kw_only=True):
    """A record that has a key, headers, a timestamp or a partition of its own, and its future."""

    key: bytes | None
    partition: int | None
    timestamp_ms: int
    headers: Headers
    outcome: Outcome | None = None

    @property
    def value(self) -> bytes | None:
        """Its value; None once it is done."""
        assert not isinstance(self.held, ManyDelivery)
        return self.held

    def result(self, timeout_s: float | None = None) -> RecordSent:
        """As `Delivery.result`, with the record's own timestamp unless the broker set one."""
        outcome, index = self._waited(timeout_s)
        broker_ms = outcome.timestamp_ms
        return outcome.sent(index, self.timestamp_ms if broker_ms < 0 else broker_ms)

    def completed(self, outcome: Outcome) -> Callbacks:
        """Note what became of it, forget what was in it, and say who is to be called."""
        self.held = self.key = None
        self.headers = ()
        self.outcome = outcome
        on_delivery, self.on_delivery = self.on_delivery, None
        return [] if on_delivery is None else [(on_delivery, outcome, 0, self.timestamp_ms)]

    def _found(self) -> tuple[Outcome, int] | None:
        return None if self.outcome is None else (self.outcome, 0)


def gathered(deliveries: Sequence[Delivery]) -> ManyDelivery:
    """One future for records that are taken over together; their own lead to it from now on."""
    values: list[bytes] = [one.held for one in deliveries]  # type: ignore[misc]  # not taken over yet
    many = ManyDelivery(deliveries[0].completions, values)
    index = 0
    for one in deliveries:
        one.index = index
        one.held = many  # last, because other threads look at it first
        index += 1  # noqa: SIM113 - enumerate's tuple costs as much as the rest of the loop
    return many


def gathered_observed(deliveries: Sequence[ObservedDelivery]) -> ManyDelivery:
    """As `gathered`, for records that somebody wants to hear of."""
    many = gathered(deliveries)
    callbacks = [one.on_delivery for one in deliveries]
    for one in deliveries:
        one.on_delivery = None
    many.observers = [pair for pair in enumerate(callbacks) if pair[1] is not None]  # type: ignore[misc]  # those without are left out
    return many


def wall_ms() -> int:
    """Now, in ms since 1970: the timestamp of a record that has none."""
    return time.time_ns() // 1_000_000

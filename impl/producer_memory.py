"""The producer's memory as its threads use it: a lock around the account, and waiting in it.

Callers draw on an allowance that was granted in one piece, so that most records cost no lock.
`Intake.left_byte_count` is read and written without one: between reading it and writing it back
there is no call, so no thread of a CPython with a global lock can come in between
(ceval.c checks for a switch at calls and backward jumps only); builds without that lock take the
lock for each record.
"""

import sys
import threading
from collections.abc import Iterable

from iowitness.impl.buffer_pool import BufferPool, Wait, WaitState
from iowitness.impl.delivery import Delivery, ManyDelivery
from iowitness.impl.producer_errors import BufferExhausted, ProducerClosed

HAS_GLOBAL_LOCK = getattr(sys, "_is_gil_enabled", lambda: True)()


class Intake:
    """What callers handed over for one topic and the sender has not taken yet.

    Callers append to `handed`, the sender alone removes from its front.
    `has_mixed` turns True once a record came that has more than a value, and stays so.
    """

    __slots__ = ("handed", "has_mixed", "left_byte_count", "topic", "unknown_since_ns")

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.handed: list[Delivery | ManyDelivery] = []
        self.has_mixed = False
        self.left_byte_count = 0
        self.unknown_since_ns: int | None = None

    def take_all(self) -> list[Delivery | ManyDelivery]:
        """What is there now; what is appended meanwhile stays."""
        count = len(self.handed)
        taken = self.handed[:count]
        del self.handed[:count]
        return taken

    def take_allowance(self) -> int:
        """Take the allowance away, for one that needs more or for those who wait."""
        left = self.left_byte_count
        self.left_byte_count = 0
        return left


class ProducerMemory:
    """The account of one producer, shared by its threads."""

    def __init__(self, total_byte_count: int, block_byte_count: int, max_block_ms: int) -> None:
        self._pool = BufferPool(total_byte_count)
        self._block_byte_count = min(block_byte_count, max(1, total_byte_count // 8))
        self._max_block_ms = max_block_ms
        self._changed = threading.Condition(threading.Lock())

    @property
    def waiting_count(self) -> int:
        """Callers that wait for memory."""
        return self._pool.waiting_count

    @property
    def used_byte_count(self) -> int:
        """What is granted and not given back."""
        return self._pool.total - self._pool.free

    def draw(self, intake: Intake, byte_count: int, *, may_wait: bool) -> None:
        """Take memory for a record that the allowance does not cover, and renew the allowance.

        Blocks up to `max_block_ms`. Raises `BufferExhausted` or `ProducerClosed`.
        """
        with self._changed:
            if self._pool.is_closed:
                raise ProducerClosed("the producer is closed")
            held = intake.take_allowance()
            if held >= byte_count:
                intake.left_byte_count += held - byte_count
                return
            self._granted(self._pool.give_back(held))
            most = max(byte_count, self._block_byte_count)
            granted = self._pool.take(byte_count, most) or self._waited(
                byte_count, most, may_wait=may_wait
            )
            intake.left_byte_count += granted - byte_count

    def _waited(self, least: int, most: int, *, may_wait: bool) -> int:
        if not may_wait:
            raise BufferExhausted("the memory is exhausted, and a callback must not wait for more")
        wait: Wait = self._pool.wait(least, most)
        self._changed.wait_for(
            lambda: wait.state is not WaitState.WAITING, self._max_block_ms / 1_000
        )
        if wait.state is WaitState.CLOSED:
            raise ProducerClosed("the producer was closed while the record waited for memory")
        if not self._pool.give_up(wait):
            raise BufferExhausted(
                f"{least} B of buffer_memory={self._pool.total} B did not become free within "
                f"max_block_ms={self._max_block_ms} ms"
            )
        return wait.granted_byte_count

    def give_back(self, byte_count: int) -> None:
        """Free the memory of records that are done."""
        if byte_count:
            with self._changed:
                self._granted(self._pool.give_back(byte_count))

    def reclaim(self, intakes: Iterable[Intake]) -> None:
        """Free allowances that nobody uses, while somebody waits."""
        for intake in intakes:
            self.give_back(intake.take_allowance())

    def close(self) -> None:
        """Turn away those who wait and those to come."""
        with self._changed:
            self._granted(self._pool.close())

    def _granted(self, waits: list[Wait]) -> None:
        if waits:
            self._changed.notify_all()

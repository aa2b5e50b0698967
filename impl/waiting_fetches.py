"""Fetches that wait for more bytes: who they are, what wakes them, and when they give up.

Pure: the clock is an argument. Source: DelayedFetch; docs/kafka-behaviours.md, item 67.
"""

import heapq
from collections.abc import Iterator
from typing import Generic, TypeVar

OwnerT = TypeVar("OwnerT")
Partition = tuple[str, int]


class WaitingFetches(Generic[OwnerT]):
    """Owners (connections) by the partitions they wait for, and by deadline."""

    def __init__(self) -> None:
        self._by_partition: dict[Partition, dict[int, OwnerT]] = {}
        self._waits: dict[int, tuple[OwnerT, tuple[Partition, ...]]] = {}
        self._deadlines: list[tuple[int, int]] = []
        self._next_ticket = 0

    def __len__(self) -> int:
        return len(self._waits)

    def add(self, owner: OwnerT, partitions: tuple[Partition, ...], deadline_ns: int) -> int:
        """Note a wait; returns its ticket."""
        ticket = self._next_ticket
        self._next_ticket += 1
        self._waits[ticket] = (owner, partitions)
        for partition in partitions:
            self._by_partition.setdefault(partition, {})[ticket] = owner
        heapq.heappush(self._deadlines, (deadline_ns, ticket))
        return ticket

    def remove(self, ticket: int) -> None:
        """Forget a wait: answered, or its connection is gone. A second call does nothing."""
        _, partitions = self._waits.pop(ticket, (None, ()))
        for partition in partitions:
            waiting = self._by_partition[partition]
            waiting.pop(ticket, None)
            if not waiting:
                del self._by_partition[partition]

    def waiting_for(self, partition: Partition) -> tuple[OwnerT, ...]:
        """Those whom an append to a partition concerns, oldest first."""
        return tuple(self._by_partition.get(partition, {}).values())

    def expired(self, now_ns: int) -> Iterator[OwnerT]:
        """Those whose time is up; each is forgotten as it is yielded."""
        while self._deadlines and self._deadlines[0][0] <= now_ns:
            _, ticket = heapq.heappop(self._deadlines)
            if ticket in self._waits:
                owner, _ = self._waits[ticket]
                self.remove(ticket)
                yield owner

    def next_deadline_ns(self) -> int | None:
        """When `expired` will next have something; None while nobody waits."""
        while self._deadlines and self._deadlines[0][1] not in self._waits:
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

"""What was begun and waits to be settled: unsynced writes, unsynced renames, open stretches.

Only the first and the last of each thread are kept, because a thread does one call after the
other: what settles the last settles all before it.
"""

from collections import deque

from iowitness.specs.precedence import precedes
from iowitness.traces.events import AnyEvent

_LATE_COUNT = 64
"""Settlements that are remembered, for events that began before one ended but are told later."""


class Pending:
    """Begun and not yet settled events, with the precedence of concurrent calls kept exact."""

    __slots__ = ("_begun", "_late")

    def __init__(self) -> None:
        self._begun: dict[int, tuple[AnyEvent, AnyEvent]] = {}
        self._late: deque[tuple[AnyEvent, AnyEvent]] = deque(maxlen=_LATE_COUNT)

    def begin(self, event: AnyEvent) -> None:
        """Something was begun that has to be settled."""
        first, _ = self._begun.get(event.thread_id, (event, event))
        self._begun[event.thread_id] = first, event

    def settle(self, event: AnyEvent) -> None:
        """Settle all that was over before `event` began."""
        for thread_id, (first, last) in list(self._begun.items()):
            if precedes(last, event):
                del self._begun[thread_id]
            elif precedes(first, event):
                # What lies between is settled or concurrent; the last one surely waits still.
                self._begun[thread_id] = last, last
            else:
                continue
            self._late.append((event, first))

    def outstanding(self, event: AnyEvent) -> AnyEvent | None:
        """Something that was over before `event` began and that nothing had settled by then."""
        for first, _ in self._begun.values():
            if precedes(first, event):
                return first
        for settled, first in self._late:
            if not precedes(settled, event) and precedes(first, event):
                return first
        return None

    def waiting(self) -> AnyEvent | None:
        """Something that waits still, None if all is settled."""
        return next((first for first, _ in self._begun.values()), None)

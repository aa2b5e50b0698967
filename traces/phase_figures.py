"""What happened in each phase of a trace, in figures. Pure, one pass."""

from dataclasses import dataclass

from iowitness.traces.events import (
    AnyEvent,
    Marked,
    Read,
    Received,
    Sent,
    Transferred,
    Written,
)


@dataclass(slots=True)
class PhaseFigures:
    """One phase, all its times together: how long it lasted, calls that yielded events, bytes.

    A phase that never ends lasts to the last event.
    """

    name: str
    times: int = 0
    lasted_ns: int = 0
    calls: int = 0
    errors: int = 0
    read_byte_count: int = 0
    written_byte_count: int = 0
    received_byte_count: int = 0
    sent_byte_count: int = 0
    transferred_byte_count: int = 0

    def count(self, event: AnyEvent) -> None:
        """Count one event of the phase."""
        self.calls += 1
        self.errors += event.error is not None
        if isinstance(event, Read):
            self.read_byte_count += event.byte_count
        elif isinstance(event, Written):
            self.written_byte_count += event.byte_count
        elif isinstance(event, Received):
            self.received_byte_count += 0 if event.peeked else event.byte_count
        elif isinstance(event, Sent):
            self.sent_byte_count += event.byte_count
        elif isinstance(event, Transferred):
            self.transferred_byte_count += event.byte_count


class Phases:
    """The figures of all phases by name, in order of their first beginning."""

    def __init__(self) -> None:
        self.figures: dict[str, PhaseFigures] = {}
        self._begun_ns: dict[str, int] = {}

    def add(self, event: AnyEvent) -> None:
        """Take the next event of the history."""
        if isinstance(event, Marked):
            self._marked(event)
            return
        for name, begun_ns in self._begun_ns.items():
            figures = self.figures[name]
            figures.count(event)
            if event.end_ns > begun_ns:
                figures.lasted_ns += event.end_ns - begun_ns
                self._begun_ns[name] = event.end_ns

    def _marked(self, event: Marked) -> None:
        if event.verb == "begin" and event.name not in self._begun_ns:
            figures = self.figures.setdefault(event.name, PhaseFigures(event.name))
            figures.times += 1
            self._begun_ns[event.name] = event.start_ns
        elif event.verb == "end":
            begun_ns = self._begun_ns.pop(event.name, None)
            if begun_ns is not None:
                self.figures[event.name].lasted_ns += max(event.end_ns - begun_ns, 0)

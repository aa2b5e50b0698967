"""Phases: stretches of a history between its `begin` and `end` marks."""

from msgspec import Struct

from iowitness.traces.events import Marked
from iowitness.traces.history import History


class Phase(Struct, frozen=True):
    """A named stretch `start_ns..end_ns`."""

    name: str
    start_ns: int
    end_ns: int


def phases(history: History) -> tuple[Phase, ...]:
    """The phases in order of their beginning; one that never ended lasts to the last event."""
    begun: dict[str, int] = {}
    found: list[Phase] = []
    for mark in history.of_kind(Marked):
        if mark.verb == "begin":
            begun[mark.name] = mark.end_ns
        elif mark.verb == "end" and mark.name in begun:
            found.append(Phase(mark.name, begun.pop(mark.name), mark.start_ns))
    last_ns = history.events[-1].end_ns if history.events else 0
    found += [Phase(name, start_ns, last_ns) for name, start_ns in begun.items()]
    return tuple(sorted(found, key=lambda phase: (phase.start_ns, phase.name)))

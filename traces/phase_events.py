"""The events between two marks. Pure."""

from collections.abc import Iterable, Iterator

from iowitness.traces.events import AnyEvent, Marked


class PhaseMissing(Exception):
    """A phase that the trace does not have; the message says which ones it has."""


def events_of_phase(events: Iterable[AnyEvent], name: str) -> Iterator[AnyEvent]:
    """The events that ended between the marks `begin NAME` and `end NAME`, of all processes.

    A phase may come several times, and one that never ends lasts to the end. Raises PhaseMissing
    once the events are through and no mark began it.
    """
    inside = met = False
    known: set[str] = set()
    for event in events:
        if isinstance(event, Marked) and event.verb in ("begin", "end"):
            known.add(event.name)
            if event.name == name:
                inside = event.verb == "begin"
                met = met or inside
                continue
        if inside:
            yield event
    if not met:
        raise PhaseMissing(f"phase={name}, expected one of the trace's: {sorted(known) or 'none'}")

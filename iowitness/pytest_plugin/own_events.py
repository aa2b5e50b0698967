"""The events of a test in the trace of its process, without those that tracing it made. Pure."""

from collections.abc import Iterable

from iowitness.traces.events import AnyEvent, Marked


def own_events(
    events: Iterable[AnyEvent], *, process_id: int, thread_id: int, phase: str
) -> tuple[AnyEvent, ...]:
    """All events but those of the given thread outside its phase.

    That thread marked the phase's begin until the trace had it, and its end likewise: what lies
    around the last begin and the first end is the tracing's own. Other threads know nothing of it.
    """
    held = tuple(events)
    marks = [
        event
        for event in held
        if isinstance(event, Marked)
        and (event.process_id, event.thread_id, event.name) == (process_id, thread_id, phase)
    ]
    first = max((mark.line for mark in marks if mark.verb == "begin"), default=0)
    last = min((mark.line for mark in marks if mark.verb == "end"), default=None)

    def is_own(event: AnyEvent) -> bool:
        if (event.process_id, event.thread_id) != (process_id, thread_id):
            return True
        return first < event.line and (last is None or event.line < last)

    return tuple(filter(is_own, held))

"""Sizes at open that only a later call shows: a pure rewrite of a whole history's events.

A program that appends asks for the size right after opening (fstat, lseek to the end). Until the
first change of the file, what is shown there is also what the size was when it was opened.
"""

from collections.abc import Iterable

from msgspec import structs

from iowitness.traces.events import (
    Allocated,
    AnyEvent,
    File,
    Opened,
    Resized,
    Sized,
    Transferred,
    Written,
)


def with_sizes_at_open(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """The same events, with `Opened.size_byte_count` known wherever the history tells it."""
    told = list(events)
    waiting: dict[int, list[int]] = {}
    for index, event in enumerate(told):
        if isinstance(event, Opened):
            if event.truncated:
                waiting.pop(event.file.file_id, None)
            if event.size_byte_count is None:
                waiting.setdefault(event.file.file_id, []).append(index)
        elif isinstance(event, Sized):
            for opened_index in waiting.pop(event.file.file_id, ()):
                opened = told[opened_index]
                told[opened_index] = structs.replace(opened, size_byte_count=event.size_byte_count)
        elif waiting:
            changed = _changed(event)
            if changed is not None:
                waiting.pop(changed.file_id, None)
    return told


def _changed(event: AnyEvent) -> File | None:
    """The file whose size the event may have changed."""
    if isinstance(event, Written):
        return event.file if event.byte_count else None
    if isinstance(event, Resized | Allocated):
        return event.file
    if isinstance(event, Transferred) and isinstance(event.destination, File):
        return event.destination if event.byte_count else None
    return None

"""Mutations of a history that keeps a contract: each yields histories that should break it.

A mutation yields one history for each place where it applies, and leaves out the places where the
result would still keep the claim (dropping the last write of a file leaves no gap).
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from msgspec.structs import replace

from iowitness.traces.events import (
    AnyEvent,
    BlockIssued,
    Closed,
    File,
    IOEvent,
    Mapped,
    Opened,
    Read,
    Renamed,
    Resized,
    Sent,
    Socket,
    Synced,
    Transferred,
    Written,
)

Events: TypeAlias = tuple[AnyEvent, ...]
Mutation: TypeAlias = Callable[[Events], Iterator[Events]]
Chosen: TypeAlias = Callable[[AnyEvent], bool]


def _with(events: Events, index: int, *new: AnyEvent) -> Events:
    return (*events[:index], *new, *events[index + 1 :])


def _at(events: Events, kind: type[IOEvent], chosen: Chosen) -> Iterator[tuple[int, Any]]:
    for index, event in enumerate(events):
        if isinstance(event, kind) and event.error is None and chosen(event):
            yield index, event


def anything(event: AnyEvent) -> bool:
    """Every event."""
    del event
    return True


def of_path(*endings: str) -> Chosen:
    """Events on files whose path has one of the endings."""

    def chosen(event: AnyEvent) -> bool:
        for name in ("file", "source"):
            file = getattr(event, name, None)
            if isinstance(file, File):
                return file.path.endswith(endings)
        return False

    return chosen


def shift_offset(chosen: Chosen, by: int) -> Mutation:
    """Each write in turn goes `by` bytes further."""

    def mutate(events: Events) -> Iterator[Events]:
        for index, write in _at(events, Written, chosen):
            if write.offset is not None and write.offset + by >= 0 and not write.append:
                yield _with(events, index, replace(write, offset=write.offset + by))

    return mutate


def swap_writes(chosen: Chosen) -> Mutation:
    """Two writes to one file that follow each other change their places in the file."""

    def mutate(events: Events) -> Iterator[Events]:
        last: dict[int, int] = {}
        for index, write in _at(events, Written, chosen):
            before = last.get(write.file.file_id)
            last[write.file.file_id] = index
            if before is None or write.append:
                continue
            earlier: Any = events[before]
            if earlier.byte_count == write.byte_count == 0 or earlier.offset == write.offset:
                continue
            swapped = _with(events, before, replace(earlier, offset=write.offset))
            yield _with(swapped, index, replace(write, offset=earlier.offset))

    return mutate


def drop(kind: type[IOEvent], chosen: Chosen, followed: Chosen | None = None) -> Mutation:
    """Each event in turn is left out; with `followed`, only where such an event on the same file
    comes later."""

    def mutate(events: Events) -> Iterator[Events]:
        for index, event in _at(events, kind, chosen):
            later = events[index + 1 :]
            if followed is None or any(
                followed(one) and _file_of(one) == _file_of(event) for one in later
            ):
                yield _with(events, index)

    return mutate


def drop_all(kind: type[IOEvent], chosen: Chosen) -> Mutation:
    """All such events are left out at once."""

    def mutate(events: Events) -> Iterator[Events]:
        gone = {index for index, _ in _at(events, kind, chosen)}
        assert gone
        yield tuple(event for index, event in enumerate(events) if index not in gone)

    return mutate


def _file_of(event: AnyEvent) -> File | None:
    file = getattr(event, "file", None) or getattr(event, "source", None)
    return file if isinstance(file, File) else None


def is_write(event: AnyEvent) -> bool:
    """A write that moved bytes."""
    return isinstance(event, Written) and event.error is None and event.byte_count > 0


def truncate_after_write(chosen: Chosen) -> Mutation:
    """Behind each write in turn its last byte is cut off."""

    def mutate(events: Events) -> Iterator[Events]:
        for index, write in _at(events, Written, chosen):
            if write.offset is None or not write.byte_count:
                continue
            cut = Resized(
                start_ns=write.end_ns,
                end_ns=write.end_ns,
                process_id=write.process_id,
                thread_id=write.thread_id,
                call="ftruncate",
                file=write.file,
                size_byte_count=write.offset + write.byte_count - 1,
            )
            yield _with(events, index, write, cut)

    return mutate


def copy_instead_of_sendfile(chosen: Chosen) -> Mutation:
    """Each transfer in turn becomes a read into a buffer and a send out of it."""

    def mutate(events: Events) -> Iterator[Events]:
        for index, one in _at(events, Transferred, chosen):
            if not one.byte_count or not isinstance(one.destination, Socket):
                continue
            common = {
                "start_ns": one.start_ns,
                "end_ns": one.end_ns,
                "process_id": one.process_id,
                "thread_id": one.thread_id,
                "byte_count": one.byte_count,
                "requested_byte_count": one.byte_count,
                "line": one.line,
            }
            read = Read(call="pread64", file=one.source, offset=one.offset, **common)
            sent = Sent(call="sendto", channel=one.destination, **common)
            yield _with(events, index, read, sent)

    return mutate


def read_it(chosen: Chosen) -> Mutation:
    """Behind each write in turn its bytes are read."""

    def mutate(events: Events) -> Iterator[Events]:
        for index, write in _at(events, Written, chosen):
            if write.byte_count:
                yield _with(events, index, write, _reread(write))

    return mutate


def _reread(write: Written) -> Read:
    return Read(
        start_ns=write.end_ns,
        end_ns=write.end_ns,
        process_id=write.process_id,
        thread_id=write.thread_id,
        call="pread64",
        file=write.file,
        offset=write.offset,
        byte_count=write.byte_count,
        requested_byte_count=write.byte_count,
    )


def map_it(chosen: Chosen, *, writable: bool) -> Mutation:
    """Behind each opening in turn the file is mapped: what follows may be unseen."""

    def mutate(events: Events) -> Iterator[Events]:
        for index, one in _at(events, Opened, chosen):
            mapping = Mapped(
                start_ns=one.end_ns,
                end_ns=one.end_ns,
                process_id=one.process_id,
                thread_id=one.thread_id,
                call="mmap",
                file=one.file,
                address=4096,
                offset=0,
                byte_count=4096,
                writable=writable,
                shared=True,
            )
            yield _with(events, index, one, mapping)

    return mutate


def to_thread(kinds: tuple[type[IOEvent], ...], chosen: Chosen, thread_of: Any) -> Mutation:
    """Each call in turn is made by another thread of its process."""

    def mutate(events: Events) -> Iterator[Events]:
        for index, event in enumerate(events):
            if isinstance(event, kinds) and event.error is None and chosen(event):
                other = replace(event, thread_id=thread_of(event))
                yield _with(events, index, other)

    return mutate


def split_sends(chosen: Chosen, piece_byte_count: int) -> Mutation:
    """All sends are made in small pieces."""

    def mutate(events: Events) -> Iterator[Events]:
        pieces: list[AnyEvent] = []
        for event in events:
            if not isinstance(event, Sent | Transferred) or not chosen(event):
                pieces.append(event)
                continue
            left = event.byte_count
            while left > 0:
                size = min(left, piece_byte_count)
                pieces.append(replace(event, byte_count=size, requested_byte_count=size))
                left -= size
        yield tuple(pieces)

    return mutate


def flip_byte(chosen: Chosen, *positions: int) -> Mutation:
    """Each write in turn has one of its bytes changed."""

    def mutate(events: Events) -> Iterator[Events]:
        for index, write in _at(events, Written, chosen):
            for position in positions:
                changed = bytearray(write.data or b"")
                changed[position] ^= 0xFF
                yield _with(events, index, replace(write, data=bytes(changed)))

    return mutate


def set_codec(chosen: Chosen, number: int) -> Mutation:
    """Each write in turn has another codec in its batch's attributes."""

    def mutate(events: Events) -> Iterator[Events]:
        for index, write in _at(events, Written, chosen):
            changed = bytearray(write.data or b"")
            changed[22] = changed[22] & 0xF8 | number
            yield _with(events, index, replace(write, data=bytes(changed)))

    return mutate


def fail(kind: type[IOEvent], chosen: Chosen, error: str) -> Mutation:
    """Each call in turn fails, and so does nothing."""

    def mutate(events: Events) -> Iterator[Events]:
        for index, event in _at(events, kind, chosen):
            yield _with(events, index, replace(event, error=error))

    return mutate


def swap_in_time(first: type[IOEvent], second: type[IOEvent], chosen: Chosen) -> Mutation:
    """Each neighbouring pair of the two kinds, on one thread, happens in the other order."""

    def mutate(events: Events) -> Iterator[Events]:
        relevant = [i for i, e in enumerate(events) if isinstance(e, first | second) and chosen(e)]
        for before, after in itertools.pairwise(relevant):
            one, other = events[before], events[after]
            if isinstance(one, first) and isinstance(other, second):
                early = replace(other, start_ns=one.start_ns, end_ns=one.end_ns)
                late = replace(one, start_ns=other.start_ns, end_ns=other.end_ns)
                yield _with(_with(events, before, early), after, late)

    return mutate


def rename_elsewhere(kind: type[Renamed], chosen: Chosen, path: str) -> Mutation:
    """Each rename in turn goes to another path."""

    def mutate(events: Events) -> Iterator[Events]:
        for index, event in _at(events, kind, chosen):
            yield _with(events, index, replace(event, new_path=path))

    return mutate


def to_other_file(kind: type[IOEvent], chosen: Chosen, file: File) -> Mutation:
    """Each call in turn goes to another file."""

    def mutate(events: Events) -> Iterator[Events]:
        for index, event in _at(events, kind, chosen):
            yield _with(events, index, replace(event, file=file))

    return mutate


def without_close_on_exec(chosen: Chosen) -> Mutation:
    """Each opening in turn lacks close-on-exec."""

    def mutate(events: Events) -> Iterator[Events]:
        for index, event in _at(events, Opened, chosen):
            yield _with(events, index, replace(event, close_on_exec=False))

    return mutate


def closed_by_the_end(chosen: Chosen) -> Mutation:
    """Each descriptor in turn is closed only by the end of its process."""

    def mutate(events: Events) -> Iterator[Events]:
        for index, event in _at(events, Closed, chosen):
            yield _with(events, index, replace(event, call="exit"))

    return mutate


def insert_sync(chosen: Chosen) -> Mutation:
    """Behind each write in turn its file is synced."""

    def mutate(events: Events) -> Iterator[Events]:
        for index, write in _at(events, Written, chosen):
            sync = Synced(
                start_ns=write.end_ns,
                end_ns=write.end_ns,
                process_id=write.process_id,
                thread_id=write.thread_id,
                call="fsync",
                file=write.file,
                scope="all",
            )
            yield _with(events, index, write, sync)

    return mutate


def shift_sectors(by: int) -> Mutation:
    """All block requests but the first lie apart."""

    def mutate(events: Events) -> Iterator[Events]:
        apart, count = list[AnyEvent](), 0
        for event in events:
            if isinstance(event, BlockIssued):
                apart.append(replace(event, sector=event.sector + by * count))
                count += 1
            else:
                apart.append(event)
        yield tuple(apart)

    return mutate

"""Where in its files a history wrote, read and transferred, when, and by which thread: pure.

Each folder (a partition) gets one chart. Its segments are stacked in the order of their names, each
in a band of its own, so that a position on the vertical axis is a byte of the partition's log.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from iowitness.report.file_names import (
    drawn_files,
    folder_and_name,
    is_segment,
    relative_path,
    short_name,
)
from iowitness.traces.events import File, Read, Transferred, Written
from iowitness.traces.history import History

Operation: TypeAlias = Literal["write", "read", "transfer"]
World: TypeAlias = Literal["observed", "predicted"]


class Mark(Struct, frozen=True, gc=False):
    """One call, or several of one thread that continue each other.

    `position` is the byte of the partition's log where it starts. `line` is the first call's.
    """

    start_ns: int
    position: int
    byte_count: int
    call_count: int
    line: int


class Series(Struct, frozen=True, kw_only=True):
    """The marks of one thread, operation and world, in order of time."""

    world: World
    operation: Operation
    thread_id: int
    marks: tuple[Mark, ...]


class Band(Struct, frozen=True):
    """One segment's place on the vertical axis."""

    label: str
    start: int
    end: int


class Chart(Struct, frozen=True, kw_only=True):
    """One partition: its bands from the bottom up, and its series.

    `stray_write_count` counts observed writes that do not start where the last one to that file
    ended; the first to each file starts anywhere.
    """

    title: str
    bands: tuple[Band, ...]
    series: tuple[Series, ...]
    has_segments: bool
    stray_write_count: int

    def call_count(self, world: World, operation: Operation) -> int:
        """Calls of one operation in one world."""
        return sum(mark.call_count for mark in self._marks(world, operation))

    def byte_count(self, world: World, operation: Operation) -> int:
        """Bytes of one operation in one world."""
        return sum(mark.byte_count for mark in self._marks(world, operation))

    def _marks(self, world: World, operation: Operation) -> Iterator[Mark]:
        for series in self.series:
            if series.world == world and series.operation == operation:
                yield from series.marks


class _Touch(Struct, frozen=True, gc=False):
    """One call on one place of one file, its path relative to the root."""

    world: World
    operation: Operation
    path: str
    offset: int
    byte_count: int
    start_ns: int
    thread_id: int
    line: int


def charts(
    observed: History, predicted: History | None, observed_root: str, predicted_root: str
) -> tuple[Chart, ...]:
    """One chart for each folder with drawn files, in order of name."""
    touches = list(_touches(observed, "observed", observed_root))
    if predicted is not None:
        touches += _touches(predicted, "predicted", predicted_root)
    by_folder: dict[str, list[_Touch]] = defaultdict(list)
    for touch in touches:
        by_folder[folder_and_name(touch.path)[0]].append(touch)
    return tuple(_chart(folder, by_folder[folder]) for folder in sorted(by_folder, key=_natural))


def _touches(history: History, world: World, root: str) -> Iterator[_Touch]:
    drawn = drawn_files((file for _, file, _ in _places(history)), root)
    for operation, file, event in _places(history):
        if file.path not in drawn:
            continue
        offset = _offset(event, file)
        if offset is None or event.byte_count == 0:
            continue
        yield _Touch(
            world,
            operation,
            relative_path(file.path, root),
            offset,
            event.byte_count,
            event.start_ns,
            event.thread_id,
            event.line,
        )


def _places(history: History) -> Iterator[tuple[Operation, File, Read | Written | Transferred]]:
    """Each successful call that moved bytes of a file, once for each file."""
    for event in history:
        match event:
            case Written(error=None):
                yield "write", event.file, event
            case Read(error=None):
                yield "read", event.file, event
            case Transferred(error=None):
                if isinstance(event.source, File):
                    yield "transfer", event.source, event
                if isinstance(event.destination, File):
                    yield "write", event.destination, event
            case _:
                pass


def _offset(event: Read | Written | Transferred, file: File) -> int | None:
    """Where the call touched the file: a copy between files has a place in each."""
    if isinstance(event, Transferred) and event.destination == file:
        return event.destination_offset
    return event.offset


def _chart(folder: str, touches: Sequence[_Touch]) -> Chart:
    bands = _bands(touches)
    grouped: dict[tuple[World, Operation, int], list[Mark]] = defaultdict(list)
    for touch in touches:
        start = bands[touch.path].start
        mark = Mark(touch.start_ns, start + touch.offset, touch.byte_count, 1, touch.line)
        grouped[touch.world, touch.operation, touch.thread_id].append(mark)
    return Chart(
        title=folder,
        bands=tuple(bands.values()),
        series=tuple(
            Series(
                world=world,
                operation=operation,
                thread_id=thread_id,
                marks=tuple(sorted(marks, key=lambda mark: mark.start_ns)),
            )
            for (world, operation, thread_id), marks in grouped.items()
        ),
        has_segments=all(is_segment(f"/{path}") for path in bands),
        stray_write_count=_stray_write_count(touches),
    )


def _bands(touches: Iterable[_Touch]) -> Mapping[str, Band]:
    ends: dict[str, int] = defaultdict(int)
    for touch in touches:
        ends[touch.path] = max(ends[touch.path], touch.offset + touch.byte_count)
    bands: dict[str, Band] = {}
    start = 0
    for path in sorted(ends, key=_natural):
        bands[path] = Band(short_name(folder_and_name(path)[1]), start, start + ends[path])
        start += ends[path]
    return bands


def _stray_write_count(touches: Iterable[_Touch]) -> int:
    ends: dict[str, int] = {}
    stray = 0
    for touch in touches:
        if touch.world == "observed" and touch.operation == "write":
            stray += touch.offset != ends.get(touch.path, touch.offset)
            ends[touch.path] = touch.offset + touch.byte_count
    return stray


def _natural(path: str) -> tuple[tuple[int, int, str], ...]:
    """A key that puts `plain-2` before `plain-10`."""
    parts: list[tuple[int, int, str]] = []
    text = ""
    digits = ""
    for character in path + "\0":
        if character.isdecimal() and character.isascii():
            digits += character
            continue
        if digits:
            parts += [(0, 0, text), (1, int(digits), "")]
            text = digits = ""
        text += character
    return (*parts, (0, 0, text))

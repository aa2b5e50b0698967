"""A raw strace file, or lines, to a `History`; and the same as a stream in bounded memory."""

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from os import PathLike, fspath
from pathlib import Path

from iowitness.traces.call_sets import kinds_visible_in
from iowitness.traces.capture_record import CaptureRecord, read_record
from iowitness.traces.events import CALL_KINDS, AnyEvent
from iowitness.traces.fast_lines import FastLines
from iowitness.traces.history import CUT_OFF, History, Provenance
from iowitness.traces.raw_input import GivenLines, RawLines
from iowitness.traces.sizes_at_open import with_sizes_at_open
from iowitness.traces.strace_events import StraceReader
from iowitness.traces.strace_line import LineKind
from iowitness.traces.thread_files import MergedThreads, thread_files
from iowitness.traces.trace_error import TraceError
from iowitness.traces.unnamed_thread import first_thread_id

Source = str | PathLike[str] | Iterable[bytes]


_MISREAD = (IndexError, KeyError, ValueError)


@contextmanager
def _without_collection() -> Iterator[None]:
    """No search for cycles while lines are read: they leave none, and it costs a tenth."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class EventStream:
    """The events of a raw trace, one after the other; `provenance` once they are through.

    Iterating reads the source; the memory in use does not grow with it, except for what the traced
    system itself grows by (open descriptors, names, threads).
    """

    def __init__(self, source: Source, process_ids: Mapping[int, int] | None = None) -> None:
        self.name = "<lines>"
        self.record: CaptureRecord | None = None
        self.raw_files: tuple[str, ...] = ()
        self._lines = self._lines_of(source)
        if process_ids is None and self.record is not None:
            process_ids = self.record.thread_processes()
        self._reader = StraceReader(process_ids, first_thread_id=self._first_thread_id())
        self._reader.detached = self.record is not None and self.record.detached
        self._finished = False

    def _lines_of(self, source: Source) -> RawLines | GivenLines | MergedThreads:
        if not isinstance(source, str | PathLike):
            return GivenLines(source)
        path = Path(source)
        self.name = fspath(source)
        self.record = read_record(path)
        if self.name != "-" and not path.is_file():
            files = thread_files(path)
            if files:
                self.raw_files = tuple(str(file) for file in files)
                return MergedThreads(files)
        self.raw_files = (self.name,)
        return RawLines(self.name)

    def _first_thread_id(self) -> int:
        """The number of the first thread, where lines do not have it and a later one may."""
        lines = self._lines
        return first_thread_id(lines.chunks()) if isinstance(lines, RawLines) else 0

    def __iter__(self) -> Iterator[AnyEvent]:
        return chain.from_iterable(self._lists())

    def _lists(self) -> Iterator[list[AnyEvent]]:
        """The events in lists, as many as came of some lines at once."""
        reader, lines = self._reader, self._lines
        yield from (
            self._merged(lines) if isinstance(lines, MergedThreads) else self._read_all(lines)
        )
        reader.finish()
        yield reader.events()
        self._finished = True

    def _merged(self, lines: MergedThreads) -> Iterator[list[AnyEvent]]:
        """The events of several files; a line's number counts through all of them."""
        reader = self._reader
        for numbered in lines:
            reader.line_count = numbered.number
            if numbered.counts_as is not None:
                reader.line_counts[numbered.counts_as.value] += 1
            try:
                reader.take(numbered.line)
            except TraceError as error:
                raise error.at(*lines.place(numbered.number)) from None
            except _MISREAD as error:
                raise _misread(error).at(*lines.place(numbered.number)) from error
            if numbered.line.kind is LineKind.CUT:
                self._cut_off()
            yield reader.events()
        reader.line_count = lines.line_count

    def _read_all(self, lines: RawLines | GivenLines) -> Iterator[list[AnyEvent]]:
        fast = FastLines(self._reader)
        for some in lines:
            self._read(fast, some)
            yield self._reader.events()
        if lines.unterminated is not None:
            self._read_last(fast, lines.unterminated)

    def _cut_off(self) -> None:
        reader = self._reader
        reader.world.gap(CUT_OFF, reader.line_count, None, None)

    def _read(self, fast: FastLines, lines: list[bytes]) -> None:
        try:
            with _without_collection():
                fast.read(lines)
        except TraceError as error:
            raise error.at(self.name, self._reader.line_count) from None
        except _MISREAD as error:
            raise _misread(error).at(self.name, self._reader.line_count) from error

    def _read_last(self, fast: FastLines, line: bytes) -> None:
        """The last line, which no newline ends: it may be cut off, a gap and no error.

        Where nothing before it was understood, the file is no trace at all.
        """
        try:
            self._read(fast, [line])
        except TraceError:
            reader = self._reader
            if reader.clock.form is None:
                raise
            if sum(reader.line_counts.values()) < reader.line_count:
                reader.line_counts["cut"] += 1
            self._cut_off()

    @property
    def visible_kinds(self) -> frozenset[str]:
        """The kinds of event that the trace would show, as far as its filter is on record."""
        if self.record is None or not self.record.calls:
            return CALL_KINDS
        return kinds_visible_in(frozenset(self.record.calls))

    @property
    def data_is_visible(self) -> bool:
        """Whether the beginnings of buffers were kept."""
        return self.record is None or self.record.content_byte_count > 0

    @property
    def provenance(self) -> Provenance:
        """Where the events came from; complete once the iteration is through."""
        reader = self._reader
        assert self._finished, "provenance is asked for before the stream is through"
        counted = sum(reader.line_counts.values())
        if counted != reader.line_count:
            raise TraceError(
                f"lines counted by kind={counted}, expected {reader.line_count}", file=self.name
            )
        notes = set(reader.world.notes)
        if reader.world.tampered_count:
            notes.add(f"strace tampered with {reader.world.tampered_count} calls")
        if reader.clock.form == "none":
            notes.add("the trace has no times: line numbers stand for them")
        record = self.record
        if record is None:
            notes.add("the filter of the trace is not on record: all calls are taken as traced")
        elif record.seccomp_fallback:
            notes.add("strace stopped the program at every call, which makes it slower")
        return Provenance(
            source="strace",
            program=() if record is None else record.command,
            tool="strace" if record is None else record.tool,
            raw_files=self.raw_files,
            clock_resolution_ns=reader.clock.resolution_ns,
            line_counts=dict(reader.line_counts),
            call_counts=dict(reader.call_counts),
            gaps=tuple(reader.world.gaps),
            notes=tuple(sorted(notes)),
        )


def _misread(error: Exception) -> TraceError:
    """What a converter stumbled over: a call whose arguments are not what its manual says."""
    return TraceError(f"expected a call's own arguments ({type(error).__name__}: {error})")


def stream(source: Source, *, process_ids: Mapping[int, int] | None = None) -> EventStream:
    """The events of a raw trace, in bounded memory.

    `source` is a path or lines as bytes. `process_ids` tells the process of threads whose start the
    trace does not show. Raises `TraceError` at the line that is not understood.
    """
    return EventStream(source, process_ids)


def read_history(source: Source, *, process_ids: Mapping[int, int] | None = None) -> History:
    """The history of a raw trace; arguments and errors as for `stream`."""
    events = stream(source, process_ids=process_ids)
    collected = tuple(with_sizes_at_open(events))
    return History(
        events=collected,
        visible_kinds=events.visible_kinds,
        data_is_visible=events.data_is_visible,
        provenance=events.provenance,
    )

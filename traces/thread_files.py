"""The files of `strace -ff`, one for each thread, merged by time into one sequence of lines.

A thread's file has its calls whole, by the time of their beginning. What matters is the order in
which calls ended, and what was true when they began; so a call during which another thread did
something is given out in two parts again, as `strace -f` would have printed it. Calls of one
instant stay in the order of their threads' numbers.
"""

import os
from collections.abc import Iterator
from heapq import heappop, heappush
from pathlib import Path

from msgspec import Struct

from iowitness.traces.raw_input import RawLines
from iowitness.traces.strace_calls import duration_ns, parse_call
from iowitness.traces.strace_clock import StraceClock
from iowitness.traces.strace_line import NAME, OF_NO_THREAD, Line, LineKind, read_line
from iowitness.traces.trace_error import TraceError

_CHUNK_BYTE_COUNT = 1 << 16
"""A program may have a thousand threads, each with a file: their chunks are small."""

_FINISH, _BEGIN = range(2)


class NumberedLine(Struct, frozen=True):
    """A line of one of the files, and its number in all of them one after the other.

    `counts_as` is the kind of the whole line; None for the second part of one that was taken apart.
    """

    number: int
    line: Line
    counts_as: LineKind | None


def thread_files(path: Path) -> list[Path]:
    """The files of a trace of `strace -ff -o PREFIX`: `path` is their folder or the prefix.

    In order of the threads' numbers; empty where there is no such file.
    """
    folder, prefix = (path, "") if path.is_dir() else (path.parent, path.name + ".")
    found: dict[str, list[tuple[int, Path]]] = {}
    for name in os.listdir(folder) if folder.is_dir() else ():
        stem, _, number = name.rpartition(".")
        if number.isdigit() and name.startswith(prefix) and (not prefix or stem + "." == prefix):
            found.setdefault(stem, []).append((int(number), folder / name))
    if len(found) > 1:
        raise TraceError(
            f"prefixes={sorted(found)}, expected the files of one trace in the folder",
            file=str(path),
        )
    return [file for files in found.values() for _, file in sorted(files)]


class ThreadFile:
    """One thread's file: its lines with their times, in order."""

    def __init__(self, path: Path, first_number: int) -> None:
        self.path = path
        self.thread_id = int(path.suffix[1:])
        self.clock = StraceClock()
        self.number = first_number
        self._source = RawLines(str(path), _CHUNK_BYTE_COUNT)
        self._lines = self._read()
        self.time_ns = 0

    def _read(self) -> Iterator[bytes]:
        for some in self._source:
            yield from some
        if self._source.unterminated is not None:
            yield self._source.unterminated

    def next_line(self) -> tuple[NumberedLine, int] | None:
        """The next line and how long its call took; `time_ns` is then its time."""
        raw = next(self._lines, None)
        if raw is None:
            return None
        try:
            return self._value(raw)
        except TraceError as error:
            if raw is self._source.unterminated:
                return NumberedLine(self.number, Line(LineKind.CUT, 0, b"", raw), LineKind.CUT), 0
            raise error.at(str(self.path), self.number) from None

    def _value(self, raw: bytes) -> tuple[NumberedLine, int]:
        line = read_line(raw)
        took_ns = 0
        if line.kind not in OF_NO_THREAD:
            self.time_ns = self.clock.time_ns(line.clock, self.number)
            if self.clock.form in ("none", "relative"):
                raise TraceError(
                    f"time={self.clock.form}, expected -t, -tt or -ttt: files without a common "
                    "time cannot be merged"
                )
            line = Line(line.kind, self.thread_id, line.clock, line.text, line.name)
            if line.kind is LineKind.CALL:
                took_ns = duration_ns(line.text)
                if raw is self._source.unterminated:
                    parse_call(line.text.partition(b"(")[2])
        numbered = NumberedLine(self.number, line, line.kind)
        self.number += 1
        return numbered, took_ns


class MergedThreads:
    """The lines of all files by time; `line_count` is how many there are."""

    def __init__(self, paths: list[Path]) -> None:
        self.line_count = 0
        self._files: list[ThreadFile] = []
        for path in paths:
            self._files.append(ThreadFile(path, self.line_count + 1))
            self.line_count += _line_count(path)

    def place(self, number: int) -> tuple[str, int]:
        """The file and the line in it of a number."""
        first = 1
        found = (str(self._files[0].path), number) if self._files else ("", number)
        for file in self._files:
            if number >= first:
                found = (str(file.path), number - first + 1)
            first += _line_count(file.path)
        return found

    def __iter__(self) -> Iterator[NumberedLine]:
        """Raises `TraceError` with the file's own name and line."""
        heap: list[tuple[int, int, int, NumberedLine, int]] = []
        for index in range(len(self._files)):
            self._push(heap, index)
        while heap:
            time_ns, rank, index, numbered, took_ns = heappop(heap)
            if rank == _BEGIN and took_ns and heap and heap[0][0] <= time_ns + took_ns:
                first, second = _two_parts(numbered)
                yield first
                heappush(heap, (time_ns + took_ns, _FINISH, index, second, 0))
                continue
            yield numbered
            self._push(heap, index)

    def _push(self, heap: list[tuple[int, int, int, NumberedLine, int]], index: int) -> None:
        file = self._files[index]
        found = file.next_line()
        if found is not None:
            heappush(heap, (file.time_ns, _BEGIN, index, *found))


def _two_parts(numbered: NumberedLine) -> tuple[NumberedLine, NumberedLine]:
    """A call's line cut behind its arguments; joined as text again, the cut leaves no trace."""
    line = numbered.line
    name = NAME.match(line.text)
    assert name is not None  # the line's kind says so
    cut = max(line.text.rfind(b") ", 0, line.text.rfind(b"= ")), name.end() + 1)
    first = Line(LineKind.UNFINISHED, line.thread_id, line.clock, line.text[:cut])
    second = Line(LineKind.RESUMED, line.thread_id, line.clock, line.text[cut:], name[0])
    return (
        NumberedLine(numbered.number, first, line.kind),
        NumberedLine(numbered.number, second, None),
    )


def _line_count(path: Path) -> int:
    source = RawLines(str(path), _CHUNK_BYTE_COUNT)
    return sum(len(some) for some in source) + (source.unterminated is not None)

"""The fast way through a trace: lines of frequent shapes straight to events.

`FastLines` knows the form that most traces have, `PID UNIX-TIME call(...) = result <duration>`, and
the shapes of the calls that make up most of their lines. Whatever is not exactly so goes to the
`StraceReader`, which is complete; both change the same world, and the same events come out.
bench/parse.py prints what it is worth: about six times the lines per second.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from iowitness.traces import fast_bytes, fast_files
from iowitness.traces.call_shapes import simple_arguments
from iowitness.traces.call_view import DESCRIPTOR_ARGUMENTS, CallView, EntryNotes
from iowitness.traces.fast_setting import FastSetting, Handler
from iowitness.traces.processes import Thread
from iowitness.traces.strace_calls import Pending
from iowitness.traces.strace_events import CONVERTERS, StraceReader
from iowitness.traces.strace_text import number as integer
from iowitness.traces.unknown_parent import CLONES

_FIRST_DESCRIPTOR = re.compile(
    rb'([0-9]+<[^<>,"]*(?:->[^<>,"]*)?>(?:\(deleted\))?)(?:, ? <unfinished| <unfinished|, )'
)
_FIRST = (0,)
_UNFINISHED = b" <unfinished ...>"
_RESUMING = b"<... "
_NO_DESCRIPTOR = b"AT_FDCWD"
_NO_FILE = b"-1, 0 <unfinished ...>"
_CALL, _BEGUN, _RESUMED = "call", "unfinished", "resumed"
_EARLIEST_SPACE = 10
"""No thread's number is so long that its time begins behind here, and no time ends before."""


class FastLines:
    """Feeds a `StraceReader` the lines that have no shape here, and deals with the others."""

    def __init__(self, reader: StraceReader) -> None:
        self._reader = reader
        self._pending = reader.pending
        self._called: list[bytes] = []
        self._setting: FastSetting | None = None
        self._handlers: Mapping[bytes, Handler] = {}

    def read(self, lines: Iterable[bytes]) -> None:
        """Take lines without their newlines. Errors as in `StraceReader.read`."""
        reader = self._reader
        waiting = iter(lines)
        if self._setting is not None and not reader.needs_every_line:
            self._read_fast(waiting, self._setting)
        for line in waiting:
            reader.read(line)
            if reader.clock.form == "unix" and not reader.needs_every_line:
                self._set_up()
                if self._setting is not None:
                    self._read_fast(waiting, self._setting)

    def _set_up(self) -> None:
        """Learn the precision of the trace's times from what the reader saw first."""
        if self._setting is None:
            digits = {1000: 6, 1: 9}.get(self._reader.clock.resolution_ns)
            if digits is not None:
                self._setting = FastSetting(self._reader.world, digits)
                self._handlers = {
                    **fast_bytes.handlers(self._setting),
                    **fast_files.handlers(self._setting),
                }

    def _read_fast(self, waiting: Iterator[bytes], setting: FastSetting) -> None:
        """Take lines until the reader keeps one back and has to see those that follow."""
        reader, handlers, called = self._reader, self._handlers, self._called
        count = slow = begun = resumed = 0
        first = reader.line_count
        try:
            for line in waiting:
                count += 1
                start = line.find(b" ", _EARLIEST_SPACE) + 1
                name = line[start : line.find(b"(", start)]
                handle = handlers.get(name)
                if (
                    handle is not None
                    and not line.endswith(_UNFINISHED)
                    and handle(line, first + count, 0, None)
                ):
                    called.append(name)
                    continue
                if line[start : start + 5] == _RESUMING:
                    kind = self._resumed(line, start, first + count, setting)
                else:
                    kind = self._other(line, first + count, setting)
                if kind == _BEGUN:
                    begun += 1
                elif kind == _RESUMED:
                    resumed += 1
                elif kind != _CALL:
                    slow += 1
                    reader.line_count = first + count - 1
                    reader.read(line)
                    if reader.needs_every_line:
                        return
        finally:
            reader.line_count = first + count
            self._account(count - slow - begun - resumed, begun, resumed)

    def _account(self, calls: int, begun: int, resumed: int) -> None:
        """Add the lines and calls of the fast way to the reader's."""
        reader = self._reader
        for kind, count in ((_CALL, calls), (_BEGUN, begun), (_RESUMED, resumed)):
            if count:
                reader.line_counts[kind] += count
        for name, count in Counter(self._called).items():
            reader.call_counts[name.decode()] += count
        self._called.clear()

    def _other(self, line: bytes, number: int, setting: FastSetting) -> str:
        """A line in two parts, or a call of a simple shape: its kind, empty where it is neither."""
        head = setting.shapes.call.match(line)
        if head is None:
            return ""
        thread = setting.threads[head[1]]
        if thread is None:
            return ""
        if line.endswith(_UNFINISHED):
            return self._begun(line, head, thread, number, setting)
        if self._simple(line, number, 0, None, setting):
            self._called.append(head[3])
            return _CALL
        return ""

    def _begun(
        self,
        line: bytes,
        head: re.Match[bytes],
        thread: Thread,
        number: int,
        setting: FastSetting,
    ) -> str:
        """Keep the first part of a call, with what its descriptor stands for."""
        name, at = head[3].decode(), head.end() + 1
        if thread.thread_id in self._pending or name in CLONES or line[at - 1] != 0x28:
            return ""
        notes: EntryNotes | None = None
        wanted = DESCRIPTOR_ARGUMENTS.get(name)
        if wanted is not None and not (
            line.startswith(_NO_DESCRIPTOR, at) or (name == "mmap" and line.endswith(_NO_FILE))
        ):
            notes = _noted(line, at, thread, name) if wanted == _FIRST else None
            if notes is None:
                return ""
        start_ns = int(head[2].replace(b".", b"")) * setting.unit_ns
        self._pending[thread.thread_id] = Pending(
            name, line[at:-17], start_ns, number, notes, line[:at]
        )
        return _BEGUN

    def _resumed(self, line: bytes, start: int, number: int, setting: FastSetting) -> str:
        """Join the second part of a call with the first, and deal with the whole."""
        pid = line[: line.find(b" ")]
        thread = setting.threads[pid] if pid.isdigit() else None
        pending = None if thread is None else self._pending.get(thread.thread_id)
        end = line.find(b" resumed>", start)
        name = line[start + 5 : end]
        rest = line[end + 9 :]
        if (
            thread is None
            or pending is None
            or end < 0
            or not pending.head
            or not pending.head.endswith(b" " + name + b"(")
            or rest.startswith(b" )")
        ):
            return ""
        whole = pending.head + pending.text + rest
        notes = pending.entry if isinstance(pending.entry, EntryNotes) else None
        handle = self._handlers.get(name)
        if (handle is not None and handle(whole, pending.line, number, notes)) or self._simple(
            whole, pending.line, number, notes, setting
        ):
            del self._pending[thread.thread_id]
            self._called.append(name)
            return _RESUMED
        return ""

    def _simple(
        self,
        line: bytes,
        number: int,
        resumed: int,
        notes: EntryNotes | None,
        setting: FastSetting,
    ) -> bool:
        """A call without strings, structures and arrays: its converter gets the arguments."""
        shape = setting.shapes.simple.fullmatch(line)
        if shape is None:
            return False
        pid, clock, name, listed, result_text, result, error, duration = shape.groups()
        thread = setting.threads[pid]
        if thread is None or (result == b"?" and error is None):
            return False
        convert = CONVERTERS.get(name.decode())
        if convert is None:
            return True
        arguments = simple_arguments(listed)
        took_ns = setting.durations[duration]
        if arguments is None or took_ns < 0:
            return False
        start_ns = int(clock.replace(b".", b"")) * setting.unit_ns
        convert(
            CallView(
                setting.world,
                thread,
                name.decode(),
                start_ns=start_ns,
                end_ns=start_ns + took_ns,
                line=number,
                resumed_line=resumed,
                arguments=arguments,
                result=None if result == b"?" else integer(result),
                result_text=result_text,
                error=None if error is None else error.decode(),
                entry=notes,
            )
        )
        return True


def _noted(line: bytes, at: int, thread: Thread, name: str) -> EntryNotes | None:
    """What the first descriptor stands for, None where the trace has not spelled it so before."""
    shown = _FIRST_DESCRIPTOR.match(line, at)
    if shown is None:
        return None
    table = thread.process.table
    descriptor = table.by_text.get(shown[1])
    if descriptor is None:
        return None
    notes = EntryNotes()
    notes.openings[shown[1]] = descriptor.opening
    if name == "close":
        notes.closed = table.unbind(descriptor.number)
    return notes

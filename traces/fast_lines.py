"""The fast way through a trace: lines of frequent shapes straight to events.

`FastLines` knows the form that most traces have, `PID UNIX-TIME call(...) = result <duration>`, and
the shapes of the calls that make up most of their lines. Whatever is not exactly so goes to the
`StraceReader`, which is complete; both change the same world, and the same events come out.
bench/parse.py prints what it is worth.
"""

from collections import Counter
from collections.abc import Mapping

from iowitness.traces import fast_bytes, fast_files
from iowitness.traces.call_shapes import (
    NAME,
    SIMPLE,
    duration_of,
    fractions_ns,
    simple_arguments,
)
from iowitness.traces.call_view import DESCRIPTOR_ARGUMENTS, CallView, EntryNotes
from iowitness.traces.fast_setting import FastSetting, Handler, Remembered
from iowitness.traces.processes import Thread
from iowitness.traces.strace_calls import Pending
from iowitness.traces.strace_events import CONVERTERS, StraceReader
from iowitness.traces.strace_text import number as integer
from iowitness.traces.unknown_parent import CLONES

_UNFINISHED = b" <unfinished ...>"
_RESUMING = b"<... "
_NO_DESCRIPTOR = b"AT_FDCWD"
_NO_FILE = b"-1, 0 <unfinished ...>"
_DOT = 0x2E
_LINES_AT_ONCE = 1000
_CALL, _BEGUN, _RESUMED = "call", "unfinished", "resumed"


class FastLines:
    """Feeds a `StraceReader` the lines that have no shape here, and deals with the others."""

    def __init__(self, reader: StraceReader) -> None:
        self._reader = reader
        self._pending = reader.pending
        self._called: list[str] = []
        self._setting: FastSetting | None = None
        self._handlers: dict[bytes, tuple[Handler, str]] = {}
        self._names: Remembered[tuple[str, tuple[int, ...]]] = Remembered(_name_of)
        self._point = 0

    def read(self, lines: list[bytes]) -> None:
        """Take lines without their newlines. Errors as in `StraceReader.read`."""
        reader = self._reader
        index = 0
        while index < len(lines):
            if self._setting is not None and not reader.needs_every_line:
                index = self._read_fast(lines, index, self._setting)
                continue
            line = lines[index]
            reader.read(line)
            index += 1
            if reader.clock.form == "unix":
                self._set_up(line)

    def _set_up(self, line: bytes) -> None:
        """Learn the form of the trace's times from what the reader saw first.

        Threads' numbers stand in a column; where some are too long for it, their lines take the
        complete way.
        """
        if self._setting is None:
            self._point = line.find(b".") + 1
            digits = {1000: 6, 1: 9}.get(self._reader.clock.resolution_ns)
            if digits is not None:
                self._setting = FastSetting(self._reader.world, digits)
                handlers = {
                    **fast_bytes.handlers(self._setting),
                    **fast_files.handlers(self._setting),
                }
                self._handlers = {
                    name: (handle, name.decode()) for name, handle in handlers.items()
                }

    def _read_fast(self, lines: list[bytes], first: int, setting: FastSetting) -> int:
        """Take lines until the reader keeps one back and has to see those that follow.

        `first` is the first one's index; returns that of the first line not taken.
        """
        reader, handlers, called = self._reader, self._handlers, self._called
        heads, learn, point = setting.heads.known.get, setting.heads.learn, self._point
        text = point + setting.fraction_digits + 1
        counts = {_BEGUN: 0, _RESUMED: 0, "": 0}
        before = number = reader.line_count
        some = lines[first : first + _LINES_AT_ONCE]
        try:
            for line, fraction_ns in zip(some, fractions_ns(some, point, text), strict=True):
                number += 1
                head = heads(line[:point]) or learn(line[:point])
                if head is not None and fraction_ns:
                    start_ns = head[1] + fraction_ns
                    name, _, rest = line[text:].partition(b"(")
                    frequent = handlers.get(name)
                    if line[-2] == _DOT:
                        kind = self._begun(head[0], start_ns, name, rest, number)
                    elif frequent is not None and frequent[0](
                        head[0], start_ns, rest, number, 0, None
                    ):
                        called.append(frequent[1])
                        continue
                    elif name[:5] == _RESUMING:
                        kind = self._resumed(head[0], line[text + 5 :], number)
                    elif self._simple(head[0], start_ns, name, rest, number, 0, None):
                        called.append(name.decode())
                        continue
                    else:
                        kind = ""
                else:
                    kind = ""
                counts[kind] += 1
                if not kind:
                    reader.line_count = number - 1
                    reader.read(line)
                    if reader.needs_every_line:
                        break
        finally:
            reader.line_count = number
            self._account(number - before, counts)
        return first + number - before

    def _account(self, line_count: int, counts: Mapping[str, int]) -> None:
        """Add the lines and calls of the fast way to the reader's."""
        reader = self._reader
        calls = line_count - sum(counts.values())
        for kind, count in ((_CALL, calls), (_BEGUN, counts[_BEGUN]), (_RESUMED, counts[_RESUMED])):
            if count:
                reader.line_counts[kind] += count
        for name, count in Counter(self._called).items():
            reader.call_counts[name] += count
        self._called.clear()

    def _begun(self, thread: Thread, start_ns: int, name: bytes, rest: bytes, number: int) -> str:
        """Keep the first part of a call, with what its descriptor stands for."""
        known = self._names.known.get(name) or self._names.learn(name)
        if known is None or thread.thread_id in self._pending or rest[-17:] != _UNFINISHED:
            return ""
        call, wanted = known
        notes: EntryNotes | None = None
        if wanted and not (
            rest[:8] == _NO_DESCRIPTOR or (call == "mmap" and rest.endswith(_NO_FILE))
        ):
            notes = _noted(rest, thread, call) if wanted == (0,) else None
            if notes is None:
                return ""
        self._pending[thread.thread_id] = Pending(call, rest[:-17], start_ns, number, notes)
        return _BEGUN

    def _resumed(self, thread: Thread, text: bytes, number: int) -> str:
        """Join the second part of a call with the first, and deal with the whole."""
        name, resumed, rest = text.partition(b" resumed>")
        pending = self._pending.get(thread.thread_id)
        known = self._names.known.get(name) or self._names.learn(name)
        if pending is None or known is None or pending.name != known[0]:
            return ""
        if not resumed or rest[:2] == b" )":
            return ""
        whole = pending.text + rest
        notes = pending.entry if isinstance(pending.entry, EntryNotes) else None
        frequent = self._handlers.get(name)
        if (
            frequent is not None
            and frequent[0](thread, pending.start_ns, whole, pending.line, number, notes)
        ) or self._simple(thread, pending.start_ns, name, whole, pending.line, number, notes):
            del self._pending[thread.thread_id]
            self._called.append(known[0])
            return _RESUMED
        return ""

    def _simple(
        self,
        thread: Thread,
        start_ns: int,
        name: bytes,
        text: bytes,
        number: int,
        resumed: int,
        notes: EntryNotes | None,
    ) -> bool:
        """A call without strings, structures and arrays: its converter gets the arguments."""
        shape = SIMPLE.fullmatch(text)
        if shape is None or NAME.fullmatch(name) is None:
            return False
        listed, result_text, result, error, duration = shape.groups()
        took_ns = duration_of(duration)
        if took_ns < 0 or (result == b"?" and error is None):
            return False
        call = name.decode()
        convert = CONVERTERS.get(call)
        if convert is None:
            return True
        arguments = simple_arguments(listed)
        if arguments is None:
            return False
        convert(
            CallView(
                self._reader.world,
                thread,
                call,
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


def _name_of(name: bytes) -> tuple[str, tuple[int, ...]] | None:
    """A call's name as text, and which arguments are descriptors.

    None for what is no name, and for what starts a thread.
    """
    if NAME.fullmatch(name) is None or name.decode() in CLONES:
        return None
    return name.decode(), DESCRIPTOR_ARGUMENTS.get(name.decode(), ())


def _noted(rest: bytes, thread: Thread, name: str) -> EntryNotes | None:
    """What the first descriptor stands for, None where the trace has not spelled it so before."""
    shown, comma, _ = rest.partition(b">, ")
    shown = shown + b">" if comma else rest[:-17]
    table = thread.process.table
    descriptor = table.by_text.get(shown)
    if descriptor is None:
        return None
    closed = table.unbind(descriptor.number) if name == "close" else None
    return EntryNotes({shown: descriptor.opening}, closed)

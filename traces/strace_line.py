"""One line of a raw trace, taken apart: whose it is, when it began, of what kind, and its text.

The forms are those of strace's options: a pid column (`-f -o`), `[pid N]` (`-f` on a terminal),
none; `-t`, `-tt`, `-ttt`, `-r` or no time; `-Y` (command names behind pids), `-n` and `-i`.
Source: strace 6.1 src/strace.c (printleader, maybe_switch_current_tcp), and recordings.
"""

import re
from enum import Enum

from msgspec import Struct

from iowitness.traces.trace_error import TraceError, quoted


class LineKind(Enum):
    """What a line is; each line of a trace is exactly one of these, and is counted as such."""

    CALL = "call"
    UNFINISHED = "unfinished"
    RESUMED = "resumed"
    INTERRUPTED = "interrupted"
    """A call whose line strace broke off to report an attachment; the next line continues it."""
    DETACHED = "detached"
    SIGNAL = "signal"
    EXITED = "exited"
    KILLED = "killed"
    SUPERSEDED = "superseded"
    NOTE = "note"
    """strace's own words: attached and detached processes, a process's personality."""
    STACK = "stack"
    DUMP = "dump"
    TABLE = "table"
    """The table of calls that `-C` prints behind the trace."""
    EMPTY = "empty"
    CUT = "cut"
    """The last line of a file that ends within it."""


OF_NO_THREAD = frozenset(
    {
        LineKind.NOTE,
        LineKind.STACK,
        LineKind.DUMP,
        LineKind.TABLE,
        LineKind.EMPTY,
        LineKind.INTERRUPTED,
    }
)
"""Kinds of line that say nothing of a thread, or nothing yet."""


class Line(Struct, frozen=True, gc=False):
    """A line without its prefix.

    `thread_id` is 0 where the form has no pid column. `clock` is the text of its time, empty where
    the form has none. `text` is the rest: for RESUMED what stands behind `resumed>`, with the
    call's name in `name`; for UNFINISHED without the words `<unfinished ...>`.
    """

    kind: LineKind
    thread_id: int
    clock: bytes
    text: bytes
    name: bytes = b""


PREFIX = re.compile(
    rb"(?:\[pid +([0-9]+)(?:<[^<>]*>)?\] +|([0-9]{1,8})(?:<[^<>]*>)? +(?=[^ =]))?"
    rb"( *(?:[0-9]{2}:[0-9]{2}:[0-9]{2}|[0-9]+)(?:\.[0-9]+)? +(?:\(\+ *[0-9]+(?:\.[0-9]+)?\) +)?)?"
    rb"(?:\[ *[0-9]+\] )?(?:\[(?:[0-9a-f]{8,16}|\?{8,16})\] )?"
)
NAME = re.compile(rb"(?:[A-Za-z_][A-Za-z0-9_]*|\?\?\?\?)(?=\()")
_RESUMED = re.compile(rb"<\.\.\. ([A-Za-z0-9_]+|\?\?\?\?) resumed>(?: (?=\)))?")
_EXITED = re.compile(rb"\+\+\+ exited with ([0-9]+) \+\+\+")
_KILLED = re.compile(rb"\+\+\+ killed by (SIG[A-Z0-9_+]+)(?: \(core dumped\))? \+\+\+")
_SUPERSEDED = re.compile(rb"\+\+\+ superseded by execve in pid ([0-9]+)(?:<[^<>]*>)? \+\+\+")
_SIGNAL = re.compile(rb"--- (?:stopped by )?(SIG[A-Z0-9_+]+|[0-9]+)(?: \{.*\})? ---", re.DOTALL)
_NOTE = re.compile(rb"(?:[^ ]*/)?strace: .*|\[ Process PID=[0-9]+ runs in .* mode\. \]", re.DOTALL)
# The ostrich of --tips stands on standard error, behind a trace that goes there too; the lines with
# its words look as those of a dump.
_TIP = re.compile(rb" {2}_{30,} +_{4}| [/\\] *[ _]{30,}.*| {50}[^a-z0-9]*")
_TABLE = re.compile(
    rb"% time +seconds +usecs/call +calls +errors syscall|-{6}(?: -+)+|"
    rb" *[0-9]+\.[0-9]+ +[0-9]+\.[0-9]+ +[0-9]+ +[0-9]+ +(?:[0-9]+ +)?(?:[a-z0-9_]+|total)"
)
_UNFINISHED = b" <unfinished ...>"
_DETACHED = b" <detached ...>"
_PID_CHANGED = re.compile(rb" <pid changed to ([0-9]+) \.\.\.>$")
# strace says its name as it was called (/usr/bin/strace). It cuts a line only after an argument,
# so what is path-like before its name is its own folder.
_ATTACHED_WITHIN = re.compile(rb"(?:[./][^\s\"'<>(){}\[\],;=|]*/)?strace: Process [0-9]+ attached$")


class Ending(Struct, frozen=True):
    """How a thread ended, read from a `+++ ... +++` line."""

    status: int | None
    signal: str | None


def read_line(raw: bytes) -> Line:
    """The value of one line without its newline.

    Raises `TraceError` without a place where the line has no known shape.
    """
    if raw.endswith(b"\r"):  # strace escapes it: a file that went through another system
        raw = raw[:-1]
    prefix = PREFIX.match(raw)
    assert prefix is not None  # every part is optional
    thread_id = int(prefix[1] or prefix[2] or 0)
    clock = (prefix[3] or b"").strip()
    text = raw[prefix.end() :]
    if NAME.match(text):
        return _call_line(thread_id, clock, text)
    resumed = _RESUMED.match(text)
    if resumed is not None:
        rest = text[resumed.end() :]
        if rest.endswith(_UNFINISHED):
            raise TraceError(f"line={quoted(raw)}, expected a resumed call to end")
        return Line(LineKind.RESUMED, thread_id, clock, rest, resumed[1])
    for kind, shape in (
        (LineKind.EXITED, _EXITED),
        (LineKind.KILLED, _KILLED),
        (LineKind.SUPERSEDED, _SUPERSEDED),
        (LineKind.SIGNAL, _SIGNAL),
    ):
        if shape.fullmatch(text):
            return Line(kind, thread_id, clock, text)
    return Line(_other_kind(raw), 0, b"", raw)


def _call_line(thread_id: int, clock: bytes, text: bytes) -> Line:
    """A line that begins with a call's name; it may not be all of the call."""
    if text.endswith(_UNFINISHED):
        return Line(LineKind.UNFINISHED, thread_id, clock, text[: -len(_UNFINISHED)])
    if text.endswith(_DETACHED):
        return Line(LineKind.DETACHED, thread_id, clock, text[: -len(_DETACHED)])
    changed = _PID_CHANGED.search(text)
    if changed is not None:
        return Line(LineKind.UNFINISHED, thread_id, clock, text[: changed.start()])
    attached = _ATTACHED_WITHIN.search(text)
    if attached is not None:
        return Line(LineKind.INTERRUPTED, thread_id, clock, text[: attached.start()])
    return Line(LineKind.CALL, thread_id, clock, text)


def _other_kind(raw: bytes) -> LineKind:
    """The kind of a line that is about no call and no thread."""
    if not raw.strip():
        return LineKind.EMPTY
    if _NOTE.fullmatch(raw) or _TIP.fullmatch(raw):
        return LineKind.NOTE
    if _TABLE.fullmatch(raw):
        return LineKind.TABLE
    if raw.startswith(b" > "):
        return LineKind.STACK
    if raw.startswith((b" | ", b" * ")):
        return LineKind.DUMP
    raise TraceError(f"line={quoted(raw)}, expected a line as strace writes it")


def ending(line: Line) -> Ending:
    """How the thread of an EXITED or KILLED line ended."""
    exited = _EXITED.fullmatch(line.text)
    if exited is not None:
        return Ending(int(exited[1]), None)
    killed = _KILLED.fullmatch(line.text)
    assert killed is not None  # the line's kind says so
    return Ending(None, killed[1].decode())


def superseding_thread_id(line: Line) -> int:
    """The thread that took over a process by execve, from a SUPERSEDED line."""
    found = _SUPERSEDED.fullmatch(line.text)
    assert found is not None  # the line's kind says so
    return int(found[1])

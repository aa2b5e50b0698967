"""Lines joined into whole calls, thread by thread.

A call that another thread's line interrupts is printed in two parts, `... <unfinished ...>` and
`<... NAME resumed>...`. The parts are joined as text and only then parsed, because the cut may be
anywhere between two arguments: `[0] <unfinished ...>` and `=> [1024], 1024) = 1024`.
"""

import re

from msgspec import Struct

from iowitness.traces.strace_clock import StraceClock, seconds_ns
from iowitness.traces.strace_line import NAME, Line, LineKind, read_line
from iowitness.traces.strace_text import end_of_decoration, number, split_arguments
from iowitness.traces.trace_error import TraceError, quoted

_VALUE = re.compile(rb" *= (\?|0x[0-9a-f]+|-?[0-9]+)")
_TAIL = re.compile(
    rb"(?: /\* [0-9]+ in strace's PID NS \*/)?(?: (E[A-Z0-9_]+))?(?: \(.*\))?"
    rb"(?: <([0-9]+\.[0-9]+|[0-9]+|unavailable)>)?$",
    re.DOTALL,
)
_LONGEST_DURATION = 32


class Call(Struct):
    """A whole call as text, with its interval.

    `text` begins behind the bracket that opens the arguments. `end_ns` is None where only the
    duration in the text tells it. `entry` is what a reader noted when the call began, for the calls
    that were printed in two parts: a descriptor may stand for something else when they end.
    """

    name: str
    text: bytes
    thread_id: int
    start_ns: int
    end_ns: int | None
    line: int
    resumed_line: int = 0
    entry: object = None


class ParsedCall(Struct):
    """What a call's text says.

    `result` is None for `?`; `result_text` is the result with its decoration, `3</path>`.
    `error` is the errno's name. `tampered` says that strace injected the result or a delay.
    """

    arguments: list[bytes]
    result: int | None
    result_text: bytes
    error: str | None
    duration_ns: int | None
    tampered: bool


def parse_call(text: bytes) -> ParsedCall:
    """The arguments, result, error and duration in a whole call's text."""
    arguments, end = split_arguments(text, 0)
    value = _VALUE.match(text, end)
    if value is None:
        raise TraceError(f"text={quoted(text[end:])}, expected ' = ' and a result")
    position = value.end()
    if text[position : position + 1] == b"<":
        position = end_of_decoration(text, position)
        if position < 0:
            raise TraceError(f"text={quoted(text[end:])}, expected a decorated result")
    tail = _TAIL.match(text, position)
    if tail is None:
        raise TraceError(f"text={quoted(text[end:])}, expected a result and a duration")
    error, duration = tail[1], tail[2]
    return ParsedCall(
        arguments=arguments,
        result=None if value[1] == b"?" else number(value[1]),
        result_text=text[value.start(1) : position],
        error=error.decode() if error else None,
        duration_ns=None if duration in (None, b"unavailable") else seconds_ns(duration),
        tampered=b"(INJECTED)" in tail[0] or b"(DELAYED)" in tail[0],
    )


class Pending(Struct):
    """A call that has begun: its text so far, with the name cut off."""

    name: str
    text: bytes
    start_ns: int
    line: int
    entry: object = None


class CallJoiner:
    """Holds the calls in progress of all threads and gives out each when it is whole."""

    __slots__ = ("_broken_off", "clock", "pending")

    def __init__(self, clock: StraceClock) -> None:
        self.clock = clock
        self.pending: dict[int, Pending] = {}
        self._broken_off: Line | None = None

    @property
    def is_broken_off(self) -> bool:
        """Whether the last line was broken off and waits for the next."""
        return self._broken_off is not None

    def line(self, raw: bytes) -> Line:
        """The value of the next line, after a line that strace broke off joined with it."""
        broken = self._broken_off
        if broken is None:
            line = read_line(raw)
        else:
            self._broken_off = None
            line = read_line(broken.text + raw)
            line = Line(line.kind, broken.thread_id, broken.clock, line.text, line.name)
        if line.kind is LineKind.INTERRUPTED:
            self._broken_off = line
        return line

    def begun(self, line: Line, line_number: int) -> Pending:
        """The call that an UNFINISHED or DETACHED line begins; the joiner keeps it."""
        name = NAME.match(line.text)
        assert name is not None  # the line's kind says so
        if line.thread_id in self.pending:
            before = self.pending[line.thread_id]
            raise TraceError(
                f"thread={line.thread_id} begins {name[0].decode()}, "
                f"expected its {before.name} of line {before.line} to end first"
            )
        pending = Pending(
            name=name[0].decode(),
            text=line.text[name.end() + 1 :],
            start_ns=self.clock.time_ns(line.clock, line_number),
            line=line_number,
        )
        self.pending[line.thread_id] = pending
        return pending

    def resumed(self, line: Line, line_number: int) -> Call | None:
        """The call that a RESUMED line completes, None where the trace has not its beginning."""
        pending = self.pending.pop(line.thread_id, None)
        now_ns = self.clock.time_ns(line.clock, line_number)
        if pending is None:
            return None
        if pending.name != line.name.decode():
            raise TraceError(
                f"thread={line.thread_id} resumes {line.name.decode()}, "
                f"expected its {pending.name} of line {pending.line}"
            )
        return Call(
            name=pending.name,
            text=pending.text + line.text,
            thread_id=line.thread_id,
            start_ns=pending.start_ns,
            end_ns=now_ns,
            line=pending.line,
            resumed_line=0 if line_number == pending.line else line_number,
            entry=pending.entry,
        )

    def whole(self, line: Line, line_number: int) -> Call:
        """The call of a CALL line."""
        name = NAME.match(line.text)
        assert name is not None  # the line's kind says so
        return Call(
            name=name[0].decode(),
            text=line.text[name.end() + 1 :],
            thread_id=line.thread_id,
            start_ns=self.clock.time_ns(line.clock, line_number),
            end_ns=None,
            line=line_number,
        )


_DURATION = re.compile(rb" <([0-9]+\.[0-9]+)>$")


def duration_ns(text: bytes) -> int:
    """How long a call took that is on one line; 0 where the trace has no durations."""
    found = _DURATION.search(text, max(0, len(text) - _LONGEST_DURATION))
    return 0 if found is None else seconds_ns(found[1])


def whole_arguments(text: bytes) -> list[bytes]:
    """The arguments in the first part of a call; none where it was cut within one."""
    for closing in (b")", b"})"):
        try:
            return split_arguments(text + closing, 0)[0]
        except TraceError:
            continue
    return []

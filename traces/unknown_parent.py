"""Lines held back until it is certain whose child a new thread is.

A child may show before its parent's clone returns. With several clones in progress that would give
it different relations (another process, another table of descriptors), only the returns tell which
one was its own; till then nothing may be decided that depends on it.
"""

import re

from iowitness.traces.process_calls import clone_flags
from iowitness.traces.strace_calls import Pending, whole_arguments
from iowitness.traces.strace_line import Line, LineKind

CLONES = frozenset({"clone", "clone2", "clone3", "fork", "vfork"})
MOST_HELD = 20_000
"""A clone that has not returned after so many lines does not wait for the child: it never will."""

_RESULT = re.compile(rb"= ([0-9]+)[^0-9]")


class HeldLines:
    """The lines since a thread showed that may be the child of more than one clone."""

    def __init__(self) -> None:
        self.thread_id = 0
        self.lines: list[tuple[int, Line]] = []

    def begin(self, thread_id: int) -> None:
        """Wait for the clone that started the thread."""
        self.thread_id = thread_id

    @property
    def is_waiting(self) -> bool:
        """Whether lines are held back."""
        return self.thread_id != 0

    def add(self, number: int, line: Line) -> int:
        """Hold a line back; the thread whose clone turned out to be the parent's, 0 if none yet."""
        self.lines.append((number, line))
        if line.kind is LineKind.RESUMED and line.name.decode() in CLONES:
            result = _RESULT.search(line.text + b" ")
            if result is not None and int(result[1]) == self.thread_id:
                return line.thread_id
        return 0

    def released(self) -> list[tuple[int, Line]]:
        """All lines held back, in order; none is any more."""
        lines, self.lines, self.thread_id = self.lines, [], 0
        return lines


def clones_in_progress(pending: dict[int, Pending]) -> list[tuple[int, frozenset[bytes]]]:
    """The threads that are within a call that starts a thread, the newest first, and its flags."""
    return [
        (thread_id, clone_flags(call.name, whole_arguments(call.text)))
        for thread_id, call in reversed(pending.items())
        if call.name in CLONES
    ]

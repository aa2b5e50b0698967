"""Whose a line is that names no thread.

Without `-f` strace names no thread at all. With it, and without `-o`, it names them (`[pid N]`)
only while there are several: the lines before are the first thread's, and those after are the one's
that is left. The first thread's number may then show only much later.
"""

import re
from collections.abc import Iterable

from msgspec import structs

from iowitness.traces.processes import Thread
from iowitness.traces.strace_calls import Pending
from iowitness.traces.strace_line import Line, LineKind

_ATTACHED = re.compile(rb"strace: Process ([0-9]+) attached")
_COLUMN = re.compile(rb"[0-9]{1,8}(?:<[^<>]*>)? +[^ =]")
_BRACKETED = re.compile(rb"^\[pid +([0-9]+)", re.MULTILINE)


def first_thread_id(chunks: Iterable[bytes]) -> int:
    """The number of the thread whose lines come first without one; 0 where it never shows.

    It is the first number in brackets that strace did not report as attached to later. A text
    whose lines have a column with numbers is not looked through.
    """
    attached: set[int] = set()
    for chunk in chunks:
        if _COLUMN.match(chunk):
            return 0
        attached |= {int(found[1]) for found in _ATTACHED.finditer(chunk)}
        for found in _BRACKETED.finditer(chunk):
            if int(found[1]) not in attached:
                return int(found[1])
    return 0


class UnnamedThread:
    """Gives each line a thread: its own, or the one that it must be.

    `first_id` is the first thread's number where it is known beforehand, else 0; then the thread
    stays 0, and its number is taken for it wherever it shows.
    """

    def __init__(self, first_id: int) -> None:
        self._first_id = first_id
        self._has_unnamed = False
        self._shown_id = 0

    def named(self, line: Line, threads: dict[int, Thread], pending: dict[int, Pending]) -> Line:
        """The line with the thread that it is about."""
        if line.thread_id == 0:
            self._has_unnamed = True
            return self._with_id(line, self._of_unnamed(threads))
        if not self._has_unnamed or self._first_id:
            return line
        if self._shown_id == 0 and line.thread_id not in threads and _is_first(line, pending):
            self._shown_id = line.thread_id
        return self._with_id(line, 0) if line.thread_id == self._shown_id else line

    def _of_unnamed(self, threads: dict[int, Thread]) -> int:
        """The only thread that lives, or else the first."""
        if len(threads) > 1:
            living = [thread for thread in threads.values() if not thread.ended]
            if len(living) == 1:
                return living[0].thread_id
        return self._first_id

    def _with_id(self, line: Line, thread_id: int) -> Line:
        return line if line.thread_id == thread_id else structs.replace(line, thread_id=thread_id)


def _is_first(line: Line, pending: dict[int, Pending]) -> bool:
    """Whether a number that is new stands for the first thread and no child of it."""
    waiting = pending.get(0)
    if line.kind is LineKind.RESUMED:
        return waiting is not None and waiting.name.encode() == line.name
    return waiting is None

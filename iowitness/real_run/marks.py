"""Marks: words of the workload to the judge, left in the trace without doing anything.

A write to descriptor -1 fails with EBADF and costs one system call; the tracer prints its buffer.
`impl` never marks anything: only the workload around it does.
"""

import contextlib
import errno
import os
from collections.abc import Iterator

from iowitness.traces.events import MARK_PREFIX


def mark(verb: str, name: str) -> None:
    """Leave one mark; `verb` is `begin`, `end` or `role`."""
    try:
        os.write(-1, f"{MARK_PREFIX}{verb}:{name}".encode())
    except OSError as error:
        if error.errno != errno.EBADF:
            raise


@contextlib.contextmanager
def phase(name: str) -> Iterator[None]:
    """A stretch of the trace between a `begin` and an `end` mark."""
    mark("begin", name)
    try:
        yield
    finally:
        mark("end", name)

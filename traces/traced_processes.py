"""What /proc tells of the processes that a tracer has in hand."""

import contextlib
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

_PR_SET_PTRACER = 0x59616D61
_PR_SET_PTRACER_ANY = 2**64 - 1

PROC = Path("/proc")


def thread_ids(process_id: int) -> set[int]:
    """The threads of a process; none where there is no such process."""
    try:
        return {int(name) for name in os.listdir(PROC / str(process_id) / "task")}
    except OSError:
        return set()


def child_ids(process_id: int) -> set[int]:
    """The children of a process."""
    children: set[int] = set()
    for thread_id in thread_ids(process_id):
        try:
            text = (PROC / str(process_id) / "task" / str(thread_id) / "children").read_text()
        except OSError:
            continue
        children |= {int(word) for word in text.split()}
    return children


def traced_by(tracer_id: int) -> set[int]:
    """All threads whose tracer is this process."""
    found: set[int] = set()
    for name in os.listdir(PROC):
        if name.isdigit():
            found |= {
                thread_id
                for thread_id in thread_ids(int(name))
                if _tracer_of(int(name), thread_id) == tracer_id
            }
    return found


def _tracer_of(process_id: int, thread_id: int) -> int:
    try:
        status = (PROC / str(process_id) / "task" / str(thread_id) / "status").read_text()
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("TracerPid:"):
            return int(line.split()[1])
    return 0


def is_traced_by(process_id: int, tracer_id: int) -> bool:
    """Whether all threads of a process have this tracer."""
    threads = thread_ids(process_id)
    return bool(threads) and all(_tracer_of(process_id, each) == tracer_id for each in threads)


@contextlib.contextmanager
def traceable_by_children() -> Iterator[None]:
    """While inside, a child may start to trace this process.

    Yama's ptrace_scope=1 allows parents only unless the process says otherwise; prctl(2).
    """
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_PTRACER, ctypes.c_ulong(_PR_SET_PTRACER_ANY), 0, 0, 0)
    try:
        yield
    finally:
        prctl(_PR_SET_PTRACER, ctypes.c_ulong(0), 0, 0, 0)

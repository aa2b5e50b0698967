"""Histories of a few lines as strace writes them."""

from iowitness.traces.history import History
from iowitness.traces.strace_history import read_history

THREAD_FLAGS = "CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD"


def history(text: str) -> History:
    """A history of lines without prefixes, all of thread 1, or with their own."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return read_history(
        [(line if line[0].isdigit() else f"1 {line}").encode("latin-1") + b"\n" for line in lines]
    )

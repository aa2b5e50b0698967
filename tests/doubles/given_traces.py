"""The recorded traces of real programs that are given beside the repository."""

import functools
from pathlib import Path

import pytest

from iowitness.traces.history import History
from iowitness.traces.strace_history import read_history

RECORDED = Path(__file__).parents[2].parent / "shared" / "recorded"


def given_trace(name: str) -> Path:
    """The trace `name`, or a skip with the reason."""
    path = RECORDED / f"{name}.strace.xz"
    if not path.exists():
        pytest.skip(f"the recorded trace {name} is not there: {RECORDED}")
    return path


@functools.cache
def given_history(name: str) -> History:
    """The history of the trace `name`, read once for all tests, or a skip."""
    return read_history(given_trace(name))

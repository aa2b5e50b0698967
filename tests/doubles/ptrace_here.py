"""Whether strace works on this machine, for tests that need it."""

import functools

import pytest

from iowitness.traces.capture import find_tracer
from iowitness.traces.strace_command import CaptureError


@functools.cache
def why_not() -> str:
    """Why strace cannot be used here; empty where it can."""
    try:
        find_tracer()
    except CaptureError as error:
        return str(error)
    return ""


needs_strace = pytest.mark.skipif(bool(why_not()), reason=why_not() or "strace works")

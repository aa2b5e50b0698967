"""Whether tests can be traced on this machine, asked once for each strace."""

import functools

from iowitness.traces.capture import find_tracer
from iowitness.traces.strace_command import CaptureError


@functools.cache
def reason_against(strace: str) -> str:
    """Why nothing can be traced here; empty where it can."""
    try:
        find_tracer(strace=strace)
    except CaptureError as error:
        return str(error)
    return ""

"""Precedence: which of two calls came first, as far as a trace can tell."""

from iowitness.traces.events import IOEvent


def precedes(earlier: IOEvent, later: IOEvent) -> bool:
    """True if `earlier`, which completed first, was over before `later` began.

    One thread does one call after the other. Between threads the intervals decide, and calls that
    share an instant are concurrent, because a clock may return the same value twice.
    """
    return earlier.thread_id == later.thread_id or earlier.end_ns < later.start_ns

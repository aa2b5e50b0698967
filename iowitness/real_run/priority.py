"""A stretch of measuring during which other programs give way, where that is allowed.

Source: sched(7): SCHED_RR threads run before all ordinary ones, up to the kernel's limit of 95 %.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def ahead_of_others() -> Iterator[str]:
    """Yields what the priority is, as words. Children that are forked meanwhile have it too."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    words = "ordinary priority"
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        words = "real-time priority"
    try:
        yield words
    finally:
        with suppress(PermissionError):
            os.sched_setscheduler(0, policy, parameters)

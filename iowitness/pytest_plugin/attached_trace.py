"""strace on the test's own process for the length of a `with`; no call is lost at either end."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType

from iowitness.pytest_plugin.own_events import own_events
from iowitness.pytest_plugin.trace import Trace
from iowitness.pytest_plugin.untraceable import untraceable
from iowitness.real_run.marks import mark
from iowitness.traces.attachment import Attachment
from iowitness.traces.strace_command import CaptureError, PtraceForbidden

_PATIENCE_S = 30.0
"""How long a mark may take from this process into the trace; on a loaded machine it is 0.1 s."""

_NEAR_BYTE_COUNT = 1 << 16


class AttachedTrace:
    """A context manager: its trace begins with the block, and is complete when that is left.

    `judge` is called with the trace then, unless the block raised: a contract must not hide what
    went wrong in it. `left` is called in any case.
    """

    def __init__(
        self,
        trace: Trace,
        attachment: Attachment,
        *,
        phase: str,
        is_required: bool,
        judge: Callable[[Trace], None],
        left: Callable[[], None],
    ) -> None:
        self._trace = trace
        self._attachment = attachment
        self._phase = phase
        self._is_required = is_required
        self._judge = judge
        self._left = left
        self._held = ExitStack()

    def __enter__(self) -> Trace:
        __tracebackhide__ = True
        with ExitStack() as held:
            held.callback(self._left)
            try:
                held.enter_context(self._attachment)
            except PtraceForbidden as error:
                untraceable(str(error), is_required=self._is_required)
            _until_seen(self._trace.raw, "begin", self._phase)
            mark("begin", self._phase)  # the last one: looking for it was not the test's
            self._held = held.pop_all()
        return self._trace

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        __tracebackhide__ = True
        with self._held:
            _until_seen(self._trace.raw, "end", self._phase)
        thread_id = threading.get_native_id()
        self._trace.end(
            partial(own_events, process_id=os.getpid(), thread_id=thread_id, phase=self._phase)
        )
        if kind is None:
            self._judge(self._trace)


def _until_seen(raw: Path, verb: str, name: str) -> None:
    """Mark until the trace has the mark.

    That strace has attached to a thread does not say that it shows the thread's next call. A mark
    in its text does, and that all calls of this thread before the mark are in it too. Raises
    CaptureError when patience is over.
    """
    word = f'{verb}:{name}"'.encode()
    deadline = time.monotonic() + _PATIENCE_S
    mark(verb, name)
    # Only the text near the end: what a test did before may be gigabytes.
    start = max(0, raw.stat().st_size - _NEAR_BYTE_COUNT)
    while True:
        if word in _text_between(raw, start, raw.stat().st_size):
            return
        if time.monotonic() > deadline:
            raise CaptureError(
                f"mark={name} is not in the trace after {_PATIENCE_S:g} s, expected strace to "
                "write what this process does"
            )
        time.sleep(0.002)
        mark(verb, name)


def _text_between(raw: Path, start: int, end: int) -> bytes:
    """Part of a trace that this very call makes longer: to read to its end would never end."""
    descriptor = os.open(raw, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(descriptor, end - start, start)
    finally:
        os.close(descriptor)

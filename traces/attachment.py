"""strace on a process that runs already: attached for the length of a `with`."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO

from iowitness.traces.call_sets import DEFAULT_KINDS, calls_for
from iowitness.traces.capture import CaptureResult, find_tracer
from iowitness.traces.capture_record import CaptureRecord, write_record
from iowitness.traces.raw_output import RawOutput
from iowitness.traces.strace_command import (
    CaptureError,
    PtraceForbidden,
    content_option,
    forbidden_said,
    injections,
)
from iowitness.traces.traced_processes import is_traced_by, thread_ids, traceable_by_children


class Attachment:
    """strace on a process that runs already, all its threads, and those that it starts.

    A context manager: attached once entered, detached when left; the process goes on. It may be the
    calling process itself. `--seccomp-bpf` does not work so, and every call of the process costs
    20 us more. `result` is there once it is left.
    """

    def __init__(
        self,
        process_id: int,
        *,
        output: Path,
        content_byte_count: int = 32,
        calls: frozenset[str] | None = None,
        faults: Sequence[str] = (),
        strace: str = "strace",
    ) -> None:
        self.process_id = process_id
        self.output = output
        self.result: CaptureResult | None = None
        self._content_byte_count = content_byte_count
        self._calls = tuple(sorted(calls_for(DEFAULT_KINDS) if calls is None else calls))
        self._faults = tuple(faults)
        self._strace = strace
        self._threads: dict[str, int] = {}
        self._held = ExitStack()

    def __enter__(self) -> "Attachment":
        """Attach; raises StraceMissing, PtraceForbidden or CaptureError."""
        self._tracer = find_tracer(self._calls, attaching=True, strace=self._strace)
        if not thread_ids(self.process_id):
            raise CaptureError(f"process={self.process_id}, expected one that runs")
        with ExitStack() as held:
            raw = held.enter_context(RawOutput(self.output))
            self._said = held.enter_context(tempfile.TemporaryFile())
            self._started_ns = time.monotonic_ns()
            with traceable_by_children():
                self._process = self._started(raw.path, self._said)
                self._wait_until_attached()
            self._held = held.pop_all()
        return self

    def _started(self, raw: Path, said: IO[bytes]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [
                self._tracer.path,
                *self._tracer.options,
                *content_option(self._content_byte_count),
                *injections(self._faults),
                "-o",
                str(raw),
                "-p",
                str(self.process_id),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,  # the terminal's Ctrl-C is the program's, not strace's
        )

    def _wait_until_attached(self) -> None:
        """Until every thread is traced; strace does not outlive a failure."""
        try:
            self._wait_for_threads()
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    def _wait_for_threads(self) -> None:
        while not is_traced_by(self.process_id, self._process.pid):
            if self._process.poll() is not None:
                self._said.seek(0)
                said = self._said.read().decode("utf-8", "replace")
                forbidden = forbidden_said(said)
                if forbidden:
                    raise PtraceForbidden(forbidden)
                raise CaptureError(f"strace=exit {self._process.returncode}: {said.strip()}")
            time.sleep(0.002)
        self._threads = {str(each): self.process_id for each in thread_ids(self.process_id)}

    def wait(self, most_s: float | None = None) -> None:
        """Until the traced process has ended by itself, or the time is over."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(most_s)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Detach; the process goes on."""
        with self._held:
            still_runs = self._process.poll() is None
            if still_runs:
                self._process.send_signal(signal.SIGINT)
            self._process.wait()
        record = CaptureRecord(
            command=_command_line(self.process_id),
            tool=self._tracer.tool,
            calls=self._calls,
            content_byte_count=self._content_byte_count,
            faults=self._faults,
            process_ids=self._threads,
            seccomp_fallback=self._tracer.seccomp_fallback,
            detached=still_runs,
            wall_ns=time.monotonic_ns() - self._started_ns,
        )
        write_record(self.output, record)
        self.result = CaptureResult(None, (self.output,), self._tracer.seccomp_fallback, record)


def _command_line(process_id: int) -> tuple[str, ...]:
    """The program of a process; empty where it has ended."""
    try:
        text = Path(f"/proc/{process_id}/cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(os.fsdecode(word) for word in text.split(b"\0")[:-1])

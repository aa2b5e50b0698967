"""Runs strace: a program from its start, or one that runs already. No other module does.

The program has strace's own terminal and streams. Signals that ask this process to end are passed
on to the program, and whatever still runs is killed: a capture leaves no process behind.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, TypeAlias

from iowitness.traces.call_sets import DEFAULT_KINDS, calls_for
from iowitness.traces.capture_record import CaptureRecord, write_record
from iowitness.traces.raw_output import RawOutput
from iowitness.traces.strace_command import (
    FINE_TIMES,
    PLAIN_TIMES,
    CaptureError,
    CaptureTimedOut,
    PtraceForbidden,
    StraceMissing,
    content_option,
    fallback_said,
    filter_argument,
    forbidden_said,
    injections,
    unknown_option_said,
)
from iowitness.traces.traced_processes import child_ids, traced_by

Stream: TypeAlias = int | IO[bytes] | None

END_GRACE_S = 5.0
"""How long a program may take to obey a signal before it is killed."""

_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class CaptureResult:
    """A capture that was made.

    `exit_status` is the program's; negative for the signal that ended it; None where strace was
    detached while the program went on. `raw_files` has the trace, one file (with `-ff` one for each
    thread); beside the first lies its record, which `read_history` finds by itself.
    `seccomp_fallback` says that strace stopped the program at every call: time is worth less then.
    """

    exit_status: int | None
    raw_files: tuple[Path, ...]
    seccomp_fallback: bool
    record: CaptureRecord


@dataclass(frozen=True, slots=True)
class Tracer:
    """A strace that works here: its options for time and filter were tried."""

    path: str
    tool: str
    options: tuple[str, ...]
    seccomp_fallback: bool


def find_tracer(
    calls: Sequence[str] = (), *, attaching: bool = False, strace: str = "strace"
) -> Tracer:
    """Try strace on itself with the options of the capture; `strace` is its name or path.

    Raises StraceMissing, PtraceForbidden, or CaptureError with strace's own words. The fall-back of
    `--seccomp-bpf` is silent but for a word on standard error, which a traced program shares; so it
    is looked for here, where nothing else writes.
    """
    path = shutil.which(strace)
    if path is None:
        raise StraceMissing(strace)
    seccomp = [] if attaching or not calls else ["--seccomp-bpf"]
    for times in (FINE_TIMES, PLAIN_TIMES):
        options = ["-f", *seccomp, *times, "-yy", *filter_argument(calls)]
        tried = subprocess.run(
            [path, *options, "-o", os.devnull, path, "-V"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if tried.returncode and unknown_option_said(tried.stderr) and times is FINE_TIMES:
            continue
        forbidden = forbidden_said(tried.stderr)
        if forbidden:
            raise PtraceForbidden(forbidden)
        if tried.returncode:
            raise CaptureError(f"strace=exit {tried.returncode}: {tried.stderr.strip()}")
        tool = tried.stdout.partition("\n")[0].strip()
        return Tracer(path, tool, tuple(options), not seccomp or bool(fallback_said(tried.stderr)))
    raise AssertionError("the loop returns or raises")


def capture(  # the options of one capture, each with a default
    command: Sequence[str | os.PathLike[str]],
    *,
    output: Path,
    content_byte_count: int = 32,
    calls: frozenset[str] | None = None,
    faults: Sequence[str] = (),
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    strace: str = "strace",
    most_s: float | None = None,
) -> CaptureResult:
    """Run a command under strace until it ends, its text to `output`.

    `output` may end in `.gz` or `.zst`: the text is then compressed as it comes. `calls` is the
    filter, the calls of `DEFAULT_KINDS` unless given. `content_byte_count` is how much of each
    buffer is kept, but never less than a mark. Ctrl-C reaches the program, and
    once that has ended it is raised here. A command that has not ended after `most_s` seconds is
    killed with all that it started: CaptureTimedOut, and the trace as far as it came is in
    `output`.
    """
    traced = tuple(sorted(calls_for(DEFAULT_KINDS) if calls is None else calls))
    tracer = find_tracer(traced, strace=strace)
    program = [os.fspath(word) for word in command]
    if shutil.which(program[0], path=(env or os.environ).get("PATH")) is None:
        raise CaptureError(f"command={program[0]}, expected a program that can be run")
    started_ns = time.monotonic_ns()
    with RawOutput(output) as raw:
        arguments = [
            tracer.path,
            *tracer.options,
            *content_option(content_byte_count),
            *injections(faults),
            "-o",
            str(raw.path),
            "--",
            *program,
        ]
        process = subprocess.Popen(
            arguments, stdin=stdin, stdout=stdout, stderr=stderr, cwd=cwd, env=env
        )
        with passing_signals_on(process):
            try:
                status = process.wait(most_s)
            except subprocess.TimeoutExpired:
                raise CaptureTimedOut(program[0], most_s or 0.0) from None
    record = CaptureRecord(
        command=tuple(program),
        tool=tracer.tool,
        calls=traced,
        content_byte_count=content_byte_count,
        faults=tuple(faults),
        seccomp_fallback=tracer.seccomp_fallback,
        exit_status=status,
        wall_ns=time.monotonic_ns() - started_ns,
    )
    write_record(output, record)
    return CaptureResult(status, (output,), tracer.seccomp_fallback, record)


@contextlib.contextmanager
def passing_signals_on(tracer: "subprocess.Popen[bytes]") -> Iterator[None]:
    """While inside, signals that ask to end go to the traced program; then they happen here.

    Whatever strace still traces when the inside is left, by an exception too, is killed.
    """
    came: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        if len(came) == 1:
            deadline.start()
        if number == signal.SIGINT and _terminal_told_all():
            return
        for process_id in child_ids(tracer.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process_id, number)

    deadline = threading.Timer(END_GRACE_S, end_all, (tracer,))
    deadline.daemon = True
    before: dict[signal.Signals, object] = {}
    if threading.current_thread() is threading.main_thread():
        for each in _ENDING_SIGNALS:
            before[each] = signal.signal(each, pass_on)
    try:
        yield
    finally:
        deadline.cancel()
        end_all(tracer)
        for each, handler in before.items():
            signal.signal(each, handler)  # type: ignore[arg-type]  # what signal.signal returned
    for number in came[:1]:
        signal.raise_signal(number)


def _terminal_told_all() -> bool:
    """Whether Ctrl-C came from the terminal, which tells the program by itself."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def end_all(tracer: "subprocess.Popen[bytes]") -> None:
    """Kill what is still traced, then strace."""
    if tracer.poll() is not None:
        return
    for process_id in traced_by(tracer.pid):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process_id, signal.SIGKILL)
    try:
        tracer.wait(END_GRACE_S)
    except subprocess.TimeoutExpired:
        tracer.kill()
        tracer.wait()

"""`iowitness trace` captures a program, or takes a trace that exists, and says what it did."""

import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

import click

from iowitness.exit_codes import ExitCode
from iowitness.traced_phases import PhaseUsage, traced_phases

_FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to make of a trace."""

    history: Path | None
    perfetto: Path | None
    parquet: Path | None
    duckdb: Path | None
    phase: str | None
    form: str

    @property
    def needs_whole_history(self) -> bool:
        """Whether the events have to be held in memory."""
        return any((self.history, self.perfetto, self.parquet, self.duckdb))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What to capture, and how."""

    out: Path
    content_byte_count: int
    suites: tuple[str, ...]
    faults: tuple[str, ...]
    block: Path | None
    compared: bool
    marks: bool


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--pid", type=int, help="Attach to a process with all its threads.")
@click.option("--seconds", type=float, help="With --pid: detach after so long; else Ctrl-C does.")
@click.option("--summary", type=click.Path(path_type=Path), metavar="TRACE",
              help="Take this trace (a file, a folder of -ff, - for standard input).")  # fmt: skip
@click.option("--out", type=_FILE, default=Path("trace.strace"), show_default=True,
              help="The raw text; .gz and .zst are compressed as they come.")  # fmt: skip
@click.option("--content", type=click.IntRange(0), default=32, show_default=True,
              help="Bytes of each buffer to keep.")  # fmt: skip
@click.option("--suite", "suites", multiple=True,
              help="Trace only what the contracts of this suite need.")  # fmt: skip
@click.option("--faults", multiple=True, metavar="CALL:error=E:when=N",
              help="Passed to strace; when counts the calls of each thread apart.")  # fmt: skip
@click.option("--compare-untraced", "compared", is_flag=True,
              help="Run the program untraced too, and say how much slower it was.")  # fmt: skip
@click.option("--block", type=click.Path(path_type=Path, exists=True, file_okay=False),
              metavar="FOLDER", help="Also what reaches the device below (root).")  # fmt: skip
@click.option("--phase", "phases", multiple=True, metavar="NAME[=COMMAND]",
              help="NAME: bracket COMMAND, or pick this phase of a trace. NAME=COMMAND, "
              "several times: stages of one trace, in turn.")  # fmt: skip
@click.option("--history", type=_FILE, help="Write the events as JSON lines (.gz, .zst).")
@click.option("--perfetto", type=_FILE, help="Write a Chrome trace, gzip.")
@click.option("--parquet", type=_FILE, help="Write a table (extra: analysis).")
@click.option("--duckdb", type=_FILE, help="Write a table of a database (extra: analysis).")
@click.option("--json", "form", flag_value="json", default="text", help="Print figures as JSON.")
def trace(command: tuple[str, ...], pid: int | None, seconds: float | None, summary: Path | None,
          out: Path, content: int, suites: tuple[str, ...], faults: tuple[str, ...],
          compared: bool, block: Path | None, phases: tuple[str, ...], history: Path | None,  # noqa: FBT001  # click passes a flag so
          perfetto: Path | None, parquet: Path | None, duckdb: Path | None,
          form: str) -> NoReturn:  # fmt: skip
    """Trace a COMMAND, a process, or take a trace that exists; print calls and bytes.

    Leaves with the command's own exit status; 2 for usage errors, 3 where tracing is not possible.

    \b
    Example: iowitness trace --perfetto t.json.gz -- tar cf /tmp/x.tar /etc
             iowitness trace --phase load="./load.sh" --phase query="./query.sh"
    """
    takes = pid is not None or summary is not None
    if sum((bool(command or (phases and not takes)), pid is not None, summary is not None)) != 1:
        raise click.UsageError("expected one of: -- COMMAND, --phase NAME=COMMAND, --pid, "
                               "--summary TRACE")  # fmt: skip
    try:
        traced = traced_phases(command, phases, runs=not takes)
    except PhaseUsage as error:
        raise click.UsageError(str(error)) from error
    command = traced.command
    wanted = _Wanted(history, perfetto, parquet, duckdb, traced.picked, form or "text")
    asked = _Asked(out, content, suites, faults, block, compared, bool(phases))
    raise SystemExit(_guarded(command, pid, seconds, summary, asked, wanted))


def _guarded(
    command: tuple[str, ...],
    pid: int | None,
    seconds: float | None,
    summary: Path | None,
    asked: _Asked,
    wanted: _Wanted,
) -> int:
    """Do it; what is wrong with the user's files or machine is told in one line."""
    from iowitness.specs.suite import SuiteError, SuiteNotFound
    from iowitness.traces.block_trace import BlockTraceUnavailable
    from iowitness.traces.event_table import AnalysisMissing
    from iowitness.traces.phase_events import PhaseMissing
    from iowitness.traces.strace_command import CaptureError, PtraceForbidden, StraceMissing
    from iowitness.traces.trace_error import TraceError

    try:
        if summary is not None:
            _tell(str(summary), None, wanted)
            return ExitCode.HOLDS
        if pid is not None:
            return _attached(pid, seconds, asked, wanted)
        return _captured(command, asked, wanted)
    except (PtraceForbidden, StraceMissing, BlockTraceUnavailable) as error:
        click.echo(f"iowitness trace: {error}", err=True)
        return ExitCode.UNKNOWN
    except (CaptureError, TraceError, SuiteError, SuiteNotFound, PhaseMissing,
            AnalysisMissing) as error:  # fmt: skip
        click.echo(f"iowitness trace: {error}", err=True)
        return ExitCode.USAGE
    except OSError as error:
        click.echo(f"iowitness trace: {error.filename}: {error.strerror}", err=True)
        return ExitCode.USAGE


def _calls(asked: _Asked) -> frozenset[str] | None:
    """The filter that the contracts of the suites need; None for the default one."""
    if not asked.suites:
        return None
    from iowitness.specs.suite import kinds_needed_by
    from iowitness.traces.call_sets import calls_for

    kinds = {kind for name in asked.suites for kind in kinds_needed_by(name)}
    return calls_for(kinds | {"Marked"} if asked.marks else kinds)


def _captured(command: tuple[str, ...], asked: _Asked, wanted: _Wanted) -> int:
    from iowitness.traces.block_trace import BlockTrace
    from iowitness.traces.capture import capture

    untraced_s = _untraced(command) if asked.compared else None
    with ExitStack() as held:
        blocks = None if asked.block is None else held.enter_context(BlockTrace(asked.block))
        result = capture(
            command,
            output=asked.out,
            content_byte_count=asked.content_byte_count,
            calls=_calls(asked),
            faults=asked.faults,
        )
    if result.seccomp_fallback:
        click.echo("iowitness trace: strace stopped the program at every call; times are worth "
                   "less", err=True)  # fmt: skip
    if untraced_s is not None:
        traced_s = result.record.wall_ns / 1e9
        click.echo(
            f"untraced {untraced_s:.3f} s, traced {traced_s:.3f} s: "
            f"{traced_s / max(untraced_s, 1e-9):.2f} times as long",
            err=True,
        )
    _tell(str(asked.out), blocks, wanted)
    status = result.exit_status or 0
    return 128 - status if status < 0 else status


def _untraced(command: tuple[str, ...]) -> float:
    """The wall time of the command without a tracer, in seconds."""
    started = time.monotonic()
    subprocess.run(command, check=False)
    return time.monotonic() - started


def _attached(pid: int, seconds: float | None, asked: _Asked, wanted: _Wanted) -> int:
    import contextlib

    from iowitness.traces.attachment import Attachment

    with (
        Attachment(
            pid,
            output=asked.out,
            content_byte_count=asked.content_byte_count,
            calls=_calls(asked),
            faults=asked.faults,
        ) as attached,
        contextlib.suppress(KeyboardInterrupt),
    ):
        attached.wait(seconds)
    _tell(str(asked.out), None, wanted)
    return ExitCode.HOLDS


def _tell(source: str, blocks: Any, wanted: _Wanted) -> None:
    """Read the trace, write what is wanted of it, print the figures."""
    from iowitness.traces.block_trace import merged
    from iowitness.traces.phase_events import events_of_phase
    from iowitness.traces.strace_history import read_history, stream
    from iowitness.traces.summary import summarized

    if not wanted.needs_whole_history and blocks is None:
        events = stream(source)
        watched = _with_progress(source, events)
        picked: Iterable[Any] = (
            watched if wanted.phase is None else events_of_phase(watched, wanted.phase)
        )
        summary = summarized(picked)
        _print(summary, events.provenance, wanted.form)
        return
    history = read_history(source)
    if blocks is not None:
        history = merged(history, blocks.history())
    if wanted.phase is not None:
        import msgspec

        kept = tuple(events_of_phase(history.events, wanted.phase))
        history = msgspec.structs.replace(history, events=kept)
    _write(history, wanted)
    _print(summarized(history.events), history.provenance, wanted.form)


def _with_progress(source: str, events: Any) -> Iterable[Any]:
    """The events, with a bar on the terminal while a long file is read."""
    if source == "-" or not sys.stderr.isatty():
        return cast("Iterable[Any]", events)
    from rich.progress import track

    shown: Iterable[Any] = track(events, description=source, transient=True)
    return shown


def _write(history: Any, wanted: _Wanted) -> None:
    from iowitness.traces.event_table import write_duckdb, write_parquet
    from iowitness.traces.history_file import write_history
    from iowitness.traces.perfetto import write_perfetto

    if wanted.history is not None:
        write_history(history, wanted.history)
    if wanted.perfetto is not None:
        write_perfetto(history, wanted.perfetto)
    if wanted.parquet is not None:
        write_parquet(history.events, wanted.parquet)
    if wanted.duckdb is not None:
        write_duckdb(history.events, wanted.duckdb)


def _print(summary: Any, provenance: Any, form: str) -> None:
    from iowitness.trace_tables import print_tables

    if form == "json":
        from iowitness.traces.json_lines import encoded

        figures = {
            "files": [asdict(each) for each in summary.files.values()],
            "threads": [asdict(each) for each in summary.threads.values()],
            "phases": [asdict(each) for each in summary.phases.figures.values()],
            "provenance": provenance,
        }
        click.echo(encoded(figures).decode())
        return
    print_tables(summary, provenance)


commands: tuple[click.Command, ...] = (trace,)

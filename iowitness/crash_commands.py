"""`iowitness crash`: every disk state that a crash could have left, recovered and judged."""

import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from iowitness.exit_codes import ExitCode

if TYPE_CHECKING:
    from iowitness.crash.operations import Recording
    from iowitness.crash_run.campaign import ModelTotal, Question, Stretch

_MODELS = ("weakest", "ext4-ordered", "xfs", "btrfs", "data-journal")
_MOST_SHOWN_FAULTS = 5
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class _Asked:
    trace: Path | None
    root: str | None
    initial: Path | None
    contents: Path | None
    models: tuple[str, ...]
    lost_count: int
    recent_count: int | None
    promise: str
    recover: str
    check: str
    record_count: int
    workers: int
    progress: Path | None
    form: str
    replay: str | None
    out: Path | None


@click.command()
@click.argument("trace", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--root", help="The folder whose states are judged, as the trace names it.")
@click.option("--initial", type=_FOLDER, help="The folder as it was before the trace.")
@click.option("--contents", type=_FOLDER, help="The folder as it was after: for mapped files.")
@click.option("--model", "models", multiple=True, type=click.Choice(_MODELS),
              metavar="NAME", help="weakest, ext4-ordered, xfs, btrfs, data-journal.")  # fmt: skip
@click.option("--lost", "lost_count", type=click.IntRange(0, 2), default=2, show_default=True,
              help="Changes lost at once.")  # fmt: skip
@click.option("--recent", "recent_count", type=click.IntRange(1),
              help="Lose pairs among so many latest changes only.")  # fmt: skip
@click.option("--promise", type=click.Choice(["flushed", "acknowledged"]), default="flushed",
              metavar="WHICH", help="Of acknowledged records, those that survive.")  # fmt: skip
@click.option("--recover", default="", metavar="CMD", help="Recovers the state in $STATE.")
@click.option("--check", default="", metavar="CMD",
              help="Exits 0 if $STATE is right; $SAID has what was told.")  # fmt: skip
@click.option("--records", "record_count", type=click.IntRange(1), default=100,
              show_default=True, help="Without TRACE: records of the workload.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1), help="Processes.  [default: CPUs]")
@click.option("--progress", type=click.Path(path_type=Path, dir_okay=False),
              help="Keep finished parts here, and go on from them.")  # fmt: skip
@click.option("--json", "form", flag_value="json", default="text", help="Print JSON.")
@click.option("--out", type=click.Path(path_type=Path),
              help="Without TRACE: keep the trace and the folder here.")  # fmt: skip
@click.option("--replay", metavar="STATE", help="Lay out one state in --out, by its name.")
def crash(**options: Any) -> NoReturn:
    """Judge every disk state that a crash could have left behind.

    Without TRACE a broker of ours is run and traced. A TRACE needs all bytes of its calls
    (`iowitness trace --content 1048576`), and --check unless it is one of ours.

    \b
    Example: iowitness crash a.strace --root /srv/db --check './check.sh $STATE'
    """
    raise SystemExit(_guarded(_Asked(**{**options, "workers": options["workers"] or _cpus()})))


def _cpus() -> int:
    return len(os.sched_getaffinity(0))


def _guarded(asked: _Asked) -> ExitCode:
    from iowitness.crash.errors import CrashError
    from iowitness.real_run.runs import RealRunFailed
    from iowitness.traces.strace_command import CaptureError
    from iowitness.traces.trace_error import TraceError

    try:
        with tempfile.TemporaryDirectory(prefix="iowitness-crash-") as name:
            return _judged(asked, Path(name).resolve())
    except (CrashError, TraceError) as error:
        click.echo(f"iowitness crash: {error}", err=True)
        return ExitCode.USAGE
    except (CaptureError, RealRunFailed) as error:
        click.echo(f"iowitness crash: {error}", err=True)
        return ExitCode.UNKNOWN


def _judged(asked: _Asked, scratch: Path) -> ExitCode:
    from iowitness.crash_run.campaign import ModelTotal, run

    recording, again = _recording(asked, scratch)
    if asked.replay is not None:
        return _replayed(asked, recording)
    question = _question(asked, recording)
    _check_the_end(question)
    totals = {name: ModelTotal(name) for name in question.model_names}
    began = time.monotonic()
    stretches = run(question, workers=asked.workers, progress_file=asked.progress)
    for stretch in _shown(stretches, question):
        totals[stretch.model].add(stretch)
    told = _Told(recording, tuple(totals.values()), time.monotonic() - began, again)
    if asked.form == "json":
        _print_json(told)
    else:
        _print_text(told)
    wrong = any(total.failure_count for total in totals.values())
    return ExitCode.VIOLATED if wrong else ExitCode.HOLDS


def _recording(asked: _Asked, scratch: Path) -> "tuple[Recording, str]":
    """What to explore, and the command line that explores it again."""
    from iowitness.crash.errors import CrashError
    from iowitness.crash.from_history import recording_of
    from iowitness.crash_run.recorded_workload import (
        default_workload,
        folder_contents,
        record,
    )
    from iowitness.trace_sources import whole_history

    if asked.trace is not None:
        if asked.root is None:
            raise CrashError("a TRACE needs --root, the folder whose states are judged")
        recording = recording_of(
            whole_history(asked.trace),
            os.path.normpath(asked.root),
            initial=None if asked.initial is None else folder_contents(asked.initial),
            kept=None if asked.contents is None else folder_contents(asked.contents),
        )
        return recording, _again(asked.trace, asked.root, asked.contents, asked.initial)
    folder = scratch if asked.out is None else asked.out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise CrashError(f"{folder} is not empty: give --out another folder")
    flush = 1 if asked.promise == "acknowledged" else None
    recorded = record(default_workload(asked.record_count), folder, flush_record_count=flush)
    if asked.out is None:
        return recorded.recording, ""
    root = folder / "data"
    return recorded.recording, _again(recorded.trace, str(root), root, None)


def _again(trace: Path, root: str, contents: Path | None, initial: Path | None) -> str:
    parts = ["iowitness", "crash", str(trace), "--root", root]
    if contents is not None:
        parts += ["--contents", str(contents)]
    if initial is not None:
        parts += ["--initial", str(initial)]
    return shlex.join(parts)


def _question(asked: _Asked, recording: "Recording") -> "Question":
    from iowitness.crash.states import Bounds
    from iowitness.crash_run.campaign import Question
    from iowitness.crash_run.folder_checker import Commands, FolderCheckers
    from iowitness.crash_run.log_checker import LogCheckers, Promise

    bounds = Bounds(lost_count=asked.lost_count, recent_count=asked.recent_count)
    models = asked.models or _MODELS
    if asked.check or asked.recover:
        commands = Commands(asked.recover, asked.check)
        source = partial(FolderCheckers, judge=commands)
        return Question(recording, models, bounds, source, f"{commands}")
    promise = Promise(asked.promise)
    log_source = partial(LogCheckers, promise=promise)
    return Question(recording, models, bounds, log_source, f"{promise}")


def _check_the_end(question: "Question") -> None:
    """A checker that finds fault with the folder as the program left it judges nothing else."""
    from iowitness.crash.disk import Disk
    from iowitness.crash.errors import CrashError
    from iowitness.crash.exploration import state_of
    from iowitness.crash.file_bytes import Loss
    from iowitness.crash.persistence import WEAKEST

    checker = question.source(question.recording).checker()
    disk = Disk(question.recording, WEAKEST)
    for place, operation in enumerate(question.recording.operations):
        disk.play(place, operation)
        checker.observe(place, operation)
    fault = checker.judge(state_of(disk, Loss()))
    if fault is not None:
        raise CrashError(f"the check fails where nothing is lost, after the last call: {fault}")


def _replayed(asked: _Asked, recording: "Recording") -> ExitCode:
    from iowitness.crash.errors import CrashError
    from iowitness.crash.exploration import state_named
    from iowitness.crash.state_name import read_state_name
    from iowitness.crash_run.folder_checker import lay_out

    assert asked.replay is not None
    if asked.out is None or asked.out.exists():
        raise CrashError("--replay needs --out, a folder that does not exist yet")
    name = read_state_name(asked.replay, len(recording.operations))
    lay_out(state_named(recording, name), asked.out)
    click.echo(f"{asked.out}: {name}")
    return ExitCode.HOLDS


def _shown(stretches: "Iterator[Stretch]", question: "Question") -> "Iterator[Stretch]":
    """The same stretches, with a bar on the terminal that says what is left."""
    from iowitness.crash_run.campaign import stretches as all_stretches

    total = len(all_stretches(question.recording)) * len(question.model_names)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("states", total=total)
        states = 0
        for stretch in stretches:
            states += stretch.state_count
            progress.update(task, advance=1, description=f"{states:,} states")
            yield stretch


@dataclass(frozen=True, slots=True)
class _Told:
    recording: "Recording"
    totals: "tuple[ModelTotal, ...]"
    seconds: float
    again: str

    @property
    def state_count(self) -> int:
        return sum(total.state_count for total in self.totals)


def _print_text(told: _Told) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("persistence model")
    for column in ("states", "distinct, recovered", "wrong"):
        table.add_column(column, justify="right")
    for total in told.totals:
        counts = (total.state_count, total.recovered_count, total.failure_count)
        table.add_row(total.model, *(f"{count:,}" for count in counts))
    Console(file=sys.stdout).print(table)
    rate = told.state_count / told.seconds if told.seconds else 0.0
    click.echo(
        f"{told.state_count:,} states after {len(told.recording.operations):,} operations "
        f"({told.recording.change_count:,} changes) in {told.seconds:.1f} s: {rate:,.0f} states/s"
    )
    for total in told.totals:
        for failure in total.failures[:_MOST_SHOWN_FAULTS]:
            count = total.fault_counts[failure.fault]
            click.echo(f"VIOLATED {total.model}, {count:,} states: {failure.fault}")
            click.echo(f"  first after line {failure.line}, state {failure.state}")
            if told.again:
                click.echo(f"  lay it out: {told.again} --replay {failure.state} --out STATE")
        left = len(total.failures) - _MOST_SHOWN_FAULTS
        if left > 0:
            click.echo(f"  and {left:,} other faults under {total.model}: --json has them all")
    if any(total.failures for total in told.totals) and not told.again:
        click.echo("run again with --out DIR to keep the trace and lay states out")


def _print_json(told: _Told) -> None:
    click.echo(
        json.dumps(
            {
                "operation_count": len(told.recording.operations),
                "change_count": told.recording.change_count,
                "state_count": told.state_count,
                "seconds": round(told.seconds, 3),
                "models": [
                    {
                        "model": total.model,
                        "state_count": total.state_count,
                        "recovered_count": total.recovered_count,
                        "failure_count": total.failure_count,
                        "failures": [
                            {
                                "fault": one.fault,
                                "state_count": total.fault_counts[one.fault],
                                "first_state": str(one.state),
                                "line": one.line,
                            }
                            for one in total.failures
                        ],
                    }
                    for total in told.totals
                ],
            },
            indent=2,
        )
    )


commands = (crash,)

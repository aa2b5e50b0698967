"""One verification: the suite's workload in both worlds, judged, compared and written down."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from iowitness.model.simulate import Prediction
from iowitness.prediction import DEFAULT_PRESET, predict
from iowitness.real_run.run_files import RunOrder, RunResult
from iowitness.real_run.runs import prepared, result_of, run_untraced
from iowitness.real_run.sabotage import SABOTAGES
from iowitness.report.artifacts import write_artifacts
from iowitness.report.run_report import RunReport
from iowitness.specs.agreement import compare
from iowitness.specs.contract import Contract, judge_history
from iowitness.specs.suite import Suite
from iowitness.traces.capture import capture
from iowitness.traces.history import History
from iowitness.traces.strace_history import read_history
from iowitness.verify.this_environment import this_environment
from iowitness.verify.told_figures import predicted_figures, step_times

RAW_TRACE_NAME = "run.strace"

Progress = Callable[[str], None]
"""Told what is being done, one line at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOrder:
    """What is asked for: a suite, the seed of the simulation, and the fault to plant, if any.

    `scratch` is the folder below which the broker's data folder is made, and removed again;
    `port` 0 takes any free port.
    """

    suite: Suite
    seed: int = 0
    sabotage: str | None = None
    scratch: Path | None = None
    port: int = 0
    command_line: tuple[str, ...] = ()
    started_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The real run, twice: under strace for its events, and without it for its times."""

    history: History
    data_root: str
    raw_trace: Path
    traced: RunResult
    untraced: RunResult
    seccomp_fallback: bool


@contextlib.contextmanager
def scratch_folder(below: Path | None) -> Iterator[Path]:
    """A folder for data and raw traces, removed at the end however it comes."""
    folder = Path(tempfile.mkdtemp(prefix="iowitness-", dir=below)).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def observe(order: VerifyOrder, folder: Path, tell: Progress) -> Observation:
    """Carry the workload out under strace and once more without.

    Raises `RealRunFailed`, and what `capture` raises where nothing can be traced.
    """
    tell("running the workload under strace")
    data_root = folder / "data"
    raw_trace = folder / RAW_TRACE_NAME
    run_order = _run_order(order, data_root)
    command, result_path = prepared(run_order, folder)
    said_path = folder / "said.txt"
    with said_path.open("wb") as said:
        captured = capture(
            command,
            output=raw_trace,
            content_byte_count=order.suite.content_byte_count,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    traced = result_of(result_path, captured.exit_status, said_path.read_text(errors="replace"))
    shutil.rmtree(data_root)
    tell("running it once more without strace, for its times")
    untraced = run_untraced(_run_order(order, folder / "untraced"), folder)
    tell("reading the trace")
    return Observation(
        history=read_history(raw_trace),
        data_root=str(data_root),
        raw_trace=raw_trace,
        traced=traced,
        untraced=untraced,
        seccomp_fallback=captured.seccomp_fallback,
    )


def _run_order(order: VerifyOrder, data_root: Path) -> RunOrder:
    return RunOrder(
        workload=order.suite.workload,
        data_folder=str(data_root),
        sabotage=order.sabotage,
        port=order.port,
    )


def judged(order: VerifyOrder, prediction: Prediction, observation: Observation) -> RunReport:
    """The verdicts and the comparison, with everything that a report tells of them."""
    suite = order.suite
    return RunReport(
        suite=suite.name,
        command_line=order.command_line,
        started_at=order.started_at,
        environment=this_environment(),
        workload=suite.workload,
        seed=order.seed,
        verdicts=judge_history(
            cast("Sequence[Contract]", suite.contracts),
            observation.history,
            root=observation.data_root,
        ),
        agreement=compare(
            prediction.history,
            observation.history,
            suite.agreement,
            observed_root=observation.data_root,
        ),
        data_root=observation.data_root,
        predicted_figures=predicted_figures(prediction.figures),
        step_times=step_times(prediction.figures, observation.traced, observation.untraced),
        findings=tuple(_remarks(order, observation)),
        observed=observation.history,
        predicted=prediction.history,
    )


def _remarks(order: VerifyOrder, observation: Observation) -> Iterator[str]:
    if order.sabotage is not None:
        planted = SABOTAGES[order.sabotage]
        yield (
            f"fault planted on purpose: {planted.name}, {planted.does}; "
            f"{planted.caught_by} must not hold"
        )
    if observation.seccomp_fallback:
        yield "strace stopped the program at every call (no seccomp filter): traced times are worse"


def verify(order: VerifyOrder, out: Path, tell: Progress) -> RunReport:
    """The whole arc, the writing of the artifacts to the folder `out` included.

    Whatever ends it early leaves no process, no scratch files and no part of a report.
    """
    tell("simulating the workload")
    prediction = predict(order.suite.workload, order.suite.hardware or DEFAULT_PRESET, order.seed)
    with scratch_folder(order.scratch) as folder:
        observation = observe(order, folder, tell)
        tell("judging and comparing")
        report = judged(order, prediction, observation)
        tell("writing the report")
        write_artifacts(report, out, (observation.raw_trace,))
    return report

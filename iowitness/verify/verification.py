"""One verification: the suite's workload in both worlds, judged, compared and written down."""

import contextlib
import datetime
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from iowitness.prediction import DEFAULT_PRESET, predict
from iowitness.model.simulate import Prediction
from iowitness.real_run.run_files import RunOrder, RunResult
from iowitness.real_run.runs import prepared, result_of, run_untraced
from iowitness.report.run_report import RunReport
from iowitness.specs.agreement import compare
from iowitness.specs.contract import judge_all
from iowitness.specs.suite import Suite
from iowitness.traces.capture import capture
from iowitness.traces.history import History
from iowitness.traces.strace_history import read_history
from iowitness.verify.this_environment import this_environment
from iowitness.verify.told_figures import predicted_figures, step_times

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The real run, twice: under strace for its events, and without it for its times."""

    history: History
    data_root: str
    traced: RunResult
    untraced: RunResult


@contextlib.contextmanager
def scratch_folder(below: Path | None) -> Iterator[Path]:
    """A folder for data and raw traces, removed at the end however it comes."""
    folder = Path(tempfile.mkdtemp(prefix="iowitness-", dir=below)).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def observe(order: VerifyOrder, folder: Path, raw_trace: Path, tell: Progress) -> Observation:
    """Carry the workload out under strace and once more without. Raises `RealRunFailed`."""
    tell("running the workload under strace")
    data_root = folder / "data"
    run_order = _run_order(order, data_root)
    command, result_path = prepared(run_order, folder)
    said_path = folder / "said.txt"
    with said_path.open("wb") as said:
        captured = capture(
            command,
            output=raw_trace,
            content_byte_count=order.suite.content_byte_count,
            stdout=said,
            stderr=said,
        )
    traced = result_of(result_path, captured.exit_status, said_path.read_text(errors="replace"))
    shutil.rmtree(data_root)
    tell("running it once more without strace, for its times")
    untraced = run_untraced(_run_order(order, folder / "untraced"), folder)
    tell("reading the trace")
    history = read_history(raw_trace)
    return Observation(history=history, data_root=str(data_root), traced=traced, untraced=untraced)


def _run_order(order: VerifyOrder, data_root: Path) -> RunOrder:
    return RunOrder(
        workload=order.suite.workload,
        data_folder=str(data_root),
        sabotage=order.sabotage,
        port=order.port,
    )


def verify(order: VerifyOrder, raw_trace: Path, folder: Path, tell: Progress) -> RunReport:
    """The whole arc, without the writing of artifacts. `raw_trace` is where strace writes."""
    started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    suite = order.suite
    tell("simulating the workload")
    prediction = predict(suite.workload, suite.hardware or DEFAULT_PRESET, order.seed)
    observation = observe(order, folder, raw_trace, tell)
    tell("judging and comparing")
    verdicts = judged(suite, observation.history, observation.data_root)
    agreement = compared(suite, prediction, observation)
    findings = (
        (f"fault planted on purpose: {order.sabotage}",) if order.sabotage is not None else ()
    )
    return RunReport(
        suite=suite.name,
        command_line=order.command_line,
        started_at=started_at,
        environment=this_environment(),
        workload=suite.workload,
        seed=order.seed,
        verdicts=verdicts,
        agreement=agreement,
        data_root=observation.data_root,
        predicted_figures=predicted_figures(prediction.figures),
        step_times=step_times(prediction.figures, observation.traced, observation.untraced),
        findings=findings,
        observed=observation.history,
        predicted=prediction.history,
    )

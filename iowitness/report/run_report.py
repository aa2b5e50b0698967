"""`RunReport`: everything that a report says of one run, as values and without files."""

from msgspec import Struct

from iowitness.specs.agreement import Agreement
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.specs.workload import Workload
from iowitness.traces.history import History


class StepTimes(Struct, frozen=True, kw_only=True):
    """What one step of the workload took, all processes together, in seconds.

    Traced is under strace, which slows what it watches; untraced is a second run without it. None
    where that run, or that prediction, was not made.
    """

    name: str
    traced_wall_s: float | None = None
    traced_cpu_s: float | None = None
    untraced_wall_s: float | None = None
    untraced_cpu_s: float | None = None
    predicted_wall_s: float | None = None
    predicted_cpu_s: float | None = None


class PredictedFigure(Struct, frozen=True, kw_only=True):
    """A number that only the model yields: copies, seeks, time. `remark` says how to take it."""

    name: str
    value: float
    unit: str = ""
    remark: str = ""


class Environment(Struct, frozen=True, kw_only=True):
    """Where and with what the run was made, as text: `Linux 6.18.5`, `CPython 3.11.2`, `6.1`."""

    kernel: str
    python: str
    strace: str
    iowitness: str
    machine: str = ""


class RunFacts(Struct, frozen=True, kw_only=True):
    """All of a report but its histories: what `verdicts.json` holds.

    `command_line` repeats the run. `started_at` is ISO 8601 with its offset from UTC. `data_root`
    is the folder of the files under contract, by the path that the events have; paths are shown
    relative to it. `predicted_root` is the same for the prediction, empty where its paths are
    relative already. `findings` are remarks of the
    run itself, beyond its verdicts (a planted fault, a fallback). `workload` is None where a
    foreign program was judged.
    """

    suite: str
    command_line: tuple[str, ...]
    started_at: str
    environment: Environment
    verdicts: tuple[Verdict, ...]
    agreement: Agreement | None = None
    workload: Workload | None = None
    seed: int | None = None
    data_root: str = ""
    predicted_root: str = ""
    predicted_figures: tuple[PredictedFigure, ...] = ()
    step_times: tuple[StepTimes, ...] = ()
    findings: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The worst verdict; a prediction that disagrees is VIOLATED; nothing judged is UNKNOWN."""
        if not self.verdicts:
            return Outcome.UNKNOWN
        outcome = Outcome.combined(verdict.outcome for verdict in self.verdicts)
        if self.agreement is not None and not self.agreement.agrees:
            return Outcome.VIOLATED
        return outcome


class RunReport(RunFacts, frozen=True, kw_only=True):
    """A whole report. `predicted` is None where nothing was predicted."""

    observed: History
    predicted: History | None = None

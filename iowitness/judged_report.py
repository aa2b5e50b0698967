"""A judged trace as a report: what `check` and the pytest plugin write and print."""

import datetime

from iowitness.report.run_report import RunReport
from iowitness.specs.agreement import Agreement
from iowitness.specs.verdict import Verdict
from iowitness.traces.history import History
from iowitness.verify.this_environment import this_environment


def report_of(
    verdicts: tuple[Verdict, ...],
    history: History,
    *,
    suite_name: str,
    root: str,
    command_line: tuple[str, ...],
    agreement: Agreement | None = None,
) -> RunReport:
    """The report on a trace of a program that iowitness did not run itself."""
    return RunReport(
        suite=suite_name,
        command_line=command_line,
        started_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        environment=this_environment(),
        verdicts=verdicts,
        agreement=agreement,
        data_root=root,
        observed=history,
    )

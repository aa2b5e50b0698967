"""One trace of a test: its events, its verdicts, and what is kept of it."""

import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec
import pytest

from iowitness.judged_report import report_of
from iowitness.pytest_plugin.asked_contracts import Asked, AskedContracts, asked_contracts
from iowitness.pytest_plugin.told import ARTIFACTS, contract_property
from iowitness.pytest_plugin.violation import ContractViolated, violation_text
from iowitness.report.run_report import RunReport
from iowitness.report.trace_quotes import TraceQuotes, quotes
from iowitness.specs.contract import judge_history
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.traces.capture_record import record_path
from iowitness.traces.events import AnyEvent
from iowitness.traces.history import History
from iowitness.traces.history_file import write_history
from iowitness.traces.raw_input import file_lines
from iowitness.traces.strace_history import read_history

_Own: TypeAlias = Callable[[Iterable[AnyEvent]], tuple[AnyEvent, ...]]


class Trace:
    """What strace saw, complete once the `with` or the command that it is of has ended.

    `raw` is strace's text, `folder` where the trace's files lie, `artifacts` the report's folder
    once there is one. `verdicts` are all that were given so far, in order.
    """

    def __init__(self, item: pytest.Item, folder: Path, artifacts: Path | None) -> None:
        self.folder = folder
        self.raw = folder / "trace.strace"
        self.artifacts: Path | None = None
        self.verdicts: tuple[Verdict, ...] = ()
        self._item = item
        self._artifacts_wanted = artifacts
        self._own: _Own | None = None
        self._history: History | None = None
        self._ended = False

    def end(self, own: "_Own | None" = None) -> None:
        """The trace is complete; `own` picks the events of the test from those of tracing it."""
        self._ended = True
        self._own = own

    @property
    def history(self) -> History:
        """The events. Raises `TraceError` where the text cannot be read."""
        if not self._ended:
            raise RuntimeError("the trace has not ended, expected its history after the `with`")
        if self._history is None:
            whole = read_history(self.raw)
            if self._own is not None:
                whole = msgspec.structs.replace(whole, events=self._own(whole.events))
            self._history = whole
        return self._history

    def judge(
        self,
        *asked: Asked,
        set: Mapping[str, str] | None = None,  # noqa: A002  # the word of the command line
        root: str | Path = "",
    ) -> tuple[Verdict, ...]:
        """The verdicts of suites or contracts, whatever they are."""
        return tuple(
            verdict
            for group in self._groups(asked, set or {}, str(root))
            for verdict in self._judged(group)
        )

    def check(
        self,
        *asked: Asked,
        set: Mapping[str, str] | None = None,  # noqa: A002  # the word of the command line
        root: str | Path = "",
    ) -> tuple[Verdict, ...]:
        """As `judge`; raises `ContractViolated`, an AssertionError, unless all of them hold."""
        __tracebackhide__ = True
        return self.check_groups(self._groups(asked, set or {}, str(root)))

    def check_groups(self, groups: Sequence[AskedContracts]) -> tuple[Verdict, ...]:
        """As `check`, for what was read already."""
        __tracebackhide__ = True
        judged = [(group, self._judged(group)) for group in groups]
        failed = [
            (group, verdicts)
            for group, verdicts in judged
            if Outcome.combined(one.outcome for one in verdicts) is not Outcome.HOLDS
        ]
        everything = tuple(verdict for _, verdicts in judged for verdict in verdicts)
        if self._artifacts_wanted is not None or failed:
            self._write_artifacts(judged)
        if failed:
            shown = str(self.artifacts or "")
            texts = [
                violation_text(verdicts, group.suite_name, self._quotes(group, verdicts), "")
                for group, verdicts in failed
            ]
            blamed = tuple(one for one in everything if one.outcome is not Outcome.HOLDS)
            raise ContractViolated("\n".join([*texts, f"  report:   {shown}"]), blamed)
        return everything

    def keep(self) -> None:
        """Write what is kept of a trace that nothing judged: raw text and history."""
        if self._artifacts_wanted is None or self.artifacts is not None or not self.raw.exists():
            return
        self.artifacts = self._artifacts_wanted
        self.artifacts.mkdir(parents=True, exist_ok=True)
        self._copy_raw()
        write_history(self.history, self.artifacts / "observed.history.jsonl")

    def _copy_raw(self) -> None:
        assert self.artifacts is not None
        for path in (self.raw, record_path(self.raw)):
            if path.exists():
                shutil.copyfile(path, self.artifacts / path.name)

    def _groups(
        self, asked: Sequence[Asked], variables: Mapping[str, str], root: str
    ) -> tuple[AskedContracts, ...]:
        if not asked:
            raise TypeError("no contract is given, expected a suite or contracts")
        folders = (self._item.path.parent, self._item.config.rootpath)
        return asked_contracts(asked, variables=variables, root=root, folders=folders)

    def _judged(self, group: AskedContracts) -> tuple[Verdict, ...]:
        verdicts = judge_history(group.contracts, self.history, root=group.root)
        self.verdicts += verdicts
        for one in verdicts:
            told = contract_property(one.outcome.value, one.contract, one.summary)
            self._item.user_properties.append(told)
        lines = "\n".join(f"{one.outcome} {one.contract}: {one.summary}" for one in verdicts)
        self._item.add_report_section("call", f"I/O contracts ({group.suite_name})", lines)
        return verdicts

    def _report(self, group: AskedContracts, verdicts: tuple[Verdict, ...]) -> RunReport:
        return report_of(
            verdicts,
            self.history,
            suite_name=group.suite_name,
            root=group.root,
            command_line=(sys.executable, "-m", "pytest", self._item.nodeid),
        )

    def _quotes(self, group: AskedContracts, verdicts: tuple[Verdict, ...]) -> TraceQuotes:
        lines = file_lines(str(self.raw))
        return quotes(self._report(group, verdicts), self.raw.name, lines)

    def _write_artifacts(
        self, judged: Sequence[tuple[AskedContracts, tuple[Verdict, ...]]]
    ) -> None:
        """One report on all groups together: a test's folder is opened by people."""
        # Imported late: most tests hold, and need none of the report's parts.
        from iowitness.report.artifacts import write_artifacts

        if not judged:
            return
        first, _ = judged[0]
        names = " and ".join(dict.fromkeys(group.suite_name for group, _ in judged))
        verdicts = tuple(verdict for _, some in judged for verdict in some)
        report = msgspec.structs.replace(self._report(first, verdicts), suite=names)
        self.artifacts = self._artifacts_wanted or self.folder / "report"
        write_artifacts(report, self.artifacts, (self.raw,))
        self._copy_raw()
        self._item.user_properties.append((ARTIFACTS, str(self.artifacts)))

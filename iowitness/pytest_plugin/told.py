"""What a test run says of its contracts: properties of reports, and the section at the end.

Everything goes through the reports' own properties, because with pytest-xdist the tests ran in
other processes, and a report is all that comes over.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

UNTRACEABLE = "iowitness cannot trace: "
"""With what the reason of a skip or an error begins where the machine is the reason."""

CONTRACT, ARTIFACTS = "iowitness.contract", "iowitness.artifacts"
"""Names of the properties: an outcome with its contract and summary; a folder."""


def contract_property(outcome: str, contract: str, summary: str) -> tuple[str, str]:
    """One verdict as a property of a test, which JUnit files keep too."""
    return CONTRACT, f"{outcome} {contract}: {summary}"


def summary_lines(stats: Mapping[str, Sequence[Any]]) -> list[str]:
    """Every contract that does not hold, how many do, and what could not be traced."""
    lines: list[str] = []
    counts: Counter[str] = Counter()
    tests: set[str] = set()
    for report in _reports(stats, "call"):
        for name, value in report.user_properties:
            if name == CONTRACT:
                outcome = str(value).partition(" ")[0]
                counts[outcome] += 1
                tests.add(report.nodeid)
                if outcome != "HOLDS":
                    lines.append(f"{report.nodeid}: {value}")
            elif name == ARTIFACTS and report.failed:
                lines.append(f"{report.nodeid}: artifacts in {value}")
    if counts:
        told = ", ".join(f"{counts[one]} {one}" for one in ("HOLDS", "VIOLATED", "UNKNOWN"))
        lines.append(f"{told}, in {len(tests)} {'test' if len(tests) == 1 else 'tests'}")
    return lines + _untraced(stats)


def _untraced(stats: Mapping[str, Sequence[Any]]) -> list[str]:
    reasons: Counter[str] = Counter()
    for report in (*_reports(stats, "setup"), *_reports(stats, "call")):
        told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _, found, reason = told.partition(UNTRACEABLE)
        if found:
            reasons[reason.strip()] += 1
    return [
        f"not traced: {count} {'test' if count == 1 else 'tests'}: {reason}"
        for reason, count in reasons.items()
    ]


def _reports(stats: Mapping[str, Sequence[Any]], when: str) -> Iterable[Any]:
    for reports in stats.values():
        for report in reports:
            if getattr(report, "when", None) == when:
                yield report

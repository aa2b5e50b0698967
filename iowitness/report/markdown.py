"""`report.md`: the short form, fit for the summary of a GitHub job.

GitHub shows at most 1 MiB of it; this one grows with contracts and kept witnesses only, and with no
history. Text from outside is escaped for Markdown, and quoted trace lines stand in fences that are
longer than any run of backticks in them.
"""

import re
from collections.abc import Iterable, Sequence

from iowitness.report.byte_flow import byte_flow
from iowitness.report.event_words import event_place, event_words
from iowitness.report.flow_words import flow_sentence
from iowitness.report.printable import one_line
from iowitness.report.quantities import count_text, figure_text, seconds_text
from iowitness.report.reproduce_section import commands, environment_rows
from iowitness.report.run_report import RunReport, StepTimes
from iowitness.report.trace_quotes import NEAR_LINE_COUNT, TraceQuotes, lines_of
from iowitness.report.unseen_words import claim_limits, source_remarks
from iowitness.report.verdict_words import (
    SYMBOLS,
    agreement_mark,
    agreement_sentence,
    contracts_sentence,
    deviation_words,
    figure_words,
    rule_words,
)
from iowitness.report.workload_words import step_sentence
from iowitness.specs.agreement import Agreement, Comparison
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.traces.events import AnyEvent

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$])")
_DIFFERENCE_LIMIT = 3
_BLOCK_START = re.compile(r"^(\s*)(?=[#+\-=])|^(\s*\d+)(?=[.)])")


def markdown(report: RunReport, quotes: TraceQuotes) -> str:
    """The document, with a newline at its end."""
    outcome = report.outcome
    blocks = [
        f"# {SYMBOLS[outcome]} {outcome.value}: {plain(report.suite)}",
        f"{plain(contracts_sentence(report))} {plain(agreement_sentence(report))}",
        "## Verdicts",
        _verdicts(report),
        *_findings(report, quotes),
        *_unseen(report),
        *_agreement(report.agreement),
        "## Byte flow",
        plain(flow_sentence(byte_flow(report.observed, report.data_root))),
        *_times(report.step_times),
        *_workload(report),
        "## How to reproduce",
        fenced(commands(report).splitlines(), "sh"),
        table(("environment", ""), environment_rows(report)),
    ]
    return "\n\n".join(blocks) + "\n"


def plain(text: str) -> str:
    """Text that Markdown and HTML leave as it is, on one line.

    What means something anywhere is escaped there, and what only begins a block at the start.
    """
    return _BLOCK_START.sub(r"\g<0>\\", _SPECIAL.sub(r"\\\1", one_line(text)))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of plain text. Cells in the head are taken as they are."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(plain(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def fenced(lines: Iterable[str], language: str) -> str:
    """Lines in a code block that nothing in them can end."""
    text = "\n".join(one_line(line) for line in lines)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _verdicts(report: RunReport) -> str:
    rows = [
        (
            verdict.contract,
            f"{SYMBOLS[verdict.outcome]} {verdict.outcome.value}",
            verdict.summary,
            "; ".join(figure_words(figure) for figure in verdict.figures),
            count_text(verdict.event_count),
        )
        for verdict in report.verdicts
    ]
    return table(("contract", "verdict", "what was found", "figures", "events judged"), rows)


def _findings(report: RunReport, quotes: TraceQuotes) -> list[str]:
    blocks: list[str] = []
    for verdict in report.verdicts:
        if verdict.outcome is not Outcome.HOLDS:
            blocks += _verdict_finding(report, quotes, verdict)
    for comparison in report.agreement.comparisons if report.agreement else ():
        if not comparison.agrees:
            blocks += _difference_finding(report, quotes, comparison)
    if report.findings:
        blocks.append("\n".join(f"- {plain(remark)}" for remark in report.findings))
    return ["## Findings", *blocks] if blocks else []


def _verdict_finding(report: RunReport, quotes: TraceQuotes, verdict: Verdict) -> list[str]:
    blocks = [
        f"### {SYMBOLS[verdict.outcome]} {verdict.outcome.value}: {plain(verdict.contract)}",
        plain(verdict.summary),
    ]
    if verdict.hint:
        blocks.append(f"What to do: {plain(verdict.hint)}")
    for witness in verdict.witnesses:
        blocks.append(f"**{plain(witness.message)}**")
        blocks += _evidence(report, quotes, witness.events)
    left_out = verdict.witness_count - len(verdict.witnesses)
    if left_out > 0:
        blocks.append(f"Counted but not shown: {count_text(left_out)}.")
    return blocks


def _difference_finding(
    report: RunReport, quotes: TraceQuotes, comparison: Comparison
) -> list[str]:
    predicted = figure_text(comparison.predicted, comparison.unit)
    observed = figure_text(comparison.observed, comparison.unit)
    blocks = [
        f"### ≠ DIFFERS: {plain(comparison.figure)}",
        plain(f"Predicted {predicted}, observed {observed}."),
    ]
    for difference in comparison.differences[:_DIFFERENCE_LIMIT]:
        blocks.append(
            f"**{plain(difference.place)}**: predicted {plain(difference.predicted)}, "
            f"observed {plain(difference.observed)}"
        )
        if difference.event is not None:
            blocks += _evidence(report, quotes, (difference.event,))
    left_out = len(comparison.differences) - _DIFFERENCE_LIMIT
    if left_out > 0:
        blocks.append(f"Counted but not shown: {count_text(left_out)}.")
    return blocks


def _evidence(report: RunReport, quotes: TraceQuotes, events: Sequence[AnyEvent]) -> list[str]:
    if not events:
        return []
    blocks = [
        "\n".join(
            f"- {plain(event_place(event, quotes.file_name))}: "
            f"{plain(event_words(event, report.data_root))}"
            for event in events
        )
    ]
    marked = frozenset(line for event in events for line in lines_of(event))
    for run in quotes.stretch(marked, NEAR_LINE_COUNT):
        lines = [
            f"{'>' if number in marked else ' '} {number}: {quotes.texts[number]}" for number in run
        ]
        blocks.append(fenced(lines, "text"))
    return blocks


def _unseen(report: RunReport) -> list[str]:
    remarks = [f"- {plain(remark)}" for remark in source_remarks(report)]
    limits = [f"- {plain(name)}: {plain(limit)}" for name, limit in claim_limits(report)]
    lines = [*remarks, *limits]
    return ["## What could not be seen", "\n".join(lines)] if lines else []


def _agreement(agreement: Agreement | None) -> list[str]:
    if agreement is None:
        return []
    rows = [
        (
            comparison.figure,
            figure_text(comparison.predicted, comparison.unit),
            figure_text(comparison.observed, comparison.unit),
            deviation_words(comparison),
            rule_words(comparison),
            count_text(comparison.compared_count),
            agreement_mark(comparison),
        )
        for comparison in agreement.comparisons
    ]
    head = ("figure", "predicted", "observed", "observed is", "rule", "events compared", "result")
    return ["## Predicted against observed", table(head, rows)]


def _times(step_times: Sequence[StepTimes]) -> list[str]:
    if not step_times:
        return []
    rows = [
        (
            times.name,
            *(
                "-" if value is None else seconds_text(value)
                for value in (
                    times.predicted_wall_s,
                    times.untraced_wall_s,
                    times.traced_wall_s,
                    times.untraced_cpu_s,
                    times.traced_cpu_s,
                )
            ),
        )
        for times in step_times
    ]
    head = (
        "step",
        "predicted wall",
        "untraced wall",
        "traced wall",
        "untraced CPU",
        "traced CPU",
    )
    return ["## Time", table(head, rows)]


def _workload(report: RunReport) -> list[str]:
    if report.workload is None:
        return []
    sentences = (step_sentence(step) for step in report.workload.steps)
    return ["## Workload", "\n".join(f"{n}. {plain(s)}" for n, s in enumerate(sentences, 1))]

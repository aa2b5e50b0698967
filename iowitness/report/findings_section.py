"""The page's findings, with the trace lines that show them, and the excerpt that they link to."""

from collections.abc import Iterable, Sequence

from iowitness.report.claims_section import outcome_badge
from iowitness.report.event_words import event_place, event_words
from iowitness.report.markup import Child, Markup, joined, tag
from iowitness.report.quantities import count_text, figure_text
from iowitness.report.run_report import RunReport
from iowitness.report.trace_quotes import (
    NEAR_LINE_COUNT,
    WIDE_LINE_COUNT,
    TraceQuotes,
    lines_of,
)
from iowitness.report.verdict_words import rule_words
from iowitness.specs.agreement import Comparison
from iowitness.specs.verdict import Outcome, Verdict, Witness
from iowitness.traces.events import AnyEvent

_DIFFERENCE_LIMIT = 3
"""Differences of one figure that are quoted with their trace lines."""


def findings_section(report: RunReport, quotes: TraceQuotes) -> Markup:
    """Every verdict that does not hold, every figure that differs, and the run's own remarks."""
    found: list[Markup] = [
        _verdict_finding(report, quotes, verdict, number)
        for number, verdict in enumerate(report.verdicts)
        if verdict.outcome is not Outcome.HOLDS
    ]
    if report.agreement is not None:
        found += [
            _difference_finding(report, quotes, comparison)
            for comparison in report.agreement.comparisons
            if not comparison.agrees
        ]
    if report.findings:
        found.append(tag("ul", [tag("li", remark) for remark in report.findings]))
    if not found:
        agreed = "" if report.agreement is None else ", and nothing differs from the prediction"
        return tag("p", f"None: every contract holds{agreed}.")
    return joined(found)


def _verdict_finding(
    report: RunReport, quotes: TraceQuotes, verdict: Verdict, number: int
) -> Markup:
    left_out = verdict.witness_count - len(verdict.witnesses)
    return tag(
        "article",
        tag("h3", outcome_badge(verdict.outcome), f" {verdict.contract}"),
        tag("p", verdict.summary),
        tag("p", tag("strong", "What to do: "), verdict.hint) if verdict.hint else None,
        tag("ol", [_witness(report, quotes, each) for each in verdict.witnesses], class_="found"),
        tag("p", f"Counted but not shown: {count_text(left_out)}.") if left_out > 0 else None,
        id=f"finding-{number}",
        class_=f"finding {verdict.outcome.value.lower()}",
    )


def _witness(report: RunReport, quotes: TraceQuotes, witness: Witness) -> Markup:
    return tag(
        "li",
        tag("p", witness.message, class_="message"),
        _event_list(report, quotes, witness.events),
        _quoted(quotes, witness.events),
    )


def _difference_finding(report: RunReport, quotes: TraceQuotes, comparison: Comparison) -> Markup:
    items = []
    for difference in comparison.differences[:_DIFFERENCE_LIMIT]:
        events = () if difference.event is None else (difference.event,)
        items.append(
            tag(
                "li",
                tag("p", difference.place, class_="message"),
                tag(
                    "dl",
                    tag("dt", "predicted"),
                    tag("dd", difference.predicted),
                    tag("dt", "observed"),
                    tag("dd", difference.observed),
                    class_="facts",
                ),
                _event_list(report, quotes, events),
                _quoted(quotes, events),
            )
        )
    left_out = len(comparison.differences) - len(items)
    badge = tag("span", tag("span", "≠", aria_hidden="true"), " DIFFERS", class_="badge violated")
    return tag(
        "article",
        tag("h3", badge, f" prediction: {comparison.figure}"),
        tag("p", _both_values(comparison)),
        tag("ol", items, class_="found"),
        tag("p", f"{count_text(left_out)} more are in the table below.") if left_out else None,
        class_="finding violated",
    )


def _both_values(comparison: Comparison) -> str:
    predicted = figure_text(comparison.predicted, comparison.unit)
    observed = figure_text(comparison.observed, comparison.unit)
    return f"Predicted {predicted}, observed {observed}, expected {rule_words(comparison)}."


def _event_list(
    report: RunReport, quotes: TraceQuotes, events: Sequence[AnyEvent]
) -> Markup | None:
    if not events:
        return None
    return tag(
        "ul",
        [
            tag("li", _place(quotes, event), " ", event_words(event, report.data_root))
            for event in events
        ],
        class_="events",
    )


def _place(quotes: TraceQuotes, event: AnyEvent) -> Child:
    place = event_place(event, quotes.file_name)
    if event.line in quotes.texts:
        return tag("a", place, href=f"#line-{event.line}")
    return place


def _quoted(quotes: TraceQuotes, events: Iterable[AnyEvent]) -> Markup | None:
    lines = frozenset(line for event in events for line in lines_of(event))
    runs = quotes.stretch(lines, NEAR_LINE_COUNT)
    if not runs:
        return None
    return tag("div", _runs(quotes, runs, lines, "quote"), class_="quotes")


def excerpt_section(quotes: TraceQuotes) -> Markup:
    """The raw trace around every line that a finding names, each line an anchor of its own."""
    runs = quotes.stretch(quotes.offending, WIDE_LINE_COUNT)
    if not runs:
        return tag("p", "No finding names a line of the raw trace.")
    return joined(
        tag(
            "p",
            f"{quotes.file_name}, around the lines that findings name. Marked lines are theirs.",
        ),
        _runs(quotes, runs, quotes.offending, "anchor"),
    )


def _runs(
    quotes: TraceQuotes,
    runs: Iterable[Sequence[int]],
    marked: frozenset[int],
    kind: str,
) -> Markup:
    """Runs of lines. A `quote` links to the `anchor` of each line, of which a page has one."""
    blocks = []
    for run in runs:
        lines = [
            tag(
                "span",
                _number(quotes, number, kind),
                tag("code", quotes.texts[number]),
                class_="line offending" if number in marked else "line",
            )
            for number in run
        ]
        label = f"{quotes.file_name}, lines {run[0]} to {run[-1]}"
        blocks.append(
            tag("div", lines, class_="trace", tabindex=0, role="region", aria_label=label)
        )
    return joined(blocks)


def _number(quotes: TraceQuotes, number: int, kind: str) -> Markup:
    if kind == "anchor":
        return tag("a", str(number), id=f"line-{number}", href=f"#line-{number}", class_="at")
    place = f"{quotes.file_name}:{number}"
    return tag("a", str(number), href=f"#line-{number}", title=place, class_="at")

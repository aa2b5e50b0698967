"""The page's sections on how it was found out, and on what could not be."""

from collections.abc import Sequence

from iowitness.report.markup import Markup, joined, tag
from iowitness.report.quantities import bytes_text, count_text
from iowitness.report.run_report import RunReport
from iowitness.report.unseen_words import claim_limits, source_remarks
from iowitness.report.workload_words import step_sentence


def method_rows(report: RunReport) -> Sequence[tuple[str, str]]:
    """How the run was observed, judged and predicted, as names and sentences."""
    provenance = report.observed.provenance
    rows = [
        ("observed", f"{count_text(len(report.observed))} events, by {_source(report)}"),
        ("lines read", count_text(sum(provenance.line_counts.values()))),
        (
            "judged",
            "each contract by a pure function of the events: HOLDS, VIOLATED, or UNKNOWN",
        ),
        ("predicted", _predicted(report)),
    ]
    return [row for row in rows if row[1] != "0"]


def method_section(report: RunReport) -> Markup:
    """How it was found out."""
    rows = method_rows(report)
    return joined(
        tag("dl", [(tag("dt", name), tag("dd", text)) for name, text in rows], class_="facts"),
        _steps(report),
    )


def unseen_section(report: RunReport) -> Markup:
    """What the source could not see in this run, and what the claims never see."""
    remarks = source_remarks(report)
    limits = claim_limits(report)
    return joined(
        tag("h3", "In this run"),
        tag("ul", [tag("li", remark) for remark in remarks])
        if remarks
        else tag("p", "The source showed all kinds of event, and names no gap."),
        tag("h3", "By the claims' nature"),
        tag("ul", [tag("li", tag("b", name), f": {limit}") for name, limit in limits]),
    )


def _source(report: RunReport) -> str:
    provenance = report.observed.provenance
    return provenance.tool or provenance.source


def _predicted(report: RunReport) -> str:
    if report.predicted is None:
        return "nothing"
    return f"{count_text(len(report.predicted))} events, by simulation of the same workload"


def _steps(report: RunReport) -> Markup | None:
    workload = report.workload
    if workload is None:
        return None
    return joined(
        tag("h3", "Workload"),
        tag("ol", [tag("li", step_sentence(step)) for step in workload.steps], class_="steps"),
        tag(
            "p",
            f"Segments roll at {bytes_text(workload.segment_byte_count)}; an index entry is due "
            f"every {bytes_text(workload.index_interval_byte_count)}.",
        ),
    )

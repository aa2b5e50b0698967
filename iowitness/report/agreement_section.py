"""The page's comparison of the prediction with the observation, and of times."""

from collections.abc import Sequence

from iowitness.report.markup import Markup, joined, number_head, table, tag
from iowitness.report.quantities import count_text, figure_text, seconds_text
from iowitness.report.run_report import RunReport, StepTimes
from iowitness.report.verdict_words import (
    agreement_mark,
    agreement_sentence,
    deviation_words,
    rule_words,
)
from iowitness.specs.agreement import Agreement, Comparison, Difference


def agreement_section(report: RunReport) -> Markup:
    """Figures side by side, then times, then what only the model can say."""
    return joined(
        tag("p", agreement_sentence(report)),
        None if report.agreement is None else _comparisons(report.agreement),
        _times(report.step_times),
        _model_figures(report),
    )


def _comparisons(agreement: Agreement) -> Markup:
    rows: list[Markup] = []
    for comparison in agreement.comparisons:
        rows.append(_comparison_row(comparison))
        if comparison.differences:
            rows.append(_difference_row(comparison))
    head = (
        "figure",
        number_head("predicted"),
        number_head("observed"),
        number_head("observed is"),
        "rule",
        number_head("events compared"),
        "result",
    )
    return table(head, rows, class_="plain", caption="Predicted against observed")


def _comparison_row(comparison: Comparison) -> Markup:
    mark = agreement_mark(comparison)
    state = {"agrees": "holds", "differs": "violated"}.get(mark)
    sign = {"agrees": "✓ ", "differs": "✗ "}.get(mark, "")
    return tag(
        "tr",
        tag("th", comparison.figure, scope="row"),
        tag("td", figure_text(comparison.predicted, comparison.unit), class_="number"),
        tag("td", figure_text(comparison.observed, comparison.unit), class_="number"),
        tag("td", deviation_words(comparison), class_="number"),
        tag("td", rule_words(comparison)),
        tag("td", count_text(comparison.compared_count), class_="number"),
        tag("td", tag("span", f"{sign}{mark}", class_=f"badge {state}") if state else mark),
    )


def _difference_row(comparison: Comparison) -> Markup:
    return tag(
        "tr",
        tag(
            "td",
            tag("strong", "First differences"),
            tag("ul", [tag("li", _difference(each)) for each in comparison.differences]),
            colspan=7,
        ),
        class_="differences",
    )


def _difference(difference: Difference) -> Markup:
    link = None
    if difference.event is not None and difference.event.line:
        line = difference.event.line
        link = joined(" (", tag("a", f"line {line}", href=f"#line-{line}"), ")")
    return joined(
        f"{difference.place}: predicted {difference.predicted}, observed {difference.observed}",
        link,
    )


def _times(step_times: Sequence[StepTimes]) -> Markup | None:
    if not step_times:
        return None
    rows = [
        tag(
            "tr",
            tag("th", times.name, scope="row"),
            [
                tag("td", "-" if value is None else seconds_text(value), class_="number")
                for value in (
                    times.predicted_wall_s,
                    times.untraced_wall_s,
                    times.traced_wall_s,
                    times.predicted_cpu_s,
                    times.untraced_cpu_s,
                    times.traced_cpu_s,
                )
            ],
            tag("td", _slowdown(times), class_="number"),
        )
        for times in step_times
    ]
    columns = (
        "predicted, wall",
        "untraced, wall",
        "traced, wall",
        "predicted, CPU",
        "untraced, CPU",
        "traced, CPU",
        "tracing costs",
    )
    head = ("step", *(number_head(column) for column in columns))
    return joined(
        tag("h3", "Time"),
        tag("p", "Compare predictions with the untraced run: strace slows what it watches."),
        table(head, rows, class_="plain", caption="Time by step"),
    )


def _slowdown(times: StepTimes) -> str:
    if not times.traced_wall_s or not times.untraced_wall_s:
        return "-"
    return f"{times.traced_wall_s / times.untraced_wall_s:.2f} times"


def _model_figures(report: RunReport) -> Markup | None:
    if not report.predicted_figures:
        return None
    has_remarks = any(figure.remark for figure in report.predicted_figures)
    rows = [
        tag(
            "tr",
            tag("th", figure.name, scope="row"),
            tag("td", figure_text(figure.value, figure.unit), class_="number"),
            tag("td", figure.remark) if has_remarks else None,
        )
        for figure in report.predicted_figures
    ]
    head = ("figure", number_head("value"), *(("remark",) if has_remarks else ()))
    return joined(
        tag("h3", "What only the model tells"),
        table(head, rows, class_="plain", caption="What only the model tells"),
    )

"""`report.html` of a what-if: each question, its answer, its table, its plots."""

import msgspec

from iowitness.model.point_figures import FIGURE_KINDS
from iowitness.report.html_document import PageScript, Section, html_document, resource
from iowitness.report.markup import Markup, joined, number_head, table, tag
from iowitness.report.offsets_section import script_json
from iowitness.report.quantities import count_text
from iowitness.what_if.amounts import amount_text, interval_text
from iowitness.what_if.answers import answer
from iowitness.what_if.charts import LineChart, experiment_charts
from iowitness.what_if.flow_drawing import flow_drawing, flow_sentence
from iowitness.what_if.heat_maps import heat_maps
from iowitness.what_if.outcome import ExperimentOutcome, PointOutcome, WhatIfOutcome
from iowitness.what_if.place_words import places
from iowitness.what_if.reproduce import reproduce_section

COLOUR_COUNT = 8
_OPEN_ROW_LIMIT = 12


def page(outcome: WhatIfOutcome) -> str:
    """The page. The same outcome gives the same bytes."""
    charts: list[LineChart] = []
    sections = [
        Section(one.experiment.name, _title(one), _experiment(one, outcome, charts))
        for one in outcome.experiments
    ]
    sections.append(Section("reproduce", "How to reproduce", reproduce_section(outcome)))
    document = {"charts": msgspec.to_builtins(charts)}
    return html_document(
        f"{_name(outcome)} · iowitness simulate",
        _head(outcome),
        sections,
        sections[0],
        PageScript(resource("charts.js"), script_json(document)),
    )


def _name(outcome: WhatIfOutcome) -> str:
    return outcome.plan.title or outcome.source_name


def _title(one: ExperimentOutcome) -> str:
    if one.experiment.title:
        return one.experiment.title
    return "Comparison" if len(one.experiment.variants) > 1 else "The run"


def _head(outcome: WhatIfOutcome) -> Markup:
    point_count = len({point.digest for point in outcome.plan.points})
    seeds = len(outcome.seeds)
    scenarios = f"{count_text(point_count)} scenario{'s' * (point_count != 1)}"
    runs = f"{scenarios}, {seeds} seed{'s' * (seeds != 1)} each"
    spread = "figures with 95 % confidence intervals" if seeds > 1 else "one run of each"
    return tag(
        "header",
        tag("p", f"iowitness simulate · {outcome.source_name}", class_="kicker"),
        tag("h1", _name(outcome)),
        tag("p", f"A simulation, not a measurement: {runs}, {spread}.", class_="lede"),
        class_="head",
    )


def _experiment(one: ExperimentOutcome, outcome: WhatIfOutcome, charts: list[LineChart]) -> Markup:
    measured = outcome.plan.measured
    is_measured = measured is not None and one is outcome.experiments[0]
    own = experiment_charts(one, measured if is_measured else None)
    first = len(charts)
    charts.extend(own)
    return joined(
        _answer(one),
        _measured_table(one, outcome) if is_measured else None,
        _sweep_table(one) if one.experiment.axes else _variant_table(one),
        heat_maps(one),
        [_frame(chart, first + index) for index, chart in enumerate(own)],
        _flows(one),
    )


def _answer(one: ExperimentOutcome) -> Markup | None:
    sentences = answer(one)
    if not sentences:
        return None
    return tag("ul", [tag("li", sentence) for sentence in sentences], class_="answer")


def _measured_table(one: ExperimentOutcome, outcome: WhatIfOutcome) -> Markup | None:
    measured = outcome.plan.measured
    assert measured is not None
    of = measured.variant or one.experiment.variants[0]
    point = next((point for point in one.points if point.variant == of), None)
    if point is None or not measured.figures:
        return tag("p", f"Measured: {measured.source}.")
    rows = []
    for name, value in measured.figures.items():
        kind, predicted = FIGURE_KINDS[name], point.figures.get(name)
        error = (
            "-" if predicted is None or not value else f"{(predicted.mean - value) / value:+.1%}"
        )
        cells = (
            "-" if predicted is None else interval_text(name, predicted),
            amount_text(kind, value),
            error,
        )
        rows.append(_row(kind.title, cells))
    heads = [number_head(text) for text in ("predicted", "measured", "off by")]
    return joined(
        tag("h3", f"Predicted against measured: {of}"),
        tag("p", f"Measured: {measured.source}."),
        table(("figure", *heads), rows, class_="plain", caption="Predicted against measured"),
    )


def _row(head: str, cells: tuple[str, ...]) -> Markup:
    return tag(
        "tr", tag("th", head, scope="row"), [tag("td", cell, class_="number") for cell in cells]
    )


def _cell(point: PointOutcome, name: str) -> str:
    found = point.figures.get(name)
    return "-" if found is None else interval_text(name, found)


def _variant_table(one: ExperimentOutcome) -> Markup:
    rows = [
        _row(FIGURE_KINDS[name].title, tuple(_cell(point, name) for point in one.points))
        for name in one.figure_names
    ]
    if any(point.bottleneck for point in one.points):
        rows.append(_row("bottleneck", tuple(point.bottleneck or "-" for point in one.points)))
    heads = [number_head(point.variant) for point in one.points]
    return table(("figure", *heads), rows, class_="plain variants", caption=_title(one))


def _sweep_table(one: ExperimentOutcome) -> Markup:
    """Every point; folded away where it is long, because the plots say it shorter."""
    heads, rows = places(one)
    names = one.figure_names
    body = [
        tag(
            "tr",
            [tag("td", cell) for cell in place],
            [tag("td", _cell(point, name), class_="number") for name in names],
        )
        for place, point in zip(rows, one.points, strict=True)
    ]
    columns = (*heads, *(number_head(FIGURE_KINDS[name].title) for name in names))
    whole = table(columns, body, class_="plain sweep", caption=f"{_title(one)}: all points")
    if len(one.points) <= _OPEN_ROW_LIMIT:
        return whole
    words = f"All {count_text(len(one.points))} points with all figures"
    return tag("details", tag("summary", words), whole)


def _frame(chart: LineChart, index: int) -> Markup:
    return tag(
        "figure",
        tag("figcaption", tag("h3", chart.title), tag("p", chart.sentence)),
        _legend(chart),
        tag(
            "div",
            tag("noscript", "The plot needs JavaScript; its numbers are in the tables."),
            class_="plot",
            data_chart=index,
            tabindex=0,
            role="img",
            aria_label=f"{chart.title}. {chart.sentence} Arrow keys read out values.",
        ),
        tag("p", "\u00a0", class_="readout", aria_live="polite"),
        class_="chart",
    )


def _legend(chart: LineChart) -> Markup | None:
    if len(chart.lines) < 2:
        return None
    return tag(
        "ul",
        [
            tag(
                "li",
                tag(
                    "span",
                    class_=f"swatch thread-{line.colour % COLOUR_COUNT}{' dashed' * line.dashed}",
                    aria_hidden="true",
                ),
                line.label,
            )
            for line in chart.lines
        ],
        class_="threads",
        aria_label="Lines",
    )


def _flows(one: ExperimentOutcome) -> Markup | None:
    """A picture of bytes for each variant of a comparison."""
    if one.experiment.axes:
        return None
    return joined(
        [
            (
                tag("h3", f"Byte flow: {point.variant}"),
                flow_drawing(point.curves),
                tag("p", flow_sentence(point.curves)),
            )
            for point in one.points
            if point.curves is not None and point.curves.samples is not None
        ]
    )

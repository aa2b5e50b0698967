"""The page's plots of offset over time: their frames in HTML, and their marks as JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from iowitness.report.mark_thinning import MARK_LIMIT, Thinned, thinned
from iowitness.report.markup import Markup, joined, tag
from iowitness.report.offset_marks import Chart, Operation, Series, charts
from iowitness.report.phases import Phase, phases
from iowitness.report.quantities import bytes_text, count_text
from iowitness.report.run_report import RunReport
from iowitness.report.thread_labels import thread_labels
from iowitness.report.trace_quotes import evidence
from iowitness.traces.history import History

CHART_LIMIT = 40
"""Partitions that get a plot, the busiest first; the others are named."""

COLOUR_COUNT = 8
"""Colours of threads in `page.css`; a ninth thread has the first one's again."""


class OffsetsPart(Struct, frozen=True):
    """The section, and the JSON that its script draws."""

    section: Markup
    marks_json: Markup


def offsets_part(report: RunReport) -> OffsetsPart:
    """The plots of a report."""
    all_charts = charts(report.observed, report.predicted, report.data_root, report.predicted_root)
    by_size = sorted(range(len(all_charts)), key=lambda index: -_mark_count(all_charts[index]))
    drawn = tuple(all_charts[index] for index in sorted(by_size[:CHART_LIMIT]))
    if not drawn:
        return OffsetsPart(tag("p", "No call moved bytes of a file under contract."), Markup("{}"))
    threads = _threads(drawn)
    labels = thread_labels(report.observed)
    names = [labels[each].text if each in labels else f"thread {each}" for each in threads]
    offending = frozenset(event.line for event in evidence(report) if event.line)
    fewer = thinned(drawn, MARK_LIMIT, offending)
    section = joined(
        tag("p", _HOW_TO_READ),
        _thinning(fewer),
        _controls(names, report),
        [_frame(chart, index, report) for index, chart in enumerate(drawn)],
        _left_out(len(all_charts) - len(drawn)),
    )
    return OffsetsPart(section, _marks_json(report, fewer.charts, threads, names))


_HOW_TO_READ = (
    "Each plot is one partition, or one folder: its files stacked, each in a band of its own, so "
    "that height is the byte of the log, and a log that is only appended to is one rising line. "
    "Drag to zoom, double-click to see all; with the keyboard, arrows step through the marks and "
    "Escape zooms out."
)


def _mark_count(chart: Chart) -> int:
    return sum(len(series.marks) for series in chart.series)


def _threads(drawn: Iterable[Chart]) -> Sequence[int]:
    """Observed threads in order of their first mark."""
    first: dict[int, int] = {}
    for chart in drawn:
        for series in chart.series:
            if series.world == "observed" and series.marks:
                start_ns = series.marks[0].start_ns
                first[series.thread_id] = min(start_ns, first.get(series.thread_id, start_ns))
    return sorted(first, key=lambda thread_id: (first[thread_id], thread_id))


def _controls(names: Sequence[str], report: RunReport) -> Markup:
    predicted = report.predicted is not None
    by_time = "time, prediction stretched to the observed steps" if predicted else "time"
    axes = [_choice("radio", "axis", "stretched", by_time, checked="checked")]
    if predicted:
        axes.append(_choice("radio", "axis", "time", "time, each world by its own clock"))
    axes.append(_choice("radio", "axis", "order", "order of calls"))
    shown = [
        _choice("checkbox", "show", "write", _symbol("write", "writes"), checked="checked"),
        _choice("checkbox", "show", "transfer", _symbol("transfer", "sendfile"), checked="checked"),
        _choice("checkbox", "show", "read", _symbol("read", "reads"), checked="checked"),
    ]
    if predicted:
        label = _symbol("predicted", "predicted")
        shown.append(_choice("checkbox", "show", "predicted", label, checked="checked"))
    threads = [
        tag(
            "li",
            tag("span", class_=f"swatch thread-{index % COLOUR_COUNT}", aria_hidden="true"),
            name,
        )
        for index, name in enumerate(names)
    ]
    if any(evidence(report)):
        threads.append(tag("li", _symbol("offending", "named by a finding")))
    return tag(
        "form",
        tag("fieldset", tag("legend", "across"), axes),
        tag("fieldset", tag("legend", "show"), shown),
        tag("ul", threads, class_="threads", aria_label="Threads"),
        id="plot-controls",
        class_="controls",
    )


def _choice(
    kind: str, name: str, value: str, label: str | Markup, checked: str | None = None
) -> Markup:
    box = tag("input", type=kind, name=name, value=value, checked=checked)
    return tag("label", box, " ", label)


def _symbol(name: str, label: str) -> Markup:
    shapes = {
        "write": tag("rect", x=3, y=3, width=8, height=8),
        "transfer": tag("path", d="M7,1 L13,7 L7,13 L1,7 Z"),
        "read": tag("path", d="M2,2 L12,12 M12,2 L2,12", class_="stroked"),
        "offending": tag("circle", cx=7, cy=7, r=5.5, class_="ringed"),
        "predicted": tag("rect", x=2, y=2, width=10, height=10, class_="stroked"),
    }
    picture = tag(
        "svg",
        shapes[name],
        viewBox="0 0 14 14",
        class_="symbol",
        width=14,
        height=14,
        aria_hidden="true",
    )
    return joined(picture, " ", label)


def _frame(chart: Chart, index: int, report: RunReport) -> Markup:
    sentence = _sentence(chart, report)
    return tag(
        "figure",
        tag("figcaption", tag("h3", chart.title), tag("p", sentence)),
        tag(
            "div",
            tag("noscript", "The plot needs JavaScript; its numbers are in the line above."),
            class_="plot",
            data_chart=index,
            tabindex=0,
            role="img",
            aria_label=f"Offset over time of {chart.title}. {sentence}",
        ),
        tag("p", "\u00a0", class_="readout", aria_live="polite"),
        class_="chart",
    )


_WORDS: Mapping[Operation, str] = {"write": "write", "transfer": "sendfile", "read": "read"}


def _sentence(chart: Chart, report: RunReport) -> str:
    noun = "segment" if chart.has_segments else "file"
    parts = [f"{len(chart.bands)} {noun}{'s' * (len(chart.bands) != 1)}"]
    for operation, word in _WORDS.items():
        count = chart.call_count("observed", operation)
        if count:
            size = bytes_text(chart.byte_count("observed", operation))
            plural = "" if count == 1 or word == "sendfile" else "s"
            parts.append(f"{count_text(count)} {word}{plural} ({size})")
    if chart.stray_write_count:
        parts.append(f"{count_text(chart.stray_write_count)} not where the last write ended")
    elif chart.call_count("observed", "write"):
        parts.append("each write where the last one ended")
    if report.predicted is not None:
        writes = count_text(chart.call_count("predicted", "write"))
        transfers = count_text(chart.call_count("predicted", "transfer"))
        parts.append(f"predicted: {writes} writes, {transfers} sendfile")
    return ", ".join(parts) + "."


def _thinning(fewer: Thinned) -> Markup | None:
    if fewer.calls_per_mark == 1:
        return None
    merging = f"A mark is up to {count_text(fewer.calls_per_mark)} calls that continue each other."
    if not fewer.left_out_count:
        return tag("p", merging)
    left_out = count_text(fewer.left_out_count)
    return tag("p", f"{merging} {left_out} marks are left out, none that a finding names.")


def _left_out(count: int) -> Markup | None:
    if count <= 0:
        return None
    return tag("p", f"{count_text(count)} partitions with fewer calls are only in the histories.")


def _marks_json(
    report: RunReport, drawn: Iterable[Chart], threads: Sequence[int], names: Sequence[str]
) -> Markup:
    colours = {thread_id: index for index, thread_id in enumerate(threads)}
    starts = {"observed": _start_ns(report.observed), "predicted": _start_ns(report.predicted)}
    document = {
        "threads": names,
        "phases": _phase_rows(report, starts),
        "offending": sorted({event.line for event in evidence(report) if event.line}),
        "charts": [
            {
                "bands": [[band.label, band.start, band.end] for band in chart.bands],
                "series": [
                    _series_columns(series, colours, starts[series.world])
                    for series in chart.series
                ],
            }
            for chart in drawn
        ],
    }
    return script_json(document)


def script_json(document: object) -> Markup:
    """JSON that cannot end the script element that it stands in."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _series_columns(series: Series, colours: Mapping[int, int], start_ns: int) -> dict[str, object]:
    """Columns: microseconds and lines since the mark before, bytes from where that one ended."""
    times, positions, lines = [], [], []
    last_us = last_end = last_line = 0
    for mark in series.marks:
        start_us = (mark.start_ns - start_ns) // 1_000
        times.append(start_us - last_us)
        positions.append(mark.position - last_end)
        lines.append(mark.line - last_line)
        last_us, last_end, last_line = start_us, mark.position + mark.byte_count, mark.line
    columns: dict[str, object] = {
        "world": series.world,
        "operation": series.operation,
        "thread": colours.get(series.thread_id, 0) if series.world == "observed" else -1,
        "t": times,
        "p": positions,
        "n": [mark.byte_count for mark in series.marks],
    }
    if any(mark.line for mark in series.marks):
        columns["l"] = lines
    if any(mark.call_count > 1 for mark in series.marks):
        columns["c"] = [mark.call_count for mark in series.marks]
    return columns


def _phase_rows(report: RunReport, starts: Mapping[str, int]) -> list[list[object]]:
    """Name, observed start and end, predicted start and end, in microseconds.

    Where the worlds share no phase, the one row without a name is the whole of both.
    """
    rows: list[list[object]] = []
    predicted = {} if report.predicted is None else {p.name: p for p in phases(report.predicted)}
    for phase in phases(report.observed):
        row: list[object] = [phase.name, *_span_us(phase, starts["observed"])]
        twin = predicted.get(phase.name)
        rows.append(row if twin is None else row + _span_us(twin, starts["predicted"]))
    if any(len(row) == 5 for row in rows) or report.predicted is None:
        return rows
    whole = [_whole_us(report.observed), _whole_us(report.predicted)]
    return [*rows, ["", 0, whole[0], 0, whole[1]]]


def _span_us(phase: Phase, start_ns: int) -> list[object]:
    return [(phase.start_ns - start_ns) // 1_000, (phase.end_ns - start_ns) // 1_000]


def _start_ns(history: History | None) -> int:
    return min((event.start_ns for event in history), default=0) if history is not None else 0


def _whole_us(history: History) -> int:
    end_ns = max((event.end_ns for event in history), default=0)
    return (end_ns - _start_ns(history)) // 1_000

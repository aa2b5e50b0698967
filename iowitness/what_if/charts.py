"""The plots of an outcome, as values that the page's script draws: lines over a shared x."""

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from iowitness.model.experiment import Coordinate
from iowitness.model.point_figures import FIGURE_KINDS
from iowitness.model.units import field_unit
from iowitness.model.what_if_yaml import MeasuredPart
from iowitness.what_if.amounts import coordinate_text, field_words
from iowitness.what_if.answers import figures_of
from iowitness.what_if.outcome import ExperimentOutcome, PointOutcome

Scale: TypeAlias = Literal["linear", "log"]
SWEEP_CHART_LIMIT = 6
_LOG_RATIO = 20.0


class ChartAxis(Struct, frozen=True, kw_only=True):
    """What an axis is called, the unit of its numbers, and how it is spread."""

    label: str
    unit: str
    scale: Scale = "linear"


class Line(Struct, frozen=True, kw_only=True):
    """One line. `low` and `high` are a band around it; `colour` numbers the page's colours."""

    label: str
    colour: int
    xs: list[float]
    ys: list[float]
    low: list[float] | None = None
    high: list[float] | None = None
    dashed: bool = False


class LineChart(Struct, frozen=True, kw_only=True):
    """One plot. `sentence` tells those who cannot see it what it shows."""

    title: str
    sentence: str
    x: ChartAxis
    y: ChartAxis
    lines: list[Line]


def experiment_charts(
    outcome: ExperimentOutcome, measured: MeasuredPart | None
) -> tuple[LineChart, ...]:
    """The plots of one experiment: of its sweep, or of what each variant did over time."""
    axes = outcome.experiment.axes
    if len(axes) == 1 and _is_numeric(axes[0].values):
        return tuple(_sweep_charts(outcome))
    if axes:
        return ()
    return (*_latency_charts(outcome, measured), *_time_charts(outcome))


def _is_numeric(values: Iterable[Coordinate]) -> bool:
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in values)


def _sweep_charts(outcome: ExperimentOutcome) -> Iterable[LineChart]:
    """One plot for each figure, one line for each variant."""
    (axis,) = outcome.experiment.axes
    unit = field_unit(axis.field.rpartition(".")[2])
    numbers = [float(one) for one in axis.values if isinstance(one, int | float)]
    x = ChartAxis(
        label=field_words(axis.field), unit=unit.unit if unit else "", scale=_scale(numbers)
    )
    for name in _varying(outcome)[:SWEEP_CHART_LIMIT]:
        lines = [
            _sweep_line(outcome, variant, colour, name)
            for colour, variant in enumerate(outcome.experiment.variants)
        ]
        kind = FIGURE_KINDS[name]
        ys = [y for line in lines for y in line.ys]
        banded = any(line.low is not None for line in lines)
        bands = ", with bands of 95 % confidence" if banded else ""
        ends = f"from {coordinate_text(axis.field, axis.values[0])}"
        yield LineChart(
            title=f"{kind.title} over {x.label}",
            sentence=f"{len(numbers)} values {ends} to "
            f"{coordinate_text(axis.field, axis.values[-1])}{bands}.",
            x=x,
            y=ChartAxis(label=kind.title, unit=kind.unit, scale=_scale(ys)),
            lines=lines,
        )


def _varying(outcome: ExperimentOutcome) -> list[str]:
    """The figures that are not the same at every point."""
    return [
        name
        for name in figures_of(outcome)
        if len({point.figures[name].mean for point in outcome.points if name in point.figures}) > 1
    ]


def _sweep_line(outcome: ExperimentOutcome, variant: str, colour: int, name: str) -> Line:
    points = sorted(
        (p for p in outcome.points if p.variant == variant and name in p.figures),
        key=lambda point: float(point.coordinates[0] or 0),
    )
    found = [point.figures[name] for point in points]
    banded = any(0 < one.half_width < float("inf") for one in found)
    return Line(
        label=variant,
        colour=colour,
        xs=[float(point.coordinates[0] or 0) for point in points],
        ys=[one.mean for one in found],
        low=[one.low for one in found] if banded else None,
        high=[one.high for one in found] if banded else None,
    )


def _scale(values: Sequence[float]) -> Scale:
    """Logarithmic where the values span more than a decade and some, and none is zero."""
    if not values or min(values) <= 0:
        return "linear"
    return "log" if max(values) / min(values) >= _LOG_RATIO else "linear"


def _latency_charts(
    outcome: ExperimentOutcome, measured: MeasuredPart | None
) -> Iterable[LineChart]:
    """Distributions, one plot for each kind of latency, what was measured dashed beside."""
    with_curves = [point for point in outcome.points if point.curves is not None]
    names = dict.fromkeys(
        name for one in with_curves if one.curves for name in one.curves.latencies
    )
    for name in names:
        lines = [
            Line(
                label=point.variant,
                colour=colour,
                xs=[seconds for seconds, _ in point.curves.latencies[name]],
                ys=[share for _, share in point.curves.latencies[name]],
            )
            for colour, point in enumerate(with_curves)
            if point.curves is not None and name in point.curves.latencies
        ]
        beside = "" if measured is None or name not in measured.latencies else ", measured dashed"
        if measured is not None and beside:
            lines.append(_measured_line(outcome, measured, name))
        yield LineChart(
            title=f"Latency: {name}",
            sentence=f"The share of records at or below each latency{beside}.",
            x=ChartAxis(
                label="latency", unit="s", scale=_scale([x for one in lines for x in one.xs])
            ),
            y=ChartAxis(label="share", unit="share"),
            lines=lines,
        )


def _measured_line(outcome: ExperimentOutcome, measured: MeasuredPart, name: str) -> Line:
    variants = outcome.experiment.variants
    of = measured.variant or variants[0]
    return Line(
        label=f"{of}, measured",
        colour=variants.index(of) if of in variants else len(variants),
        xs=[seconds for seconds, _ in measured.latencies[name]],
        ys=[share for _, share in measured.latencies[name]],
        dashed=True,
    )


def _time_charts(outcome: ExperimentOutcome) -> Iterable[LineChart]:
    for point in outcome.points:
        if point.curves is not None and point.curves.samples is not None:
            yield _offset_chart(point)
            yield _cache_chart(point)


_TIME = ChartAxis(label="simulated time", unit="s")


def _offset_chart(point: PointOutcome) -> LineChart:
    """The logs' end and the groups' places, in bytes since the start of the run."""
    assert point.curves is not None
    samples = point.curves.samples
    assert samples is not None
    start = min([samples.log_end_bytes[0], *(read[0] for read in samples.read_bytes)])
    columns = [("end of the logs", samples.log_end_bytes)]
    columns += zip(samples.groups, samples.read_bytes, strict=True)
    return LineChart(
        title=f"Offset over time: {point.variant}",
        sentence="Bytes of all partitions together: where the logs end, and how far each group "
        "has read. The distance between two lines is a lag.",
        x=_TIME,
        y=ChartAxis(label="offset since the start", unit="B"),
        lines=[
            Line(
                label=label,
                colour=colour,
                xs=samples.seconds,
                ys=[float(one - start) for one in column],
            )
            for colour, (label, column) in enumerate(columns)
        ],
    )


def _cache_chart(point: PointOutcome) -> LineChart:
    assert point.curves is not None
    samples = point.curves.samples
    assert samples is not None
    columns = [("cached", samples.cached_bytes), ("dirty", samples.dirty_bytes)]
    return LineChart(
        title=f"Page cache over time: {point.variant}",
        sentence="What of the logs is in memory, and what of that is not on the disk yet.",
        x=_TIME,
        y=ChartAxis(label="in the page cache", unit="B"),
        lines=[
            Line(label=label, colour=colour, xs=samples.seconds, ys=[float(b) for b in column])
            for colour, (label, column) in enumerate(columns)
        ],
    )

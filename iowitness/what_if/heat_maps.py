"""Grids of two axes as heat maps: tables whose cells are coloured, so that all can read them."""

import math
from collections.abc import Mapping

from iowitness.model.experiment import Axis, Coordinate
from iowitness.model.point_figures import FIGURE_KINDS
from iowitness.report.markup import Markup, joined, table, tag
from iowitness.what_if.amounts import amount_text, coordinate_text, field_words
from iowitness.what_if.answers import figures_of
from iowitness.what_if.outcome import ExperimentOutcome

MAP_LIMIT = 4
_LOG_RATIO = 20.0


def heat_maps(one: ExperimentOutcome) -> Markup | None:
    """One for each main figure and variant; none where there are not exactly two axes."""
    if len(one.experiment.axes) != 2:
        return None
    several = len(one.experiment.variants) > 1
    maps = []
    for name in figures_of(one)[:MAP_LIMIT]:
        for variant in one.experiment.variants:
            values = {
                point.coordinates: point.figures[name].mean
                for point in one.points
                if point.variant == variant and name in point.figures
            }
            if len(set(values.values())) > 1:
                title = FIGURE_KINDS[name].title + (f": {variant}" if several else "")
                maps.append(_heat_map(title, name, one.experiment.axes, values))
    return joined(maps)


def _heat_map(
    title: str,
    name: str,
    axes: tuple[Axis, ...],
    values: Mapping[tuple[Coordinate, ...], float],
) -> Markup:
    across, down = axes
    low, high = min(values.values()), max(values.values())
    rows = [
        tag(
            "tr",
            tag("th", coordinate_text(down.field, row), scope="row"),
            [_cell(name, values.get((column, row)), low, high) for column in across.values],
        )
        for row in down.values
    ]
    corner = f"{field_words(down.field)} ↓ · {field_words(across.field)} →"
    heads = (corner, *(coordinate_text(across.field, column) for column in across.values))
    caption = f"{title} by {field_words(across.field)} and {field_words(down.field)}"
    return joined(tag("h3", title), table(heads, rows, class_="matrix heat", caption=caption))


def _cell(name: str, value: float | None, low: float, high: float) -> Markup:
    if value is None:
        return tag("td", "-", class_="zero")
    return tag(
        "td",
        amount_text(FIGURE_KINDS[name], value),
        style=f"--heat: {_heat(value, low, high):.3f}",
    )


def _heat(value: float, low: float, high: float) -> float:
    """0 at the smallest value and 1 at the largest; by ratio where they are far apart."""
    if low > 0 and high / low >= _LOG_RATIO:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)

"""An outcome as tables on a terminal; plain text where there is none."""

from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table

from iowitness.model.point_figures import FIGURE_KINDS
from iowitness.what_if.amounts import interval_text
from iowitness.what_if.answers import answer, figures_of
from iowitness.what_if.outcome import ExperimentOutcome, PointOutcome, WhatIfOutcome
from iowitness.what_if.place_words import places

ROW_LIMIT = 60
"""Points of one experiment that are printed; the report has all."""
_SWEEP_FIGURE_COUNT = 5
_PLAIN_WIDTH = 150


def print_outcome(outcome: WhatIfOutcome, out: TextIO) -> None:
    """Every experiment: its question, its answer, its table."""
    width = None if out.isatty() else _PLAIN_WIDTH
    console = Console(file=out, highlight=False, width=width)
    if outcome.plan.title:
        console.print(outcome.plan.title, style="bold", markup=False)
    for experiment in outcome.experiments:
        console.print()
        if experiment.experiment.title:
            console.print(experiment.experiment.title, style="bold", markup=False)
        for sentence in answer(experiment):
            console.print(f"  {sentence}", markup=False)
        console.print(_table(experiment))
        left_out = len(experiment.points) - ROW_LIMIT
        if left_out > 0:
            console.print(f"{left_out:,} more points are in the report", markup=False)


def _table(outcome: ExperimentOutcome) -> Table:
    """Figures down and variants across, or points down and the main figures across."""
    axes = outcome.experiment.axes
    return _sweep_table(outcome) if axes else _variant_table(outcome)


def _variant_table(outcome: ExperimentOutcome) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    for point in outcome.points:
        table.add_column(point.variant, justify="right")
    for name in outcome.figure_names:
        table.add_row(FIGURE_KINDS[name].title, *(_cell(point, name) for point in outcome.points))
    if any(point.bottleneck for point in outcome.points):
        table.add_row("bottleneck", *(point.bottleneck or "-" for point in outcome.points))
    return table


def _sweep_table(outcome: ExperimentOutcome) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    heads, rows = places(outcome)
    names = figures_of(outcome)[:_SWEEP_FIGURE_COUNT]
    for head in (*heads, *(FIGURE_KINDS[name].title for name in names)):
        table.add_column(head, justify="right")
    for place, point in list(zip(rows, outcome.points, strict=True))[:ROW_LIMIT]:
        table.add_row(*place, *(_cell(point, name) for name in names))
    return table


def _cell(point: PointOutcome, name: str) -> str:
    found = point.figures.get(name)
    return "-" if found is None else interval_text(name, found)

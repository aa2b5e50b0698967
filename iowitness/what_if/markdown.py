"""`report.md`: answers and tables, without plots."""

from collections.abc import Iterable, Sequence

from iowitness.model.point_figures import FIGURE_KINDS
from iowitness.what_if.amounts import interval_text
from iowitness.what_if.answers import answer
from iowitness.what_if.outcome import ExperimentOutcome, PointOutcome, WhatIfOutcome
from iowitness.what_if.place_words import places
from iowitness.what_if.reproduce import command_line, sources


def markdown(outcome: WhatIfOutcome) -> str:
    """The document."""
    lines = [f"# {_plain(outcome.plan.title or outcome.source_name)}", ""]
    lines += [f"`{command_line(outcome)}`", ""]
    for one in outcome.experiments:
        lines += [f"## {_plain(one.experiment.title or 'Results')}", ""]
        lines += [f"- {_plain(sentence)}" for sentence in answer(one)]
        lines += ["", *(_sweep(one) if one.experiment.axes else _variants(one)), ""]
    lines += ["## Sources", ""]
    lines += [f"- {part}: {_plain(text)}" for part, text in sources(outcome).items()]
    return "\n".join(lines) + "\n"


def _variants(one: ExperimentOutcome) -> Iterable[str]:
    yield from _head(("figure",), [point.variant for point in one.points])
    for name in one.figure_names:
        yield _row((FIGURE_KINDS[name].title, *(_cell(point, name) for point in one.points)))
    if any(point.bottleneck for point in one.points):
        yield _row(("bottleneck", *(point.bottleneck or "-" for point in one.points)))


def _sweep(one: ExperimentOutcome) -> Iterable[str]:
    heads, rows = places(one)
    names = one.figure_names
    yield from _head(heads, [FIGURE_KINDS[name].title for name in names])
    for place, point in zip(rows, one.points, strict=True):
        yield _row((*place, *(_cell(point, name) for name in names)))


def _head(texts: Sequence[str], numbers: Sequence[str]) -> Iterable[str]:
    yield _row((*texts, *numbers))
    yield "|" + "---|" * len(texts) + "---:|" * len(numbers)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _cell(point: PointOutcome, name: str) -> str:
    found = point.figures.get(name)
    return "-" if found is None else interval_text(name, found)


def _plain(text: str) -> str:
    """Text that stays on its line and in its cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")

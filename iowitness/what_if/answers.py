"""A question's ready-made answer: what the figures say, in sentences."""

import math
from collections.abc import Iterator

from iowitness.model.confidence import Interval
from iowitness.model.experiment import Coordinate
from iowitness.model.point_figures import FIGURE_KINDS
from iowitness.model.questions import QUESTIONS
from iowitness.what_if.amounts import amount_text, coordinate_text, field_words, ratio_text
from iowitness.what_if.outcome import ExperimentOutcome, PointOutcome

_ALIKE = 1.02
"""Means closer than this count as the same: no model is that exact."""
_CACHED_SHARE = 0.999


def answer(outcome: ExperimentOutcome) -> tuple[str, ...]:
    """Sentences, the decisive one first. Empty for what is no question."""
    name = outcome.experiment.name
    if name not in QUESTIONS:
        return ()
    if name == "memory-for-lagging-readers":
        return tuple(_memory_needed(outcome))
    if outcome.experiment.axes:
        return tuple(_best_places(outcome))
    return tuple(_differences(outcome))


def figures_of(outcome: ExperimentOutcome) -> tuple[str, ...]:
    """The figures that an experiment is about, those of its question first."""
    question = QUESTIONS.get(outcome.experiment.name)
    if question is None:
        return outcome.figure_names
    return tuple(name for name in question.figures if name in outcome.figure_names)


def _differences(outcome: ExperimentOutcome) -> Iterator[str]:
    """Each variant against the first, figure by figure."""
    first, *others = outcome.points
    for name in figures_of(outcome):
        for other in others:
            if name in first.figures and name in other.figures:
                yield _difference(name, first, other)


def _difference(name: str, one: PointOutcome, other: PointOutcome) -> str:
    kind = FIGURE_KINDS[name]
    a, b = one.figures[name], other.figures[name]
    told = (
        f"{_capital(kind.title)}: {amount_text(kind, a.mean)} ({one.variant}), "
        f"{amount_text(kind, b.mean)} ({other.variant})"
    )
    if _indistinct(a, b):
        return f"{told}: no difference that these runs can tell."
    if min(a.mean, b.mean) <= 0:
        return f"{told}."
    more, less = (other, one) if b.mean > a.mean else (one, other)
    ratio = ratio_text(max(a.mean, b.mean), min(a.mean, b.mean))
    return f"{told}: {more.variant} has {ratio} what {less.variant} has."


def _indistinct(a: Interval, b: Interval) -> bool:
    if math.isfinite(a.half_width) and math.isfinite(b.half_width):
        return a.low <= b.high and b.low <= a.high
    small, large = sorted((a.mean, b.mean))
    return large <= _ALIKE * small


def _best_places(outcome: ExperimentOutcome) -> Iterator[str]:
    """Where each figure is best, and how much worse it is at its worst."""
    for name in figures_of(outcome):
        kind = FIGURE_KINDS[name]
        ranked = sorted(
            (point for point in outcome.points if name in point.figures),
            key=lambda point: point.figures[name].mean,
            reverse=kind.better == "higher",
        )
        best, worst = ranked[0], ranked[-1]
        if _indistinct(best.figures[name], worst.figures[name]):
            text = amount_text(kind, best.figures[name].mean)
            yield f"{_capital(kind.title)} is the same everywhere, {text}."
            continue
        yield (
            f"{_capital(kind.title)} is best, {amount_text(kind, best.figures[name].mean)}, at "
            f"{_place(outcome, best)}; worst, {amount_text(kind, worst.figures[name].mean)}, at "
            f"{_place(outcome, worst)}."
        )


def _place(outcome: ExperimentOutcome, point: PointOutcome) -> str:
    return ", ".join(
        f"{field_words(axis.field)} {coordinate_text(axis.field, value)}"
        for axis, value in zip(outcome.experiment.axes, point.coordinates, strict=True)
    )


def _memory_needed(outcome: ExperimentOutcome) -> Iterator[str]:
    """For each number of readers, the smallest memory in which they read nothing from the disk."""
    memory_axis, reader_axis = outcome.experiment.axes
    for readers in reader_axis.values:
        enough = [
            memory
            for memory in memory_axis.values
            if (_hit_share(outcome, memory, readers) or 0) >= _CACHED_SHARE
        ]
        groups = f"{readers} lagging group{'s' * (readers != 1)}"
        most = coordinate_text(memory_axis.field, memory_axis.values[-1])
        if enough:
            told = coordinate_text(memory_axis.field, enough[0])
            yield f"{groups}: {told} of memory serves {_CACHED_SHARE:.1%} of all reads."
        else:
            share = _hit_share(outcome, memory_axis.values[-1], readers) or 0
            yield f"{groups}: not even {most} is enough; it serves {share:.1%} of all reads."


def _hit_share(outcome: ExperimentOutcome, memory: Coordinate, readers: Coordinate) -> float | None:
    return outcome.mean(outcome.experiment.variants[0], "hit_share", memory, readers)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

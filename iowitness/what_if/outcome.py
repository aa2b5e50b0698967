"""What became of a what-if: estimates over seeds for each point, and what the report draws."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from iowitness.model.confidence import Interval, interval
from iowitness.model.experiment import Coordinate, Experiment, Point, WhatIfPlan
from iowitness.model.point_figures import FIGURE_KINDS
from iowitness.what_if.point_result import Curves, Keep, PointResult
from iowitness.what_if.run_point import Task

CURVES_LIMIT = 24
"""Points of one experiment whose curves are kept: more could not be told apart in one plot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointOutcome:
    """One point over all seeds. `curves` and `bottleneck` are of the first seed."""

    variant: str
    coordinates: tuple[Coordinate, ...]
    figures: Mapping[str, Interval]
    bottleneck: str
    curves: Curves | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentOutcome:
    """One experiment's points, in its order."""

    experiment: Experiment
    points: tuple[PointOutcome, ...]

    @property
    def figure_names(self) -> tuple[str, ...]:
        """The figures that any point has, in the order of tables."""
        found = {name for point in self.points for name in point.figures}
        return tuple(name for name in FIGURE_KINDS if name in found)

    def mean(self, variant: str, figure: str, *coordinates: Coordinate) -> float | None:
        """A point's mean; None where it has no such figure."""
        for point in self.points:
            if point.variant == variant and point.coordinates == coordinates:
                found = point.figures.get(figure)
                return None if found is None else found.mean
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfOutcome:
    """The whole: the plan, its seeds, and its experiments' outcomes."""

    plan: WhatIfPlan
    source_name: str
    seeds: tuple[int, ...]
    experiments: tuple[ExperimentOutcome, ...]


def tasks(plan: WhatIfPlan, seeds: Sequence[int]) -> tuple[Task, ...]:
    """Every run that a plan needs, each once."""
    unique = {
        task.key: task
        for experiment in plan.experiments
        for point in experiment.points
        for task in _point_tasks(experiment, point, seeds)
    }
    return tuple(unique.values())


def outcome(
    plan: WhatIfPlan, source_name: str, seeds: Sequence[int], results: Mapping[str, PointResult]
) -> WhatIfOutcome:
    """The plan's outcome from the results of all its tasks, by their keys."""
    experiments = tuple(
        ExperimentOutcome(
            experiment=one, points=tuple(_outcome(one, p, seeds, results) for p in one.points)
        )
        for one in plan.experiments
    )
    return WhatIfOutcome(
        plan=plan, source_name=source_name, seeds=tuple(seeds), experiments=experiments
    )


def _point_tasks(experiment: Experiment, point: Point, seeds: Sequence[int]) -> Iterable[Task]:
    few = len(experiment.points) <= CURVES_LIMIT
    for number, seed in enumerate(seeds):
        keep: Keep = "curves" if few and number == 0 else "figures"
        yield Task(point.digest, point.scenario_json, seed, keep)


def _outcome(
    experiment: Experiment,
    point: Point,
    seeds: Sequence[int],
    results: Mapping[str, PointResult],
) -> PointOutcome:
    runs = [results[task.key] for task in _point_tasks(experiment, point, seeds)]
    names = [name for name in FIGURE_KINDS if all(name in run.figures for run in runs)]
    return PointOutcome(
        variant=point.variant,
        coordinates=point.coordinates,
        figures={name: interval([run.figures[name] for run in runs]) for name in names},
        bottleneck=runs[0].bottleneck,
        curves=runs[0].curves,
    )

"""What-ifs cut down to a fraction of a simulated second, and what becomes of them."""

from dataclasses import replace

import msgspec

from iowitness.model.experiment import Experiment, Point, WhatIfPlan
from iowitness.what_if.outcome import WhatIfOutcome, outcome, tasks
from iowitness.what_if.point_result import PointResult
from iowitness.what_if.ready import load_what_if
from iowitness.what_if.run_point import run_task

POINTS_MOST = 6


def small_plan(name: str, points_most: int = POINTS_MOST) -> WhatIfPlan:
    """A ready what-if with short runs, and the first and last points of long sweeps."""
    plan = load_what_if(name)
    return replace(plan, experiments=tuple(_small(e, points_most) for e in plan.experiments))


def simulated(plan: WhatIfPlan, seeds: tuple[int, ...] = (0,)) -> WhatIfOutcome:
    """The outcome, in this process and without files."""
    results = {
        task.key: msgspec.json.decode(run_task(task), type=PointResult)
        for task in tasks(plan, seeds)
    }
    return outcome(plan, "small", seeds, results)


def _small(experiment: Experiment, points_most: int) -> Experiment:
    kept = experiment.points
    if len(kept) > points_most:
        kept = kept[: points_most // 2] + kept[-points_most // 2 :]
    return replace(experiment, points=tuple(map(_short, kept)))


def _short(point: Point) -> Point:
    scenario = point.scenario
    times = {"duration_s": 0.2, "warm_up_s": 0.05}
    workload = scenario.workload.model_copy(update=times)
    writes = scenario.writes
    if writes is not None:
        writes = writes.model_copy(update={"piece_count": 64})
    return replace(
        point, scenario=scenario.model_copy(update={"workload": workload, "writes": writes})
    )

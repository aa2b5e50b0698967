"""`figures.json`: an outcome for machines. Times in seconds, sizes in bytes, shares 0 to 1."""

import math
from typing import Any

import msgspec

from iowitness.model.point_figures import FIGURE_KINDS
from iowitness.what_if.answers import answer
from iowitness.what_if.outcome import PointOutcome, WhatIfOutcome


def figures_json(outcome: WhatIfOutcome) -> bytes:
    """The whole outcome but its curves. The same outcome gives the same bytes."""
    document = {
        "title": outcome.plan.title,
        "what_if": outcome.source_name,
        "seeds": list(outcome.seeds),
        "figures": {
            name: {"title": kind.title, "unit": kind.unit, "better": kind.better}
            for name, kind in FIGURE_KINDS.items()
        },
        "experiments": [
            {
                "name": one.experiment.name,
                "title": one.experiment.title,
                "answer": list(answer(one)),
                "axes": [
                    {"field": axis.field, "values": list(axis.values)}
                    for axis in one.experiment.axes
                ],
                "points": [_point(point) for point in one.points],
            }
            for one in outcome.experiments
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document)) + b"\n"


def _point(point: PointOutcome) -> dict[str, Any]:
    """One point. The half width of a 95 % interval is null where there is one seed."""
    return {
        "variant": point.variant,
        "coordinates": list(point.coordinates),
        "bottleneck": point.bottleneck,
        "figures": {
            name: {
                "mean": found.mean,
                "half_width": found.half_width if math.isfinite(found.half_width) else None,
            }
            for name, found in point.figures.items()
        },
    }

"""What a what-if file asks to be run: experiments, each a set of points with something varied."""

import hashlib
import json
from dataclasses import dataclass
from typing import TypeAlias

from iowitness.model.scenario_yaml import ScenarioPart
from iowitness.model.what_if_yaml import MeasuredPart

Coordinate: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Axis:
    """A field that varies, by its dotted path, and its values in order."""

    field: str
    values: tuple[Coordinate, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One scenario to run: its variant's name, and where it stands on each axis."""

    variant: str
    coordinates: tuple[Coordinate, ...]
    scenario: ScenarioPart

    @property
    def scenario_json(self) -> str:
        """The scenario in one spelling: equal ones have equal texts, whatever their sources say."""
        return json.dumps(
            self.scenario.model_dump(mode="json", exclude={"hardware": {"sources"}}),
            sort_keys=True,
            separators=(",", ":"),
        )

    @property
    def digest(self) -> str:
        """What the scenario is known by: equal for the same values, however they were written."""
        return hashlib.sha256(self.scenario_json.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Points that answer one thing. `name` is `what-if` for the file's own, or a question's."""

    name: str
    title: str
    axes: tuple[Axis, ...]
    points: tuple[Point, ...]

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants' names, in order."""
        return tuple(dict.fromkeys(point.variant for point in self.points))


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfPlan:
    """A what-if file, read: what it is called, its experiments, and what was measured of it."""

    title: str
    measured: MeasuredPart | None = None
    experiments: tuple[Experiment, ...]

    @property
    def points(self) -> tuple[Point, ...]:
        """Every point once, in order: equal scenarios are one."""
        unique = {p.digest: p for one in self.experiments for p in one.points}
        return tuple(unique.values())

"""From a what-if file's text to its experiments, or to everything that is wrong with it."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import ValidationError

from iowitness.located_yaml import LocatedDocument, Path, Position, Problem, read_yaml, validate
from iowitness.model.experiment import Axis, Experiment, Point, WhatIfPlan
from iowitness.model.laid_over import assigned, laid_over
from iowitness.model.questions import QUESTIONS, Question
from iowitness.model.scenario_yaml import ScenarioPart
from iowitness.model.sweep_yaml import POINT_LIMIT, SweepPart
from iowitness.model.what_if_yaml import WhatIfPart
from iowitness.model.yaml_parts import WhatIfError

PresetReader: TypeAlias = Callable[[str], Mapping[str, Any]]
"""The content of a preset by name or path; raises LookupError or WhatIfError that says why not."""

SECTIONS = ("hardware", "policy", "workload", "writes")
_ALONE = "as described"


def read_what_if(text: str, source_name: str, preset: PresetReader) -> WhatIfPlan:
    """The plan in `text`; raises `WhatIfError` with all that is wrong, each at its place."""
    document = read_yaml(text, source_name, WhatIfError)
    return _Reader(document, preset).plan()


@dataclass(frozen=True, slots=True)
class _Layer:
    """Some keys of a scenario, and where in the text they stand: below `prefix`, or all at once."""

    content: Mapping[str, Any]
    prefix: Path
    is_one_place: bool = False

    def extended(self) -> list[str]:
        named = self.content.get("extends", [])
        names = [named] if isinstance(named, str) else named
        return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


@dataclass(frozen=True, slots=True)
class _Assignment:
    """A field's value of one point, and the places of the value and of the field's name."""

    path: tuple[str, ...]
    value: Any
    place: Position
    field_place: Position


@dataclass(frozen=True, slots=True)
class _Swept:
    """A field and its values."""

    field: str
    assignments: tuple[_Assignment, ...]

    def axis(self) -> Axis:
        return Axis(self.field, tuple(one.value for one in self.assignments))


class _Reader:
    """One reading. Problems are collected to the end, so that all are told at once."""

    def __init__(self, document: LocatedDocument, preset: PresetReader) -> None:
        self._document = document
        self._preset = preset
        self._problems: list[Problem] = []
        self._presets: dict[str, Mapping[str, Any]] = {}
        content = document.content
        self._content: Mapping[str, Any] = content if isinstance(content, dict) else {}
        self._base = _Layer(self._content, ())

    def plan(self) -> WhatIfPlan:
        file = WhatIfPart()
        try:
            file = validate(self._document, WhatIfPart, WhatIfError)
        except WhatIfError as error:
            self._problems.extend(error.problems)
        experiments = [self._own_experiment()]
        experiments.extend(self._question(index, name) for index, name in self._asked())
        if self._problems:
            raise WhatIfError(self._document.source_name, self._problems)
        if len(experiments) > 1 and not self._content.keys() & {"sweep", "compare"}:
            del experiments[0]  # the questions have it among their variants
        return WhatIfPlan(title=file.title, measured=file.measured, experiments=tuple(experiments))

    def _own_experiment(self) -> Experiment:
        compared = self._content.get("compare")
        variants = {_ALONE: self._base}
        if isinstance(compared, dict):
            variants = {
                str(name): _Layer(content, ("compare", name))
                for name, content in compared.items()
                if isinstance(content, dict)
            }
        swept = self._swept()
        points = self._points(
            {name: (self._base, layer) for name, layer in variants.items()},
            [one.assignments for one in swept],
        )
        axes = tuple(one.axis() for one in swept)
        return Experiment(name="what-if", title="", axes=axes, points=points)

    def _asked(self) -> list[tuple[int, str]]:
        """The questions that exist, each with its number in the file."""
        asked = self._content.get("questions")
        numbered = enumerate(asked if isinstance(asked, list) else [])
        return [(n, one) for n, one in numbered if isinstance(one, str) and one in QUESTIONS]

    def _question(self, index: int, name: str) -> Experiment:
        question: Question = QUESTIONS[name]
        place = self._document.position(("questions", index))
        for needed in question.needs:
            if not _has(self._content, needed.split(".")):
                self._tell(("questions", index), f"questions[{index}]={name!r}, expected {needed}")
        layers = {
            variant: (self._base, _Layer(content, ("questions", index), is_one_place=True))
            for variant, content in question.variants.items()
        }
        grid = [
            [_Assignment(tuple(axis.field.split(".")), one, place, place) for one in axis.values]
            for axis in question.axes
        ]
        return Experiment(
            name=name, title=question.title, axes=question.axes, points=self._points(layers, grid)
        )

    def _swept(self) -> list[_Swept]:
        sweeps = self._content.get("sweep")
        swept: dict[str, _Swept] = {}
        for index, content in enumerate(sweeps if isinstance(sweeps, list) else []):
            try:
                sweep = SweepPart.model_validate(content)
            except ValidationError:
                continue  # told with the whole file's problems
            path: Path = ("sweep", index, "field")
            if sweep.path[0] not in (*SECTIONS, "extends"):
                self._tell(path, f"sweep[{index}].field={sweep.field!r}, expected {_STARTS}")
            elif sweep.field in swept:
                self._tell(path, f"sweep[{index}].field={sweep.field!r}: is swept twice")
            else:
                swept.update({one.field: one for one in self._axis(sweep, index)})
        return list(swept.values())

    def _axis(self, sweep: SweepPart, index: int) -> list[_Swept]:
        field_place = self._document.position(("sweep", index, "field"))
        where = "values" if sweep.values is not None else "steps"
        try:
            values = sweep.field_values()
        except ValueError as error:
            self._tell(("sweep", index, where), f"sweep[{index}].{where}: {error}")
            return []
        assignments: dict[Any, _Assignment] = {}
        for number, value in enumerate(values):
            place = self._document.position(("sweep", index, where, number))
            assignments.setdefault(value, _Assignment(sweep.path, value, place, field_place))
        return [_Swept(sweep.field, tuple(assignments.values()))]

    def _points(
        self,
        variants: Mapping[str, tuple[_Layer, _Layer]],
        grid: Sequence[Sequence[_Assignment]],
    ) -> tuple[Point, ...]:
        count = len(variants)
        for assignments in grid:
            count *= len(assignments)
        if count > POINT_LIMIT:
            self._tell(("sweep",), f"sweep: {count:,} points, expected at most {POINT_LIMIT:,}")
            return ()
        points = []
        for name, layers in variants.items():
            for assignments in itertools.product(*grid):
                scenario = self._scenario(layers, assignments)
                if scenario is not None:
                    points.append(Point(name, tuple(a.value for a in assignments), scenario))
        return tuple(points)

    def _scenario(
        self, layers: tuple[_Layer, _Layer], assignments: Sequence[_Assignment]
    ) -> ScenarioPart | None:
        base, variant = layers
        document = self._merged(base, variant, assignments)
        assert isinstance(document.content, dict)
        if "disk" not in document.content["hardware"]:
            self._tell((), "hardware.disk is missing, expected extends with a preset, or a disk")
            return None
        try:
            return validate(document, ScenarioPart, WhatIfError)
        except WhatIfError as error:
            self._problems.extend(error.problems)
            return None

    def _merged(
        self, base: _Layer, variant: _Layer, assignments: Sequence[_Assignment]
    ) -> LocatedDocument:
        content: dict[str, Any] = {"hardware": {}}
        for name, path in self._extended(base, variant, assignments):
            content["hardware"] = laid_over(content["hardware"], self._preset_content(name, path))
        content["hardware"].setdefault("sources", {})
        values: dict[Path, Position] = {(): self._document.position(())}
        keys: dict[Path, Position] = {}
        for layer in (base,) if variant is base else (base, variant):
            for section in SECTIONS:
                over = layer.content.get(section)
                if isinstance(over, dict):
                    content[section] = laid_over(content.get(section, {}), over)
            self._place(layer, values, keys)
        for one in assignments:
            if one.path != ("extends",):
                content = assigned(content, one.path, one.value)
                values[one.path], keys[one.path] = one.place, one.field_place
        return LocatedDocument(self._document.source_name, content, values, keys)

    def _extended(
        self, base: _Layer, variant: _Layer, assignments: Sequence[_Assignment]
    ) -> list[tuple[str, Path]]:
        """Names of presets, in order, and the place of what names them."""
        swept = [(str(one.value), ("sweep",)) for one in assignments if one.path == ("extends",)]
        named: list[tuple[str, Path]] = []
        for layer in (base,) if variant is base else (base, variant):
            named.extend((name, (*layer.prefix, "extends")) for name in layer.extended())
        return [*named, *swept]

    def _preset_content(self, name: str, path: Path) -> Mapping[str, Any]:
        if name not in self._presets:
            self._presets[name] = {}
            try:
                self._presets[name] = self._preset(name)
            except WhatIfError as error:
                self._tell(path, f"extends={name!r}: {'; '.join(error.lines())}")
            except LookupError as error:
                self._tell(path, f"extends={name!r}, {error.args[0]}")
        return self._presets[name]

    def _place(
        self, layer: _Layer, values: dict[Path, Position], keys: dict[Path, Position]
    ) -> None:
        """Note where the keys of a layer stand, by their path in the scenario."""
        if layer.is_one_place:
            for path in _paths(layer.content):
                values[path] = keys[path] = self._document.position(layer.prefix)
            return
        depth = len(layer.prefix)
        for source, target in (
            (self._document.value_positions, values),
            (self._document.key_positions, keys),
        ):
            target.update(
                (path[depth:], place)
                for path, place in source.items()
                if path[:depth] == layer.prefix and path[depth : depth + 1] in _SECTION_PATHS
            )

    def _tell(self, path: Path, message: str) -> None:
        self._problems.append(self._document.problem(path, message))


_STARTS = "extends, or a path that starts with hardware, policy, workload or writes"
_SECTION_PATHS = {(section,) for section in SECTIONS}


def _has(content: object, path: Sequence[str]) -> bool:
    for key in path:
        if not isinstance(content, dict) or key not in content:
            return False
        content = content[key]
    return True


def _paths(content: Mapping[str, Any], above: Path = ()) -> Iterable[Path]:
    for key, value in content.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))

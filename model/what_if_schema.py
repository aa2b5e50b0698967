"""The JSON Schema of what-if files, for editors: generated from the models that read them."""

from collections.abc import Mapping
from typing import Any

from iowitness.model.hardware_yaml import HardwarePart
from iowitness.model.scenario_yaml import PolicyPart, ScenarioPart, WorkloadPart, WritesPart
from iowitness.model.what_if_yaml import WhatIfPart

SECTION_MODELS = {
    "hardware": HardwarePart,
    "policy": PolicyPart,
    "workload": WorkloadPart,
    "writes": WritesPart,
}

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def what_if_schema() -> dict[str, Any]:
    """The schema of a what-if file.

    Its sections lie over presets, so that any of their keys may be missing; what a scenario then
    lacks as a whole is told by `iowitness simulate`.
    """
    file = WhatIfPart.model_json_schema()
    scenario = ScenarioPart.model_json_schema()
    parts = {name: _optional(part) for name, part in scenario["$defs"].items()}
    definitions = {**parts, **file.pop("$defs")}
    for owner in (file, definitions["VariantPart"]):
        for section, model in SECTION_MODELS.items():
            owner["properties"][section] = {"$ref": f"#/$defs/{model.__name__}"}
    return {
        "$schema": _DIALECT,
        **file,
        "title": "iowitness what-if",
        "$defs": dict(sorted(definitions.items())),
    }


def _optional(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part whose keys may all be missing; a disk without its kind may be of any kind."""
    return {key: _loosened(value) for key, value in part.items() if key != "required"}


def _loosened(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {key: _loosened(one) for key, one in value.items() if key != "discriminator"}
        if "discriminator" in value and "oneOf" in kept:
            kept["anyOf"] = kept.pop("oneOf")
        return kept
    return [_loosened(one) for one in value] if isinstance(value, list) else value

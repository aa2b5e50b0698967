"""What the models of all our YAML have in common: strict parts, bounded numbers, units."""

from functools import partial
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from iowitness.located_yaml import LocatedErrors
from iowitness.model.units import FieldUnit, field_unit, in_field_unit

PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class WhatIfError(LocatedErrors):
    """All that is wrong with a what-if or a preset, as `file:line:column: message` lines."""


class Part(BaseModel):
    """A mapping without unknown keys, whose values are of the right type as they stand.

    A field whose name ends in a unit (`linger_ms`, `byte_count`) takes a bare number of it, or a
    text with any unit of the same dimension (`0.5 s`, `64 KiB`).
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        # A wildcard field_validator would do, but pydantic allows none on a union's discriminator.
        super().__pydantic_init_subclass__(**kwargs)
        measured = {name: unit for name in cls.model_fields if (unit := field_unit(name))}
        for name, unit in measured.items():
            field = cls.model_fields[name]
            if not any(isinstance(one, BeforeValidator) for one in field.metadata):
                field.metadata.append(BeforeValidator(partial(_number, unit)))
        if measured:
            cls.model_rebuild(force=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = handler(schema)
        for name, described in handler.resolve_ref_schema(found).get("properties", {}).items():
            unit = field_unit(name)
            if unit is not None:
                _accept_text(described, unit.pattern)
        return found


def _number(unit: FieldUnit, value: object) -> object:
    return in_field_unit(value, unit) if isinstance(value, str) else value


def _accept_text(described: dict[str, Any], pattern: str) -> None:
    """Let a property be a text of a pattern besides what it is already."""
    text = {"type": "string", "pattern": pattern}
    if "anyOf" in described:
        described["anyOf"].append(text)
        return
    kept = {key: described.pop(key) for key in list(described) if key not in ("title", "default")}
    described["anyOf"] = [kept, text]


def nanoseconds(microseconds: float) -> int:
    """Microseconds, as presets give them, in nanoseconds, as the model counts them."""
    return round(microseconds * 1_000)

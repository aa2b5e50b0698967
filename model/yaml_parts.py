"""What the models of all our YAML have in common: strict parts, bounded numbers, units."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from iowitness.located_yaml import LocatedErrors

PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class WhatIfError(LocatedErrors):
    """All that is wrong with a what-if or a preset, as `file:line:column: message` lines."""


class Part(BaseModel):
    """A mapping without unknown keys, whose values are of the right type as they stand."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def nanoseconds(microseconds: float) -> int:
    """Microseconds, as presets give them, in nanoseconds, as the model counts them."""
    return round(microseconds * 1_000)

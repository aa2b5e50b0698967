"""The values that a sweep gives to a field: listed, or in even or even-ratio steps."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StrictFloat, StrictInt, StrictStr, model_validator

from iowitness.model.units import field_unit, in_field_unit
from iowitness.model.yaml_parts import Part

Scalar: TypeAlias = bool | StrictInt | StrictFloat | StrictStr | None
End: TypeAlias = StrictInt | StrictFloat | StrictStr

POINT_LIMIT = 10_000
"""Points of one experiment after which a grid is taken for a mistake."""


class StepsPart(Part):
    """`count` values from `from` to `to`, both among them: evenly apart, or at even ratios."""

    start: End = Field(alias="from")
    end: End = Field(alias="to")
    count: Annotated[int, Field(ge=2, le=1_000)]
    scale: Literal["linear", "log"] = "linear"


class SweepPart(Part):
    """One field, by its dotted path, and the values that it takes in turn.

    Two sweeps of one file make a grid.
    """

    field: Annotated[str, Field(min_length=1)]
    values: Annotated[list[Scalar], Field(min_length=1)] | None = None
    steps: StepsPart | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "SweepPart":
        if (self.values is None) == (self.steps is None):
            raise ValueError("expected either values or steps")
        return self

    @property
    def path(self) -> tuple[str, ...]:
        """The field's path, in parts."""
        return tuple(self.field.split("."))

    def field_values(self) -> list[Any]:
        """The values in the field's unit, in order.

        Raises ValueError where one is no number of that unit.
        """
        if self.values is not None:
            return [_number_or_text(self.path[-1], one) for one in self.values]
        assert self.steps is not None
        start = _number(self.path[-1], self.steps.start)
        end = _number(self.path[-1], self.steps.end)
        if self.steps.scale == "log" and min(start, end) <= 0:
            raise ValueError(f"from={start:g} to={end:g}, expected both > 0 on a log scale")
        return _spread(start, end, self.steps.count, self.steps.scale)


def _number_or_text(field_name: str, value: Any) -> Any:
    """A listed value; a text that has a number's form with a unit becomes the number."""
    unit = field_unit(field_name)
    if unit is None or not isinstance(value, str):
        return value
    try:
        return in_field_unit(value, unit)
    except ValueError as error:
        raise ValueError(f"{value!r}, {error}") from None


def _number(field_name: str, value: int | float | str) -> int | float:
    number = _number_or_text(field_name, value)
    if isinstance(number, str):
        raise ValueError(f"{value!r}, expected a number")  # noqa: TRY004 - pydantic's is ValueError
    return number  # type: ignore[no-any-return]  # a text in a unit is a number by now


def _spread(
    start: int | float, end: int | float, count: int, scale: Literal["linear", "log"]
) -> list[int | float]:
    """Between whole ends the values are whole too, so that they fit fields that count."""
    whole = isinstance(start, int) and isinstance(end, int)
    spread: list[int | float] = []
    for index in range(count):
        share = index / (count - 1)
        value = (
            start + (end - start) * share if scale == "linear" else start * (end / start) ** share
        )
        spread.append(round(value) if whole else float(f"{value:.6g}"))
    spread[-1] = end
    return list(dict.fromkeys(spread))

"""Quantities with their unit, as people write them: `64 KiB`, `5 ms`, `200 MB/s`, `40 %`.

A field says by the end of its name what unit a bare number has (`linger_ms`, `byte_count`,
`rate_bytes_per_s`), and with that of what dimension its texts must be.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

_SIZES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12} | {
    f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", start=1)
}
_BITS = {"kbit": 10**3, "Mbit": 10**6, "Gbit": 10**9}
_TIMES = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9} | {
    "min": 60 * 10**9,
    "h": 3_600 * 10**9,
    "d": 86_400 * 10**9,
}
_RATES = {f"{unit}/s": Fraction(size) for unit, size in _SIZES.items()} | {
    f"{unit}/s": Fraction(bits, 8) for unit, bits in _BITS.items()
}


@dataclass(frozen=True, slots=True)
class Dimension:
    """A kind of quantity: its units by their factor, and how one of its texts looks."""

    name: str
    factors: dict[str, Fraction]
    example: str


def _dimension(name: str, factors: dict[str, int], example: str) -> Dimension:
    return Dimension(name, {unit: Fraction(factor) for unit, factor in factors.items()}, example)


_SIZE = _dimension("size", _SIZES, "64 KiB")
_TIME = _dimension("time", _TIMES, "5 ms")
_RATE = Dimension("rate", _RATES, "200 MB/s")
_TURNS = _dimension("rotational speed", {"rpm": 1}, "7200 rpm")
_RECORDS = _dimension("rate of records", {"records/s": 1, "/s": 1}, "1000 records/s")
_SHARE = Dimension("share", {"%": Fraction(1, 100)}, "40 %")

_FIELDS: tuple[tuple[re.Pattern[str], Dimension, str], ...] = (
    (re.compile(r"(.*_)?bytes_per_s"), _RATE, "B/s"),
    (re.compile(r"(.*_)?records_per_s"), _RECORDS, "records/s"),
    (re.compile(r"rotations_per_minute"), _TURNS, "rpm"),
    (re.compile(r"(?!.*_per_).*_?byte_count"), _SIZE, "B"),
    (re.compile(r"(?!.*_per_).+_ratio"), _SHARE, ""),
    *((re.compile(rf"(?!.*_per_).+_{unit}"), _TIME, unit) for unit in ("ns", "us", "ms", "s")),
)
"""Ends of field names, in order: dimension, and the unit of a bare number. The first counts."""

_QUANTITY = re.compile(r"\s*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*(\S*)\s*")


@dataclass(frozen=True, slots=True)
class FieldUnit:
    """What a field holds: its dimension, and the unit of its bare numbers (empty for a share)."""

    dimension: Dimension
    unit: str

    @property
    def pattern(self) -> str:
        """An ECMA-262 expression for the texts that the field takes."""
        units = "|".join(re.escape(unit) for unit in self.dimension.factors)
        return rf"^\s*[-+]?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?\s*({units})\s*$"

    @property
    def expectation(self) -> str:
        """What is expected of a value, for messages."""
        bare = f"a number of {self.unit}" if self.unit else "a number"
        return f"expected {bare}, or a {self.dimension.name} such as '{self.dimension.example}'"


def field_unit(field_name: str) -> FieldUnit | None:
    """What a field of this name holds; None for those without a unit."""
    for pattern, dimension, unit in _FIELDS:
        if pattern.fullmatch(field_name):
            return FieldUnit(dimension, unit)
    return None


def in_field_unit(text: str, unit: FieldUnit) -> int | float:
    """The number that a text stands for, in the field's unit; whole ones are exact.

    Raises ValueError that says what was expected.
    """
    match = _QUANTITY.fullmatch(text)
    factor = unit.dimension.factors.get(match[2]) if match else None
    if match is None or factor is None:
        raise ValueError(unit.expectation)
    own = unit.dimension.factors.get(unit.unit, Fraction(1))
    number = Fraction(match[1]) * factor / own
    return int(number) if number.denominator == 1 else float(number)

"""Figures and coordinates as text: sizes, rates, times, shares."""

import math

from iowitness.model.confidence import Interval
from iowitness.model.experiment import Coordinate
from iowitness.model.point_figures import FIGURE_KINDS, FigureKind
from iowitness.model.units import field_unit
from iowitness.report.quantities import bytes_text, number_text, percent_text, seconds_text

_TIME_UNITS_S = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
_LEAST_SPREAD = 0.0005
_RATE_STEPS = ((1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"))


def amount_text(kind: FigureKind, value: float) -> str:
    """A figure with its unit: `12.3 MB/s`, `4.56 ms`."""
    if kind.unit == "B":
        return bytes_text(round(value))
    if kind.unit == "B/s":
        return rate_text(value)
    if kind.unit == "s":
        return seconds_text(value)
    if kind.unit == "share":
        return percent_text(value)
    return f"{_short(value)} {kind.unit}".rstrip()


def interval_text(name: str, found: Interval) -> str:
    """A mean, and how far off it may be where more than one seed says so: `4.56 ms ± 3 %`."""
    text = amount_text(FIGURE_KINDS[name], found.mean)
    if not math.isfinite(found.half_width) or found.mean == 0:
        return text
    share = found.half_width / abs(found.mean)
    if share < _LEAST_SPREAD:
        return text
    return f"{text} ± {percent_text(share)}"


def rate_text(bytes_per_s: float) -> str:
    """A rate in decimal units, as disks and links are sold."""
    for size, unit in _RATE_STEPS:
        if bytes_per_s >= size:
            return f"{_short(bytes_per_s / size)} {unit}"
    return f"{_short(bytes_per_s)} B/s"


def coordinate_text(field: str, value: Coordinate) -> str:
    """Where a point stands on an axis, in the field's unit: `64.0 KiB`, `5 ms`, `lz4`."""
    unit = field_unit(field.rpartition(".")[2])
    if value is None or isinstance(value, bool | str) or unit is None:
        return "none" if value is None else str(value)
    if unit.unit == "B":
        return bytes_text(round(value))
    if unit.unit == "B/s":
        return rate_text(value)
    if unit.unit in _TIME_UNITS_S:
        return f"{value:g} {unit.unit}"
    return percent_text(value) if not unit.unit else f"{value:g} {unit.unit}"


def field_words(field: str) -> str:
    """A field's path as words: `workload.producers.linger_ms` is `producers' linger`."""
    *above, name = field.split(".")
    owner = above[-1] if above else ""
    for suffix in ("_byte_count", "_ms", "_us", "_ns", "_s"):
        if "_per_" not in name:
            name = name.removesuffix(suffix)
    words = name.replace("_", " ")
    words = "size" if words == "byte count" else words
    return words if owner in ("policy", "workload", "") else f"{owner.replace('_', ' ')}: {words}"


def ratio_text(larger: float, smaller: float) -> str:
    """How many times: `3.4 times`, `1,200 times`."""
    ratio = larger / smaller
    return f"{ratio:,.0f} times" if ratio >= 20 else f"{ratio:.3g} times"


def _short(value: float) -> str:
    """A number with three digits, or whole."""
    if value == 0 or abs(value) >= 1_000:
        return f"{value:,.0f}"
    if value == int(value):
        return f"{int(value)}"
    return f"{value:.3g}" if abs(value) < 1_000 else number_text(value)

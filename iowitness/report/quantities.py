"""Numbers as text: bytes, counts, seconds, and figures with their unit."""

import math

_BYTE_UNITS = ("KiB", "MiB", "GiB", "TiB")


def count_text(count: int) -> str:
    """A whole number with thousands apart: `12,345`."""
    return f"{count:,}"


def bytes_text(byte_count: int) -> str:
    """A size in the largest binary unit that leaves at least 1: `900 B`, `2.40 MiB`."""
    if abs(byte_count) < 1024:
        return f"{byte_count} B"
    size, power = float(byte_count), 0
    while abs(size) >= 1024 and power < len(_BYTE_UNITS):
        size, power = size / 1024, power + 1
    return f"{_three_digits(size)} {_BYTE_UNITS[power - 1]}"


def seconds_text(seconds: float) -> str:
    """A time in s, ms or µs with three digits: `1.23 s`, `45.6 ms`."""
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(seconds) >= scale:
            return f"{_three_digits(seconds / scale)} {unit}"
    return "0 s" if seconds == 0 else f"{_three_digits(seconds / 1e-9)} ns"


def number_text(value: float) -> str:
    """A number: whole ones exactly with thousands apart, others with four digits."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.1f}"
    return f"{value:.4g}"


def figure_text(value: float | None, unit: str) -> str:
    """A number with its unit; a dash where there is none."""
    if value is None:
        return "-"
    if unit == "s":
        return seconds_text(value)
    return f"{number_text(value)} {unit}".rstrip()


def percent_text(share: float) -> str:
    """A share of 0 to 1 in percent, with two digits where it is small: `0.027 %`, `100 %`."""
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.2g} %"


def _three_digits(size: float) -> str:
    if size >= 100:
        return f"{size:.0f}"
    return f"{size:.1f}" if size >= 10 else f"{size:.2f}"

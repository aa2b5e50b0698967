"""Prometheus's text format, version 0.0.4: families of samples as lines. Pure.

Source: prometheus.io, "Exposition formats", text-based format.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final, Literal

from msgspec import Struct

from iowitness.impl.metrics import BUCKET_ENDS_S, Histogram

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]


class Sample(Struct, frozen=True):
    """One value of a family, told from the others by its labels."""

    value: float
    labels: Labels = ()


class Family(Struct, frozen=True):
    """A counter or a gauge: counters' names end in `_total`."""

    name: str
    kind: Literal["counter", "gauge"]
    explained: str
    samples: tuple[Sample, ...]


class HistogramFamily(Struct, frozen=True):
    """Durations in seconds, as cumulative buckets."""

    name: str
    explained: str
    histograms: tuple[tuple[Labels, Histogram], ...]


def exposed(families: Iterable[Family | HistogramFamily]) -> str:
    """The page of some families, in their order; each name once."""
    lines: list[str] = []
    for family in families:
        kind = "histogram" if isinstance(family, HistogramFamily) else family.kind
        lines.append(f"# HELP {family.name} {_escaped_help(family.explained)}")
        lines.append(f"# TYPE {family.name} {kind}")
        if isinstance(family, HistogramFamily):
            for labels, histogram in family.histograms:
                lines += _histogram_lines(family.name, labels, histogram)
        else:
            lines += [_line(family.name, one.labels, one.value) for one in family.samples]
    return "".join(f"{line}\n" for line in lines)


def _histogram_lines(name: str, labels: Labels, histogram: Histogram) -> Sequence[str]:
    ends = [*map(_number, BUCKET_ENDS_S), "+Inf"]
    cumulative = list(accumulate(histogram.bucket_counts))
    buckets = [
        _line(f"{name}_bucket", (*labels, ("le", end)), count)
        for end, count in zip(ends, cumulative, strict=True)
    ]
    return (
        *buckets,
        _line(f"{name}_sum", labels, histogram.sum_ns / 1e9),
        _line(f"{name}_count", labels, cumulative[-1]),
    )


def _line(name: str, labels: Labels, value: float) -> str:
    pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
    return f"{name}{{{pairs}}} {_number(value)}" if pairs else f"{name} {_number(value)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _escaped(text: str) -> str:
    return _escaped_help(text).replace('"', '\\"')


def _escaped_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")

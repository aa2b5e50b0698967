"""What is kept of one simulated run: its figures, and the curves that the report draws."""

from typing import Literal, TypeAlias

from msgspec import Struct

Keep: TypeAlias = Literal["figures", "curves"]


class Samples(Struct, frozen=True, kw_only=True):
    """Columns over simulated time, in seconds and bytes. `groups` names those of `read_bytes`."""

    seconds: list[float]
    log_end_bytes: list[int]
    cached_bytes: list[int]
    dirty_bytes: list[int]
    groups: list[str]
    read_bytes: list[list[int]]


class Curves(Struct, frozen=True, kw_only=True):
    """Distributions as (seconds, share at or below), samples, and bytes moved by path."""

    latencies: dict[str, list[tuple[float, float]]]
    cpu_copied_bytes: dict[str, int]
    dma_bytes: dict[str, int]
    utilisation: dict[str, float]
    samples: Samples | None = None


class PointResult(Struct, frozen=True, kw_only=True):
    """One point with one seed. Figures are named as in `iowitness.model.point_figures`."""

    figures: dict[str, float]
    bottleneck: str = ""
    curves: Curves | None = None

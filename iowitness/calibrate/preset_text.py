"""A calibration as a preset's YAML: figures, and in their sources when, how and how surely."""

from collections.abc import Iterable, Mapping

import yaml

from iowitness.calibrate import code_probe, copy_probe, disk_probe, switch_probe
from iowitness.calibrate.calibration import Calibration
from iowitness.calibrate.disk_probe import DEPTHS
from iowitness.calibrate.repeated import Measured

_MEMORY_METHOD = (
    "Sizes and limits as the kernel tells them; the rate is what threads on all cores together "
    "read of a cached file, by the clock"
)


def preset_text(found: Calibration) -> str:
    """The file. `iowitness simulate` extends it by its path."""
    document = {
        "sources": _sources(found),
        "disk": _disk(found),
        "processor": {"core_count": found.core_count, **_whole(found.figures, "processor")},
        "memory": {
            "byte_count": found.memory_byte_count,
            **_whole(found.figures, "memory"),
            **found.dirty_settings,
            "read_ahead_byte_count": found.read_ahead_byte_count,
        },
        "link": {
            "latency_us": _rounded(found.figures["link.latency_us"].value),
            "bytes_per_s": round(found.figures["link.bytes_per_s"].value),
        },
    }
    head = f"# Measured by iowitness calibrate on {found.kernel}, {found.measured_at}.\n"
    return head + yaml.safe_dump(document, sort_keys=False, width=96, allow_unicode=True)


def _disk(found: Calibration) -> dict[str, object]:
    figures = found.figures
    return {
        "kind": "virtual",
        "byte_count": found.disk_byte_count,
        **{
            name: _rounded(figures[name].value)
            for name in ("read_latency_us", "write_latency_us", "flush_us")
        },
        **{
            rates: [
                {"depth": depth, "bytes_per_s": round(figures[f"{rates}.{depth}"].value)}
                for depth in DEPTHS
            ]
            for rates in ("read_rates", "write_rates")
        },
    }


def _whole(figures: Mapping[str, Measured], part: str) -> dict[str, int]:
    """A part's figures, which are whole numbers above 0 in their units."""
    return {
        name.partition(".")[2]: max(1, round(one.value))
        for name, one in figures.items()
        if name.startswith(f"{part}.")
    }


def _sources(found: Calibration) -> dict[str, str]:
    when = f"Measured {found.measured_at} on {found.kernel} at {found.priority}"
    processor = f"{copy_probe.METHOD}; {switch_probe.METHOD}; {code_probe.METHOD}"
    parts = {
        "disk": (disk_probe.METHOD, ("read", "write", "flush")),
        "processor": (processor, ("processor.",)),
        "memory": (_MEMORY_METHOD, ("memory.",)),
        "link": (switch_probe.LINK_METHOD, ("link.",)),
    }
    return {
        part: f"{when}. {method}. Spread: {', '.join(_spreads(found.figures, starts))}."
        for part, (method, starts) in parts.items()
    }


def _spreads(figures: Mapping[str, Measured], starts: tuple[str, ...]) -> Iterable[str]:
    """From low to high as a share of the median, figure by figure."""
    for name, one in figures.items():
        if name.startswith(starts):
            words = name.partition(".")[2] if len(starts) == 1 else name
            yield f"{words} {one.spread:.0%} of {one.count}"


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")

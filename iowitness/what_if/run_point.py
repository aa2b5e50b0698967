"""One point run with one seed: the function that a sweep's workers call."""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import msgspec

from iowitness.model.broker_figures import BrokerFigures
from iowitness.model.broker_simulation import simulate_broker
from iowitness.model.hardware import Hardware
from iowitness.model.latency_histogram import LatencyHistogram
from iowitness.model.point_figures import broker_point, writes_point
from iowitness.model.scenario_load import broker_load, write_load
from iowitness.model.scenario_yaml import ScenarioPart
from iowitness.model.write_order import WriteFigures, simulate_writes
from iowitness.what_if.point_result import Curves, Keep, PointResult, Samples

_CURVE_POINT_COUNT = 200


class Task(NamedTuple):
    """A scenario as JSON, what it is known by, a seed, and what to keep of the outcome."""

    digest: str
    scenario_json: str
    seed: int
    keep: Keep = "figures"

    @property
    def key(self) -> str:
        """What the outcome is kept under."""
        return f"{self.digest}-{self.seed}-{self.keep}"


def run_task(task: Task) -> bytes:
    """The task's `PointResult` as JSON: bytes travel between processes and to files alike."""
    scenario = ScenarioPart.model_validate(_with_sources(msgspec.json.decode(task.scenario_json)))
    return msgspec.json.encode(run_scenario(scenario, task.seed, task.keep))


def run_scenario(scenario: ScenarioPart, seed: int, keep: Keep) -> PointResult:
    """Simulate it."""
    hardware = scenario.hardware.value("what-if")
    if scenario.writes is not None:
        return _writes(hardware, scenario, seed, keep)
    figures = simulate_broker(hardware, broker_load(scenario), seed)
    return PointResult(
        figures=broker_point(figures),
        bottleneck=_bottleneck(figures),
        curves=_broker_curves(figures) if keep == "curves" else None,
    )


def _bottleneck(figures: BrokerFigures) -> str:
    """The busiest resource, short enough for a table."""
    found = figures.bottleneck
    share = f"{found.resource} {100 * found.utilisation:.0f} %"
    return f"saturated: {share}" if found.saturated else f"busiest: {share}"


def _writes(hardware: Hardware, scenario: ScenarioPart, seed: int, keep: Keep) -> PointResult:
    figures = simulate_writes(hardware, write_load(scenario), seed)
    return PointResult(
        figures=writes_point(figures),
        curves=_write_curves(figures) if keep == "curves" else None,
    )


def _with_sources(content: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """A scenario's JSON leaves the sources of its figures out: they are nothing to simulate."""
    return {**content, "hardware": {"sources": {}, **content["hardware"]}}


def _broker_curves(figures: BrokerFigures) -> Curves:
    end_to_end = LatencyHistogram()
    for group in figures.groups:
        end_to_end.add_all(group.end_to_end_latency)
    latencies = {
        "produce": figures.produce_latency,
        "send to arrival": end_to_end,
        "fetch": figures.fetch_latency,
    }
    return Curves(
        latencies={name: _curve(one) for name, one in latencies.items() if one.weight},
        cpu_copied_bytes=figures.cpu_copied_byte_counts,
        dma_bytes=figures.dma_byte_counts,
        utilisation=figures.utilisation,
        samples=_samples(figures),
    )


def _write_curves(figures: WriteFigures) -> Curves:
    return Curves(
        latencies={"write": _curve(figures.write_latency)},
        cpu_copied_bytes={"write": figures.cpu_copied_byte_count},
        dma_bytes={"disk write": figures.device_write_byte_count},
        utilisation={},
    )


def _samples(figures: BrokerFigures) -> Samples:
    samples = figures.samples
    return Samples(
        seconds=[one.time_ns / 1e9 for one in samples],
        log_end_bytes=[one.log_end_byte_count for one in samples],
        cached_bytes=[one.cached_byte_count for one in samples],
        dirty_bytes=[one.dirty_byte_count for one in samples],
        groups=[group.name for group in figures.groups],
        read_bytes=[
            [one.read_byte_counts[index] for one in samples] for index in range(len(figures.groups))
        ],
    )


def _curve(latency: LatencyHistogram) -> list[tuple[float, float]]:
    """A distribution with as many points as a plot can show."""
    points = [(bound_ns / 1e9, share) for bound_ns, share in latency.curve()]
    if len(points) <= _CURVE_POINT_COUNT:
        return points
    return list(_thinned(points))


def _thinned(points: list[tuple[float, float]]) -> Iterable[tuple[float, float]]:
    """Points whose share, or whose distance to 1 in the tail, has changed enough to be seen."""
    yield points[0]
    shown = points[0][1]
    for (_, before), (seconds, share) in pairwise(points):
        grown = share - shown >= 1 / _CURVE_POINT_COUNT
        in_tail = share > before and (1 - share) <= 0.9 * (1 - shown)
        if grown or in_tail or share >= 1:
            yield seconds, share
            shown = share

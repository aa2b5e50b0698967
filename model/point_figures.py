"""The numbers of one simulated run that points are compared by, each with its unit."""

from dataclasses import dataclass
from typing import Literal

from iowitness.model.broker_figures import BrokerFigures
from iowitness.model.latency_histogram import LatencyHistogram
from iowitness.model.write_order import WriteFigures

_QUANTILES = (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))


@dataclass(frozen=True, slots=True)
class FigureKind:
    """One figure: its words, its unit, and which way is good. Shares are 0 to 1."""

    title: str
    unit: Literal["B", "B/s", "s", "records/s", "share", ""]
    better: Literal["higher", "lower", "neither"] = "lower"


FIGURE_KINDS: dict[str, FigureKind] = {
    "stored_bytes_per_s": FigureKind("stored", "B/s", "higher"),
    "fetched_bytes_per_s": FigureKind("fetched", "B/s", "higher"),
    "records_per_s": FigureKind("records acknowledged", "records/s", "higher"),
    "produce_p50_s": FigureKind("produce latency, median", "s"),
    "produce_p99_s": FigureKind("produce latency, p99", "s"),
    "produce_p999_s": FigureKind("produce latency, p99.9", "s"),
    "end_to_end_p50_s": FigureKind("send to arrival, median", "s"),
    "end_to_end_p99_s": FigureKind("send to arrival, p99", "s"),
    "fetch_p50_s": FigureKind("fetch latency, median", "s"),
    "fetch_p99_s": FigureKind("fetch latency, p99", "s"),
    "records_per_request": FigureKind("records a request", "", "higher"),
    "broker_cpu_s_per_gib": FigureKind("broker's CPU time for a GiB fetched", "s"),
    "broker_cpu_s": FigureKind("broker's CPU time", "s"),
    "client_cpu_s": FigureKind("clients' CPU time", "s"),
    "cpu_copied_bytes": FigureKind("copied by processors", "B"),
    "hit_share": FigureKind("reads from the page cache", "share", "higher"),
    "disk_read_bytes": FigureKind("read from disk", "B"),
    "disk_written_bytes": FigureKind("written to disk", "B"),
    "log_bytes": FigureKind("kept in the logs", "B", "neither"),
    "seek_count": FigureKind("seeks", ""),
    "sync_count": FigureKind("syncs", ""),
    "final_lag_bytes": FigureKind("farthest group behind at the end", "B"),
    "write_p50_s": FigureKind("write, median", "s"),
    "write_p99_s": FigureKind("write, p99", "s"),
}
"""All figures, in the order of tables."""


def broker_point(figures: BrokerFigures) -> dict[str, float]:
    """Figures of a broker's run by name; what has no meaning there is left out."""
    values = {
        "stored_bytes_per_s": figures.stored_bytes_per_s,
        "records_per_s": figures.records_per_s,
        "records_per_request": figures.records_per_request,
        "broker_cpu_s": figures.cpu_ns.get("broker", 0) / 1e9,
        "client_cpu_s": sum(ns for role, ns in figures.cpu_ns.items() if role != "broker") / 1e9,
        "cpu_copied_bytes": sum(figures.cpu_copied_byte_counts.values()),
        "disk_read_bytes": figures.device_read_byte_count,
        "disk_written_bytes": figures.device_write_byte_count,
        "log_bytes": figures.log_byte_count,
        "seek_count": figures.seek_count,
        "sync_count": figures.sync_count,
    }
    values |= _quantiles("produce", figures.produce_latency)
    if figures.groups:
        end_to_end = LatencyHistogram()
        for group in figures.groups:
            end_to_end.add_all(group.end_to_end_latency)
        values |= _quantiles("end_to_end", end_to_end)
        values |= _quantiles("fetch", figures.fetch_latency)
        values["fetched_bytes_per_s"] = sum(group.bytes_per_s for group in figures.groups)
        values["hit_share"] = figures.hit_rate
        values["broker_cpu_s_per_gib"] = figures.cpu_s_per_gib
        values["final_lag_bytes"] = max(group.final_lag_byte_count for group in figures.groups)
    return {name: float(values[name]) for name in FIGURE_KINDS if name in values}


def _quantiles(what: str, latency: LatencyHistogram) -> dict[str, float]:
    """Quantiles in seconds; none of nothing."""
    if not latency.weight:
        return {}
    named = {f"{what}_{name}_s": latency.quantile_ns(p) / 1e9 for name, p in _QUANTILES}
    return {name: value for name, value in named.items() if name in FIGURE_KINDS}


def writes_point(figures: WriteFigures) -> dict[str, float]:
    """Figures of a program that only writes."""
    values = {
        "stored_bytes_per_s": figures.bytes_per_s,
        "cpu_copied_bytes": figures.cpu_copied_byte_count,
        "disk_read_bytes": figures.device_read_byte_count,
        "disk_written_bytes": figures.device_write_byte_count,
        "seek_count": figures.seek_count,
        "sync_count": figures.sync_count,
    }
    values |= _quantiles("write", figures.write_latency)
    return {name: float(values[name]) for name in FIGURE_KINDS if name in values}

"""The whole calibration: every probe in turn, and what they add up to."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from iowitness.calibrate import (
    code_probe,
    copy_probe,
    disk_probe,
    machine_facts,
    switch_probe,
)
from iowitness.calibrate.repeated import Measured
from iowitness.calibrate.scratch_file import scratch_file
from iowitness.real_run.priority import ahead_of_others


class Calibration(Struct, frozen=True, kw_only=True):
    """What was measured, by the preset's field in the preset's unit, and what was looked up."""

    measured_at: str
    kernel: str
    priority: str
    core_count: int
    memory_byte_count: int
    disk_byte_count: int
    read_ahead_byte_count: int
    dirty_settings: dict[str, float]
    figures: dict[str, Measured]


def calibrate(folder: Path, byte_count: int, told: Callable[[str], None]) -> Calibration:
    """Measure this machine, and the disk that `folder` is on, with a file of `byte_count` bytes.

    `told` hears what is measured next. Raises `CannotCalibrate` where that would be no use.
    """
    cores = machine_facts.core_count()
    figures: dict[str, Measured] = {}
    with scratch_file(folder, byte_count) as file, ahead_of_others() as priority:
        told("disk")
        figures |= disk_probe.disk_figures(folder, file)
        told("copies")
        figures |= copy_probe.copy_figures(file, cores)
        told("calls and loopback")
        figures |= switch_probe.switch_figures()
        told("iowitness's own broker and clients")
        figures |= code_probe.code_figures(folder)
    memory = machine_facts.memory_byte_count()
    return Calibration(
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        kernel=machine_facts.kernel(),
        priority=priority,
        core_count=cores,
        memory_byte_count=memory,
        disk_byte_count=_disk_byte_count(folder),
        read_ahead_byte_count=machine_facts.read_ahead_byte_count(folder),
        dirty_settings=machine_facts.dirty_settings(memory),
        figures=with_wake_up(figures),
    )


def with_wake_up(figures: Mapping[str, Measured]) -> dict[str, Measured]:
    """The figures with a link whose latency is what a request's way is beyond the work for it.

    Two processes are woken on that way, which no processor counts as anybody's time; the link's
    delay in each direction stands for it, and is at least the bare loopback's. What a record that
    lingered takes beyond all this is how late timers are, and processes that have been idle.
    Loopback has no wire, and so no rate but that of memory.
    """
    found = dict(figures)
    way = found.pop("round_trip_ns")
    work_ns = sum(found[f"processor.{name}"].value for name in ("fetch_request_ns", "request_ns"))
    least = found["link.latency_us"]

    def latency_us(round_trip_ns: float) -> float:
        return max(least.value, (round_trip_ns - work_ns) / 2_000)

    found["link.latency_us"] = Measured(
        value=latency_us(way.value),
        low=latency_us(way.low),
        high=latency_us(way.high),
        count=way.count,
    )
    found["link.bytes_per_s"] = found["memory.copy_total_bytes_per_s"]
    lingered = found.pop("lingered_ns")
    known_ns = 2_000 * found["link.latency_us"].value + sum(
        found[f"processor.{name}"].value
        for name in ("append_record_ns", "send_request_ns", "request_ns")
    )
    found["processor.timer_late_ns"] = Measured(
        value=max(1.0, lingered.value - known_ns),
        low=max(1.0, lingered.low - known_ns),
        high=max(1.0, lingered.high - known_ns),
        count=lingered.count,
    )
    return found


def _disk_byte_count(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_blocks * found.f_frsize

"""`file_pipeline`: measured programs are met, and theory where there is one."""

import csv
from pathlib import Path

import pytest

from iowitness.model.file_pipeline import PipelineLoad, run_pipelines
from iowitness.model.hardware import Hardware, Memory, RateByDepth, VirtualDiskFigures
from iowitness.prediction import hardware_named

SHARED = Path(__file__).parents[2].parent / "shared" / "pagecache"
DISK = VirtualDiskFigures(
    byte_count=10**12,
    read_latency_ns=0,
    write_latency_ns=0,
    flush_ns=0,
    read_rates=(RateByDepth(depth=1, bytes_per_s=500e6),),
    write_rates=(RateByDepth(depth=1, bytes_per_s=400e6),),
)


def load(gigabytes: float, programs: int = 1, compute_s: float = 1.0) -> PipelineLoad:
    return PipelineLoad(
        program_count=programs,
        task_count=2,
        file_byte_count=int(gigabytes * 1e9),
        compute_ns=int(compute_s * 1e9),
    )


def test_a_cold_read_takes_the_disks_time_and_a_warm_one_the_memorys() -> None:
    hardware = Hardware(name="t", disk=DISK, memory=Memory(byte_count=64_000_000_000))
    first, second = run_pipelines(hardware, load(2.0)).programs[0]
    assert 4.0 < first.read_ns / 1e9 < 4.2
    assert second.read_ns / 1e9 < 1.0


def test_a_file_that_does_not_fit_is_read_from_disk_again() -> None:
    small = Hardware(name="t", disk=DISK, memory=Memory(byte_count=3_000_000_000))
    _, second = run_pipelines(small, load(2.0)).programs[0]
    assert second.read_ns / 1e9 > 1.0


def test_more_memory_never_slows_a_program_down() -> None:
    durations = []
    for gigabytes in (4, 8, 16, 32):
        memory = Memory(byte_count=gigabytes * 10**9)
        run = run_pipelines(Hardware(name="t", disk=DISK, memory=memory), load(2.0))
        durations.append(sum(t.read_ns + t.write_ns for t in run.programs[0]))
    assert durations == sorted(durations, reverse=True)


def test_writers_beyond_the_limit_run_at_the_disks_rate() -> None:
    hardware = Hardware(name="t", disk=DISK, memory=Memory(byte_count=8_000_000_000))
    first = run_pipelines(hardware, load(6.0, compute_s=0.1)).programs[0][0]
    # Of 6 GB hardly more than the setpoint of 1.4 GB may stay dirty.
    assert first.write_ns / 1e9 > 4.0e9 / 400e6 / 1.1


def test_one_measured_program_is_met_within_ten_percent_on_average() -> None:
    path = SHARED / "single_app_times.csv"
    if not path.exists():
        pytest.skip(f"{path}: the measurements are not here")
    with path.open() as text:
        rows = [row for row in csv.DictReader(text) if row["size_gb"] == "20"]
    measured = PipelineLoad(
        program_count=1,
        task_count=3,
        file_byte_count=20_000_000_000,
        compute_ns=28_000_000_000,
        other_cached_byte_count=5_240_000_000,
        other_used_byte_count=1_970_000_000,
    )
    tasks = run_pipelines(hardware_named("xeon-6130-ssd"), measured).programs[0]
    errors = []
    for row in rows:
        task = tasks[int(row["task"]) - 1]
        ours = (task.read_ns if row["op"] == "read" else task.write_ns) / 1e9
        errors.append(abs(ours - float(row["real_s"])) / float(row["real_s"]))
    assert sum(errors) / len(errors) < 0.1

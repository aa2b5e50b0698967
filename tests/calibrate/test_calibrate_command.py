"""`iowitness calibrate`: a preset that can be used, and nothing left behind however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from iowitness.calibrate import calibration, code_probe, scratch_file, switch_probe
from iowitness.calibrate.repeated import Measured
from iowitness.calibrate_command import calibrate
from iowitness.model.what_if_reader import read_what_if
from iowitness.preset_files import hardware_named, preset_reader
from iowitness.what_if.run_point import run_scenario


def _refuses_direct(folder: Path) -> bool:
    try:
        with scratch_file.scratch_file(folder, 4_096):
            return False
    except scratch_file.CannotCalibrate:
        return True


@pytest.fixture
def disk_folder(tmp_path: Path) -> Path:
    if _refuses_direct(tmp_path):
        pytest.skip("the temporary folder's file system has no O_DIRECT")
    return tmp_path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer and shorter rounds: what is tested is the way, not the figures."""
    monkeypatch.setattr(code_probe, "_ROUND_COUNT", 1)
    for name, count in (("_SINGLE", 60), ("_BATCHED", 600), ("_LINGERING", 16)):
        order = getattr(code_probe, name)
        fields = {field: getattr(order, field) for field in order.__struct_fields__}
        monkeypatch.setattr(code_probe, name, type(order)(**fields | {"record_count": count}))
    monkeypatch.setattr(switch_probe, "_ROUND_TRIP_COUNT", 100)
    monkeypatch.setattr(switch_probe, "_SWITCH_COUNT", 100)


def _invoke(*arguments: str) -> Result:
    return CliRunner().invoke(calibrate, arguments)


@pytest.mark.usefixtures("quick")
def test_the_preset_says_how_it_was_measured_and_is_simulated(disk_folder: Path) -> None:
    preset = disk_folder / "mine.yaml"
    result = _invoke(str(preset), "--dir", str(disk_folder), "--size", "16")
    assert result.exit_code == 0, result.output
    assert os.listdir(disk_folder) == ["mine.yaml"]
    content = preset_reader(disk_folder)("mine.yaml")
    assert content["sources"].keys() == {"disk", "processor", "memory", "link"}
    assert all(
        "Spread: " in text and text.startswith("Measured 2") for text in content["sources"].values()
    )
    assert hardware_named(str(preset)).processor.core_count == len(os.sched_getaffinity(0))
    plan = read_what_if(
        "extends: mine.yaml\nworkload: {duration_s: 0.2 s, warm_up_s: 0.05 s}\n",
        "case",
        preset_reader(disk_folder),
    )
    figures = run_scenario(plan.points[0].scenario, 0, "figures").figures
    assert figures["stored_bytes_per_s"] > 0


def test_a_nearly_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(tmp_path)

    def full(path: object) -> os.statvfs_result:
        del path
        fields = list(real)
        fields[4] = 100  # f_bavail
        return os.statvfs_result(fields)

    monkeypatch.setattr(scratch_file.os, "statvfs", full)
    result = _invoke(str(tmp_path / "p.yaml"), "--dir", str(tmp_path))
    assert result.exit_code == 3
    assert "nearly full disk" in result.output
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_behind_however_it_ends(disk_folder: Path, end: signal.Signals) -> None:
    preset = disk_folder / "p.yaml"
    command = [sys.executable, "-m", "iowitness", "calibrate", str(preset), "--dir"]
    with subprocess.Popen(
        [*command, str(disk_folder), "--size", "64"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        _wait_for(lambda: _has_deleted_file_open(running.pid))
        running.send_signal(end)
        status = running.wait(60)
    assert status == (-9 if end is signal.SIGKILL else 130)
    assert os.listdir(disk_folder) == []


def _has_deleted_file_open(process_id: int) -> bool:
    descriptors = Path(f"/proc/{process_id}/fd")
    try:
        return any("iowitness-calibrate" in str(one.readlink()) for one in descriptors.iterdir())
    except OSError:
        return False


def _wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(3_000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("the scratch file was not opened within 30 s")


def test_a_links_latency_has_the_waking_up_in_it_and_never_less_than_loopback() -> None:
    def figures(round_trip_ns: float) -> dict[str, Measured]:
        values = {
            "processor.fetch_request_ns": 30_000.0,
            "processor.request_ns": 70_000.0,
            "processor.append_record_ns": 5_000.0,
            "processor.send_request_ns": 45_000.0,
            "memory.copy_total_bytes_per_s": 1e10,
            "link.latency_us": 15.0,
            "lingered_ns": 400_000.0,
            "round_trip_ns": round_trip_ns,
        }
        return {k: Measured(value=v, low=v, high=v, count=1) for k, v in values.items()}

    woken = calibration.with_wake_up(figures(300_000))
    assert woken["link.latency_us"].value == 100
    assert woken["processor.timer_late_ns"].value == 80_000
    assert calibration.with_wake_up(figures(101_000))["link.latency_us"].value == 15

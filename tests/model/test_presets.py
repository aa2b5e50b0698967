"""The presets that come with the package: what their sources say is what they do."""

from pathlib import Path

import pytest

from iowitness.model.drive import Drive
from iowitness.model.hardware_yaml import HardwarePart
from iowitness.model.seek_time import seek_ns
from iowitness.model.write_order import WriteLoad, simulate_writes
from iowitness.preset_files import hardware_named, preset_names, preset_reader

_SPEEDS = {"hdd-5400": 5_400, "hdd-7200": 7_200, "hdd-10000": 10_000, "hdd-15000": 15_000}


def _drive(name: str) -> Drive:
    disk = hardware_named(name).disk
    assert isinstance(disk, Drive)
    return disk


@pytest.mark.parametrize("name", preset_names())
def test_each_part_of_a_preset_names_its_source(name: str) -> None:
    content = preset_reader(Path())(name)
    described = content.keys() - {"sources", "link"}
    assert described <= content["sources"].keys() <= HardwarePart.model_fields.keys()


@pytest.mark.parametrize(("name", "average_ms"), [("hdd-5400", 12.0), ("hdd-15000", 2.9)])
def test_a_drives_average_seek_is_the_one_that_its_maker_gives(
    name: str, average_ms: float
) -> None:
    drive = _drive(name)
    zones = preset_reader(Path())(name)["disk"]["zones"]
    cylinders = sum(zone["cylinder_count"] for zone in zones)
    step = cylinders // 2_000
    distances = range(step // 2, cylinders, step)
    weights = [cylinders - distance for distance in distances]
    times = [seek_ns(drive.mechanics.seek, distance) for distance in distances]
    mean_ns = sum(w * t for w, t in zip(weights, times, strict=True)) / sum(weights)
    assert mean_ns / 1e6 == pytest.approx(average_ms, rel=0.02)


def test_faster_turning_drives_write_at_random_faster() -> None:
    load = WriteLoad(
        order="random",
        piece_byte_count=16_384,
        piece_count=150,
        file_byte_count=10**11,
        sync="every-write",
    )
    times = [simulate_writes(hardware_named(name), load, 1).duration_ns for name in _SPEEDS]
    assert times == sorted(times, reverse=True)


def test_flash_and_the_network_volume_keep_their_rates() -> None:
    load = WriteLoad(
        order="append",
        piece_byte_count=1 << 20,
        piece_count=2_000,
        file_byte_count=10**11,
        sync="at-end",
    )
    volume = simulate_writes(hardware_named("network-block-store"), load, 1).bytes_per_s
    assert volume == pytest.approx(125 * 2**20, rel=0.25)
    assert simulate_writes(hardware_named("nvme"), load, 1).bytes_per_s > 5 * volume

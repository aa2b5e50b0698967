"""`hard_disk`: what can be worked out by hand, and what must hold for every drive."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.model.block_request import BlockRequest
from iowitness.model.demerit import demerit
from iowitness.model.disksim_drive import read_drive
from iowitness.model.drive import (
    AfterWhat,
    Bus,
    Drive,
    DriveCache,
    DriveZone,
    Layout,
    Mechanics,
    Overheads,
    TableSeek,
    TwoPieceSeek,
)
from iowitness.model.hard_disk import HardDisk
from iowitness.model.seek_time import seek_ns

TURN_NS = 10_000_000
SHARED = Path(__file__).parents[2].parent / "shared" / "disks"


PLAIN = DriveCache()


def drive(cache: DriveCache = PLAIN) -> Drive:
    """Ten sectors a track of 1 ms each, so that every time is a whole number of them."""
    zone = DriveZone(
        first_cylinder=0, last_cylinder=99, sectors_per_track=10, track_skew=1, cylinder_skew=3
    )
    return Drive(
        name="plain",
        layout=Layout(surface_count=2, zones=(zone,)),
        mechanics=Mechanics(
            revolution_ns=TURN_NS,
            seek=TableSeek(distances=(1, 99), times_ns=(3_000_000, 9_000_000)),
            head_switch_ns=1_000_000,
        ),
        cache=cache,
        overheads=Overheads(read_miss=AfterWhat(read_ns=500_000, write_ns=500_000)),
        bus=Bus(read_block_ns=1_000, write_block_ns=1_000),
    )


def read(block: int, count: int = 1) -> BlockRequest:
    return BlockRequest("read", block, count)


def write(block: int, count: int = 1) -> BlockRequest:
    return BlockRequest("write", block, count)


def test_a_read_waits_for_its_sector() -> None:
    # 0.5 ms of overhead, sector 4 begins to pass at 4 ms and has passed at 5, and 1 us of bus.
    assert HardDisk(drive()).completion_ns(read(4), 0) == 5_001_000


def test_a_sector_just_missed_comes_a_turn_later() -> None:
    assert HardDisk(drive()).completion_ns(read(4), 3_600_000) == 15_001_000


def test_a_seek_takes_its_time_before_the_rotation() -> None:
    # Block 20 is cylinder 1, surface 0: angle 1 + 3 = 4 sectors; the arm is there at 3.5 ms.
    assert HardDisk(drive()).completion_ns(read(20), 0) == 5_001_000


def test_a_request_waits_for_the_one_before() -> None:
    disk = HardDisk(drive())
    first = disk.completion_ns(read(4), 0)
    assert disk.completion_ns(read(5), 0) > first


def test_a_hit_costs_the_bus_only() -> None:
    cache = DriveCache(segment_count=2, segment_sector_count=30, read_ahead="segment",
                       read_ahead_most=30)  # fmt: skip
    disk = HardDisk(drive(cache))
    done_ns = disk.completion_ns(read(0), 0)
    later_ns = done_ns + 100_000_000
    assert disk.completion_ns(read(3, 5), later_ns) == later_ns + 5 * 1_000


def test_a_request_inside_an_ongoing_prefetch_gets_the_rest_as_it_passes() -> None:
    cache = DriveCache(segment_count=2, segment_sector_count=30, read_ahead="segment",
                       read_ahead_most=30)  # fmt: skip
    disk = HardDisk(drive(cache))
    assert disk.completion_ns(read(0), 0) == 11_001_000
    # At 13.5 ms blocks up to 2 have passed, block 5 has at 16 ms.
    assert disk.completion_ns(read(1, 5), 13_500_000) == 16_001_000


def test_a_cached_write_is_confirmed_before_it_is_on_the_surface() -> None:
    disk = HardDisk(drive(DriveCache(write_caching="all")))
    assert disk.completion_ns(write(4), 0) == 1_000
    # The next one elsewhere waits until the arm is free: block 4 has passed at 5 ms.
    assert disk.completion_ns(write(20), 10_000) == 5_001_000


def test_an_uncached_write_is_confirmed_when_it_is_on_the_surface() -> None:
    assert HardDisk(drive()).completion_ns(write(4), 0) == 5_000_000


def test_a_flush_waits_for_the_surface() -> None:
    disk = HardDisk(drive(DriveCache(write_caching="all")))
    disk.completion_ns(write(4), 0)
    assert disk.completion_ns(BlockRequest("flush", 0, 0), 10_000) == 5_000_000


requests = st.lists(
    st.tuples(st.sampled_from(["read", "write"]), st.integers(0, 1_900), st.integers(1, 40),
              st.integers(0, 30_000_000)),
    max_size=40,
)  # fmt: skip
caches = st.builds(
    DriveCache,
    segment_count=st.integers(1, 4),
    segment_sector_count=st.integers(40, 80),
    read_ahead=st.sampled_from(["none", "track", "cylinder", "segment", "next-track"]),
    read_ahead_most=st.integers(0, 80),
    read_ahead_after_hit=st.booleans(),
    write_caching=st.sampled_from(["none", "all"]),
    separate_write_segment=st.booleans(),
    reads_on_arrival=st.booleans(),
    writes_on_arrival=st.booleans(),
    reads_before_request=st.booleans(),
)


@given(caches, requests)
def test_time_never_runs_backwards(
    cache: DriveCache, asked: list[tuple[str, int, int, int]]
) -> None:
    disk = HardDisk(drive(cache))
    now_ns = 0
    for operation, block, count, pause_ns in asked:
        done_ns = disk.completion_ns(BlockRequest(operation, block, count), now_ns)  # type: ignore[arg-type]
        assert done_ns >= now_ns
        # Positioning by the longest seek and a turn for each track is the worst there is.
        assert done_ns - now_ns < 600_000_000
        now_ns = done_ns + pause_ns


@given(requests, st.integers(1, 20))
def test_a_faster_interface_is_never_later_without_a_cache(
    asked: list[tuple[str, int, int, int]], factor: int
) -> None:
    fast = drive()
    slow = replace(fast, bus=Bus(read_block_ns=1_000 * factor, write_block_ns=1_000))
    for operation, block, count, _ in asked:
        request = BlockRequest(operation, block, count)  # type: ignore[arg-type]
        assert HardDisk(fast).completion_ns(request, 0) <= HardDisk(slow).completion_ns(request, 0)


def test_seek_curves_pass_through_their_points() -> None:
    table = TableSeek(distances=(1, 10, 100), times_ns=(1_000, 2_000, 4_000))
    found = [seek_ns(table, distance) for distance in (0, 1, 10, 55, 100, 190)]
    assert found == [
        0,
        1_000,
        2_000,
        3_000,
        4_000,
        6_000,
    ]
    curve = TwoPieceSeek(
        short_ns=3_810_000, short_ns_per_root_cylinder=330_000, knee_cylinder_count=300,
        long_ns=7_750_000, long_ns_per_cylinder=5_900, first_ns=(2_890_000,),
    )  # fmt: skip
    assert seek_ns(curve, 1) == 2_890_000
    assert seek_ns(curve, 100) == 3_810_000 + 3_300_000
    assert seek_ns(curve, 1_000) == 7_750_000 + 5_900_000


@pytest.mark.parametrize(
    ("name", "limit_percent"),
    [
        ("hp_c2247a", 0.6),
        ("dec_rz26", 2.2),
        ("cheetah9LP", 2.5),
        ("barracuda", 5.3),
        ("atlas10k", 6.9),
    ],
)
def test_measured_drives_are_met_at_least_as_well_as_by_disksim(
    name: str, limit_percent: float
) -> None:
    if not SHARED.exists():
        pytest.skip(f"{SHARED}: the measurements are not here")
    disk = HardDisk(read_drive(f"{name}.parv", lambda file: (SHARED / file).read_text()))
    rows = [line.split() for line in (SHARED / f"{name}.trace").read_text().splitlines()]
    simulated, now_ns = [], 0
    for kind, _, block, count, _, pause_us in rows:
        request = (read if kind == "R" else write)(int(block), int(count))
        done_ns = disk.completion_ns(request, now_ns)
        simulated.append((done_ns - now_ns) / 1e6)
        now_ns = done_ns + round(float(pause_us) * 1e3)
    measured = [float(row[4]) / 1e3 for row in rows]
    relative = 100 * demerit(simulated, measured) / (sum(measured) / len(measured))
    assert relative <= limit_percent


@pytest.mark.parametrize("operation", ["read", "write"])
def test_a_purely_sequential_run_never_seeks(operation: Literal["read", "write"]) -> None:
    disk = HardDisk(drive())
    now_ns = 0
    for sector in range(0, disk.geometry.block_count - 10, 7):
        now_ns = disk.completion_ns(BlockRequest(operation, sector, 7), now_ns)
    assert disk.seek_count == 0

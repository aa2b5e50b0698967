"""`disk_geometry`: blocks and places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.model.disk_geometry import Geometry
from iowitness.model.drive import DriveZone, Layout, Sparing, SurfaceOrder

layouts = st.builds(
    lambda sparing, order, spares, slips: Layout(
        surface_count=3,
        sparing=sparing,
        surface_order=order,
        range_cylinder_count=2,
        zones=(
            DriveZone(
                first_cylinder=0, last_cylinder=5, sectors_per_track=20, track_skew=3,
                cylinder_skew=5, spare_count=spares, slips=tuple(sorted(slips)),
            ),
            DriveZone(
                first_cylinder=6, last_cylinder=9, sectors_per_track=16, track_skew=3,
                cylinder_skew=5, spare_count=spares, dead_sector_count=4,
            ),
        ),
    ),
    st.sampled_from([s for s in Sparing if s is not Sparing.TRACKS_OF_ZONE]),
    st.sampled_from(SurfaceOrder),
    st.integers(2, 3),
    st.sets(st.integers(0, 15), max_size=2),
)  # fmt: skip


@given(layouts)
def test_no_two_blocks_share_a_place(layout: Layout) -> None:
    geometry = Geometry(layout, 10_000_000)
    places = [geometry.place(block) for block in range(geometry.block_count)]
    where = {(p.cylinder, p.surface, p.sector) for p in places}
    assert len(where) == len(places)
    assert all(p.sector < p.sectors_per_track for p in places)


@given(layouts)
def test_a_run_lies_on_one_track_behind_one_another(layout: Layout) -> None:
    geometry = Geometry(layout, 10_000_000)
    block = 0
    while block < geometry.block_count:
        first = geometry.place(block)
        for number in range(first.run):
            place = geometry.place(block + number)
            assert (place.cylinder, place.surface) == (first.cylinder, first.surface)
            assert place.sector == first.sector + number
        block += first.run


def test_a_slipped_sector_holds_no_block() -> None:
    zone = DriveZone(
        first_cylinder=0, last_cylinder=0, sectors_per_track=10, track_skew=0,
        cylinder_skew=0, spare_count=2, slips=(1, 4),
    )  # fmt: skip
    geometry = Geometry(
        Layout(surface_count=1, zones=(zone,), sparing=Sparing.SECTORS_OF_ZONE), 1_000
    )
    assert [geometry.place(block).sector for block in range(8)] == [0, 2, 3, 5, 6, 7, 8, 9]


def test_skews_turn_each_track_on() -> None:
    zone = DriveZone(
        first_cylinder=0, last_cylinder=1, sectors_per_track=10, track_skew=2, cylinder_skew=3
    )
    geometry = Geometry(Layout(surface_count=2, zones=(zone,)), 1_000)
    angles = [geometry.angle_ns(geometry.place(block)) for block in (0, 10, 20, 30)]
    assert angles == [0, 200, 500, 700]


def test_a_block_beyond_the_end_is_refused() -> None:
    zone = DriveZone(
        first_cylinder=0, last_cylinder=0, sectors_per_track=10, track_skew=0, cylinder_skew=0
    )
    with pytest.raises(ValueError, match="block=10"):
        Geometry(Layout(surface_count=1, zones=(zone,)), 1_000).place(10)


def test_cylinders_beyond_the_last_whole_range_have_no_spares() -> None:
    zone = DriveZone(
        first_cylinder=0, last_cylinder=4, sectors_per_track=10, track_skew=0, cylinder_skew=0,
        spare_count=3,
    )  # fmt: skip
    layout = Layout(
        surface_count=2, zones=(zone,), sparing=Sparing.SECTORS_OF_RANGE, range_cylinder_count=2
    )
    geometry = Geometry(layout, 1_000)
    assert geometry.block_count == 2 * (2 * 20 - 3) + 20
    assert geometry.place(geometry.block_count - 1).cylinder == 4

"""`disksim_text` and `disksim_drive`: DiskSim's files, also oddly written ones."""

import pytest

from iowitness.model.disksim_drive import read_drive
from iowitness.model.disksim_text import DriveFileError, read_blocks
from iowitness.model.drive import (
    Sparing,
    SurfaceOrder,
    TableSeek,
    ThreePointSeek,
    TwoPieceSeek,
)

MODEL = """
dm_disk small_model {
   Number of data surfaces = 2,   # a comment, with = and { in it
   Number of cylinders = 10,
   Block count = 200,
   Layout Model = dm_layout_g1 {
      LBN-to-PBN mapping scheme = 1,
      Sparing scheme used = 9,
      Rangesize for sparing = 1,
      Zones = [
         dm_layout_g1_zone {
            First cylinder number = 0,
            Last cylinder number = 9,
            Blocks per track = 10,
            Offset of first block = 0.000000,
            Empty space at zone front = 0,
            Skew for track switch = 2.000000,
            Skew for cylinder switch = 3,
            Number of spares = 4,
            slips = [ 7, 3, ],
            defects = [ 20, 199 ]
         },
      ]
   },
   Mechanical Model = dm_mech_g1 {
      Access time type = trackSwitchPlusRotation,
      Seek type = @SEEK@,
      Full seek curve = small.seek,
      HPL seek equation values = [ 300, 3.75, 0.33, 7.69, 0.0059, -1.0 ],
      First ten seek times = [ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 ],
      Add. write settling delay = -0.5,
      Head switch time = 0.8,
      Rotation speed (in rpms) = 6000,
      Percent error in rpms = 0.0
   }
}
"""
SPECS = """
disksim_disk SMALL {
   Model = source small.model,
   Bulk sector transfer time = 0.1,
   Number of buffer segments = 3,
   Segment size (in blks) = 50
   Maximum number of write segments = 1,
   Maximum read-ahead (blks) = 50,
   Minimum read-ahead (blks) = 0,
   Buffer continuous read = 3,
   Fast write level = 2,
   Low (write) water mark = 0.0,
   High (read) water mark = 0.5,
   Read miss over. after read = 0.25,
}
"""
PARV = """
disksim_bus BUS0 { type = 1, Read block transfer time = 0.2, Write block transfer time = 0.05 }
source small.diskspecs
instantiate [ disk0 .. disk2 ] as SMALL
topology disksim_iodriver driver0 [ disksim_bus bus0 [ disksim_disk disk0 [] ] ]
"""
SEEK = "Seek distances measured: 2\n1,\t0.5\n9, 2.5\n"


def opener(seek_kind: str = "extracted", **changed: str):  # type: ignore[no-untyped-def]
    files = {
        "small.parv": PARV,
        "small.diskspecs": SPECS,
        "small.model": MODEL.replace("@SEEK@", seek_kind),
        "small.seek": SEEK,
    }
    files |= {name.replace("_", "."): text for name, text in changed.items()}
    return files.__getitem__


def test_files_become_a_drive() -> None:
    drive = read_drive("small.parv", opener())
    assert drive.name == "SMALL"
    assert drive.layout.sparing is Sparing.SECTORS_OF_ZONE
    assert drive.layout.surface_order is SurfaceOrder.SERPENTINE_FROM_ZONE
    assert drive.layout.zones[0].slips == (3, 7)
    assert drive.layout.zones[0].remaps == ((20, 199),)
    assert drive.mechanics.revolution_ns == 10_000_000
    assert drive.mechanics.write_settle_ns == -500_000
    assert drive.mechanics.seek == TableSeek(distances=(1, 9), times_ns=(500_000, 2_500_000))
    assert drive.cache.read_ahead == "segment"
    assert drive.cache.write_caching == "all"
    assert drive.overheads.read_miss.read_ns == 250_000


def test_a_block_takes_as_long_as_the_slowest_on_its_way() -> None:
    bus = read_drive("small.parv", opener()).bus
    assert (bus.read_block_ns, bus.write_block_ns) == (200_000, 100_000)


def test_the_first_ten_seeks_can_be_given_one_by_one() -> None:
    seek = read_drive("small.parv", opener("hplplus10")).mechanics.seek
    assert isinstance(seek, TwoPieceSeek)
    assert seek.first_ns[9] == 10_000_000
    assert seek.knee_cylinder_count == 300


def test_skews_may_come_in_revolutions() -> None:
    text = MODEL.replace("@SEEK@", "extracted").replace(
        "Rangesize for sparing = 1,", "Rangesize for sparing = 1, Skew units = revolutions,"
    )
    text = text.replace("Skew for track switch = 2.000000", "Skew for track switch = 0.25")
    drive = read_drive("small.parv", opener(small_model=text))
    assert drive.layout.zones[0].track_skew == 2.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("dm_layout_g1 {", "dm_layout_g4 {"),
            r"small.model:6: dm_layout_g4, expected dm_layout_g1",
        ),
        (("Blocks per track = 10", "Blocks per track = ten"), "Blocks per track='ten'"),
        (("Sparing scheme used = 9", "Sparing scheme used = 99"), "expected 0 to 10"),
        (("Rotation speed (in rpms) = 6000,", ""), "Rotation speed"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_place(change: tuple[str, str], message: str) -> None:
    text = MODEL.replace("@SEEK@", "extracted").replace(*change)
    with pytest.raises(DriveFileError, match=message):
        read_drive("small.parv", opener(small_model=text))


def test_text_that_breaks_off_is_refused() -> None:
    with pytest.raises(DriveFileError, match="x:1"):
        read_blocks("x", {"x": "disksim_disk D { Model = "}.__getitem__)


def test_two_disks_in_one_setup_are_refused() -> None:
    with pytest.raises(DriveFileError, match="2 disksim_disk blocks"):
        read_drive("small.parv", opener(small_parv=PARV + "source small.diskspecs\n"))


def without_seek_file(text: str):  # type: ignore[no-untyped-def]
    files = opener(small_model=text)

    def open_or_fail(name: str) -> str:
        if name == "small.seek":
            raise FileNotFoundError(name)
        return str(files(name))

    return open_or_fail


def test_the_three_published_times_stand_in_for_a_missing_curve() -> None:
    text = MODEL.replace("@SEEK@", "extracted").replace(
        "Seek type",
        "Single cylinder seek time = 0.6, Average seek time = 5,\n"
        "Full strobe seek time = 11,\nSeek type",
    )
    seek = read_drive("small.parv", without_seek_file(text)).mechanics.seek
    assert isinstance(seek, ThreePointSeek)
    assert (seek.single_ns, seek.average_ns, seek.full_ns) == (600_000, 5_000_000, 11_000_000)


def test_a_missing_curve_without_them_is_named() -> None:
    text = MODEL.replace("@SEEK@", "extracted")
    with pytest.raises(DriveFileError, match=r"Full seek curve='small.seek', expected a file"):
        read_drive("small.parv", without_seek_file(text))

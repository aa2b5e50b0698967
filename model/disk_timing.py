"""The arithmetic of a hard disk: where a sector is, how long the arm and the platter take.

Times are integer nanoseconds. An angle is a fraction of a revolution, told as a whole number of
nanoseconds into the revolution, so that rotation needs no trigonometry and no rounding drift.
"""

from bisect import bisect_right
from dataclasses import dataclass
from math import sqrt

from iowitness.model.hardware import SeekCurve, SpinningDisk

_MINUTE_NS = 60_000_000_000


def revolution_ns(rotations_per_minute: int) -> int:
    """The time of one turn."""
    return round(_MINUTE_NS / rotations_per_minute)


def seek_ns(curve: SeekCurve, distance: int) -> int:
    """The time to move the arm by `distance` cylinders; 0 for none."""
    if distance == 0:
        return 0
    if distance < curve.knee_cylinder_count:
        return round(curve.short_ns + curve.short_ns_per_root_cylinder * sqrt(distance))
    return round(curve.long_ns + curve.long_ns_per_cylinder * distance)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sector is: cylinder, head, place on the track, and how long that track is."""

    cylinder: int
    head: int
    sector: int
    sectors_per_track: int
    skew_ns: int


class Geometry:
    """From a sector's number to its place; skews are what the switches and seeks between
    neighbouring tracks take, so that a sequential transfer loses no turn.
    """

    def __init__(self, disk: SpinningDisk) -> None:
        self._zones = disk.zones
        self._heads = disk.head_count
        self.revolution_ns = revolution_ns(disk.rotations_per_minute)
        self._track_skew_ns = disk.head_switch_ns
        self._cylinder_skew_ns = max(disk.head_switch_ns, seek_ns(disk.seek, 1))
        self._first_sectors: list[int] = []
        self._first_cylinders: list[int] = []
        sector = cylinder = 0
        for zone in disk.zones:
            self._first_sectors.append(sector)
            self._first_cylinders.append(cylinder)
            sector += zone.cylinder_count * zone.sectors_per_track * self._heads
            cylinder += zone.cylinder_count
        self.sector_count = sector

    def place(self, sector: int) -> Place:
        """The place of a sector; numbers past the end wrap, as a ring of the same surface."""
        sector %= self.sector_count
        number = bisect_right(self._first_sectors, sector) - 1
        zone = self._zones[number]
        track, within = divmod(sector - self._first_sectors[number], zone.sectors_per_track)
        cylinder_in_zone, head = divmod(track, self._heads)
        cylinder = self._first_cylinders[number] + cylinder_in_zone
        skew_ns = (
            cylinder * ((self._heads - 1) * self._track_skew_ns + self._cylinder_skew_ns)
            + head * self._track_skew_ns
        )
        return Place(cylinder, head, within, zone.sectors_per_track, skew_ns % self.revolution_ns)

    def angle_ns(self, place: Place) -> int:
        """When in the revolution the place's first bit comes under the head."""
        within = self.revolution_ns * place.sector // place.sectors_per_track
        return (within + place.skew_ns) % self.revolution_ns

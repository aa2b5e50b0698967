"""From a block's number to its place on the surfaces, and from a place to an angle.

Source: the DiskSim manual's layout model g1: zones, skews, spare regions, slips and remaps.
"""

from bisect import bisect_right
from typing import NamedTuple

from iowitness.model.drive import DriveZone, Layout, Sparing, SurfaceOrder

_CYLINDER_SPARING = frozenset(
    {
        Sparing.SECTORS_OF_CYLINDER,
        Sparing.SECTORS_OF_CYLINDER_SLIP_TO_END,
        Sparing.SECTORS_OF_CYLINDER_IN_FRONT,
        Sparing.SECTORS_OF_CYLINDER_IN_FRONT_SLIP_TO_END,
    }
)
_SLIP_TO_END = frozenset(
    {
        Sparing.SECTORS_OF_CYLINDER_SLIP_TO_END,
        Sparing.SECTORS_OF_CYLINDER_IN_FRONT_SLIP_TO_END,
        Sparing.SECTORS_AT_END,
        Sparing.SECTORS_OF_ZONE_SLIP_TO_END,
    }
)
_IN_FRONT = frozenset(
    {
        Sparing.SECTORS_OF_CYLINDER_IN_FRONT,
        Sparing.SECTORS_OF_CYLINDER_IN_FRONT_SLIP_TO_END,
    }
)


class Place(NamedTuple):
    """Where a run of blocks begins: cylinder, surface, sector of the track; how many blocks follow
    one another there before the track ends or a bad sector comes; and the track's length.

    A tuple and not a dataclass: one is made for each stretch of each request.
    """

    cylinder: int
    surface: int
    sector: int
    run: int
    zone: int
    sectors_per_track: int


class _ZoneMap:
    """The mapping inside one zone: block number from the zone's start to a physical sector.

    Physical sectors count from the zone's start, track after track. `region` is the number of
    physical sectors over which spares are shared; the whole zone where there is no smaller unit.
    """

    def __init__(self, zone: DriveZone, layout: Layout) -> None:
        self.zone = zone
        track = zone.sectors_per_track
        cylinder = track * layout.surface_count
        physical = (zone.last_cylinder - zone.first_cylinder + 1) * cylinder
        sparing = layout.sparing
        self._front = zone.spare_count if sparing in _IN_FRONT else 0
        region, spares, end_spares = physical, 0, 0
        slips = zone.slips
        remaps = zone.remaps
        if sparing is Sparing.SECTORS_OF_TRACK:
            region, spares = track, zone.spare_count
        elif sparing in _CYLINDER_SPARING:
            region, spares = cylinder, zone.spare_count
        elif sparing is Sparing.SECTORS_OF_RANGE:
            region, spares = cylinder * layout.range_cylinder_count, zone.spare_count
        elif sparing is Sparing.TRACKS_OF_ZONE:
            end_spares = zone.spare_count * track
            slips = tuple(s for slip in zone.slips for s in range(slip * track, (slip + 1) * track))
            remaps = tuple(
                (bad * track + i, good * track + i) for bad, good in remaps for i in range(track)
            )
        elif sparing in (Sparing.SECTORS_OF_ZONE, Sparing.SECTORS_OF_ZONE_SLIP_TO_END):
            end_spares = zone.spare_count
        self._region, self._blocks_per_region = region, region - spares
        self._remaps = {bad: good for bad, good in remaps if bad != good}
        self._bad = sorted({*slips, *self._remaps})
        carried = sparing in _SLIP_TO_END
        whole_zone = region == physical
        self._slips_by_region: dict[int, list[int]] = {}
        for slip in sorted(slips):
            if slip % region < self._front:
                continue  # a bad spare pushes nothing on
            number, within = (0, slip) if whole_zone or carried else divmod(slip, region)
            shifted = self._slips_by_region.setdefault(number, [])
            shifted.append(within - len(shifted))
        self._carries = carried and not whole_zone
        # Cylinders that do not fill a last range have no spares.
        region_count, beyond = divmod(physical, region)
        self.block_count = region_count * self._blocks_per_region + beyond
        self.block_count -= zone.dead_sector_count + end_spares
        if carried:
            self.block_count -= len(slips)

    def sector_and_run(self, block: int) -> tuple[int, int]:
        """The sector that holds a block, both counted from the zone's start, and how many blocks
        from this one on lie there in a row: up to a bad sector, a spare, or the track's end.
        """
        run = self.block_count - block
        block += self.zone.dead_sector_count
        if self._carries:
            block += bisect_right(self._slips_by_region.get(0, ()), self._spread(block))
        per_region = self._blocks_per_region
        number, within = divmod(block, per_region)
        sector = number * self._region + within + self._front
        if not self._carries and (slips := self._slips_by_region.get(number)):
            sector += bisect_right(slips, within + self._front)
        if sector in self._remaps:
            return self._remaps[sector], 1
        track = self.zone.sectors_per_track
        # Comparisons in place of min(): this is the model's innermost loop.
        to_track_end = track - sector % track
        if to_track_end < run:
            run = to_track_end
        if per_region - within < run:
            run = per_region - within
        bad = self._bad
        if bad:
            after = bisect_right(bad, sector)
            if after < len(bad) and bad[after] - sector < run:
                run = bad[after] - sector
        return sector, run

    def _spread(self, block: int) -> int:
        number, within = divmod(block, self._blocks_per_region)
        return number * self._region + within + self._front


class Geometry:
    """The whole disk. Numbers of blocks go from 0 to `block_count` - 1."""

    def __init__(self, layout: Layout, revolution_ns: int) -> None:
        self._layout = layout
        self.revolution_ns = revolution_ns
        self._surface_count = layout.surface_count
        self._serpentine = layout.surface_order is not SurfaceOrder.ALWAYS_UP
        self._slips_shift = (
            layout.sparing in _CYLINDER_SPARING or layout.sparing is Sparing.SECTORS_OF_TRACK
        )
        self._zones = [_ZoneMap(zone, layout) for zone in layout.zones]
        self._first_blocks: list[int] = []
        first = 0
        for one in self._zones:
            self._first_blocks.append(first)
            first += one.block_count
        self.block_count = first

    @property
    def track_skew_ns(self) -> int:
        """The time by which the next track is turned on, the least of all zones."""
        return min(
            int(zone.track_skew * self.revolution_ns / zone.sectors_per_track)
            for zone in self._layout.zones
        )

    def place(self, block: int) -> Place:
        """Where a block is, and how many blocks lie behind one another from there on."""
        if not 0 <= block < self.block_count:
            raise ValueError(f"block={block}, expected 0 to {self.block_count - 1}")
        number = bisect_right(self._first_blocks, block) - 1
        zone_map = self._zones[number]
        sector, run = zone_map.sector_and_run(block - self._first_blocks[number])
        zone = zone_map.zone
        per_track = zone.sectors_per_track
        track, in_track = divmod(sector, per_track)
        cylinder, surface = divmod(track, self._surface_count)
        cylinder += zone.first_cylinder
        if self._serpentine:
            surface = self._surface(zone, cylinder, surface)
        return Place(cylinder, surface, in_track, run, number, per_track)

    def angle_ns(self, place: Place) -> int:
        """When in the revolution the sector's first bit comes under the head."""
        zone = self._layout.zones[place.zone]
        cylinder = place.cylinder - zone.first_cylinder
        surface = place.surface
        if self._serpentine:
            surface = self._surface(zone, place.cylinder, surface)
        tracks = surface + (self._surface_count - 1) * cylinder
        angle = (
            zone.first_sector_angle
            + tracks * zone.track_skew
            + cylinder * zone.cylinder_skew
            + place.sector
        )
        if self._slips_shift:
            angle += self._slip_shift(zone, cylinder, surface)
        turn = place.sectors_per_track
        return int(angle % turn * self.revolution_ns / turn)

    def sector_ns(self, place: Place) -> float:
        """The time in which one sector of the place's track passes."""
        return self.revolution_ns / place.sectors_per_track

    def _surface(self, zone: DriveZone, cylinder: int, surface: int) -> int:
        """A surface's number in order of blocks from its number in space, and the other way."""
        order = self._layout.surface_order
        backwards = (
            order is SurfaceOrder.SERPENTINE_FROM_ZONE and (cylinder - zone.first_cylinder) % 2
        ) or (order is SurfaceOrder.SERPENTINE_FROM_DISK and cylinder % 2)
        return self._layout.surface_count - surface - 1 if backwards else surface

    def _slip_shift(self, zone: DriveZone, cylinder: int, surface: int) -> int:
        """Sectors by which earlier slips push a track on, where spares belong to small regions."""
        tracks = cylinder * self._layout.surface_count
        if self._layout.sparing is Sparing.SECTORS_OF_TRACK:
            tracks += surface
        cutoff = tracks * zone.sectors_per_track
        return sum(1 for slip in zone.slips if slip < cutoff)

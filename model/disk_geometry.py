"""From a block's number to its place on the surfaces, and from a place to an angle.

Source: the DiskSim manual's layout model g1: zones, skews, spare regions, slips and remaps.
"""

from bisect import bisect_right
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run of blocks begins: cylinder, surface, sector of the track; how many blocks follow
    one another there before the track ends or a bad sector comes; and the track's length.
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
        region_count = physical // region
        self.block_count = (
            region_count * self._blocks_per_region - zone.dead_sector_count - end_spares
        )
        if carried:
            self.block_count -= len(slips)

    def sector_and_run(self, block: int) -> tuple[int, int]:
        """The sector that holds a block, both counted from the zone's start, and how many blocks
        from this one on lie there in a row: up to a bad sector, a spare, or the track's end.
        """
        run = self.block_count - block
        block += self.zone.dead_sector_count
        if self._carries:
            block += bisect_right(self._slips_by_region.get(0, []), self._spread(block))
        number, within = divmod(block, self._blocks_per_region)
        sector = number * self._region + within + self._front
        if not self._carries:
            sector += bisect_right(self._slips_by_region.get(number, []), within + self._front)
        if sector in self._remaps:
            return self._remaps[sector], 1
        track = self.zone.sectors_per_track
        run = min(run, self._blocks_per_region - within, track - sector % track)
        after = bisect_right(self._bad, sector)
        if after < len(self._bad):
            run = min(run, self._bad[after] - sector)
        return sector, run

    def _spread(self, block: int) -> int:
        number, within = divmod(block, self._blocks_per_region)
        return number * self._region + within + self._front


class Geometry:
    """The whole disk. Numbers of blocks go from 0 to `block_count` - 1."""

    def __init__(self, layout: Layout, revolution_ns: int) -> None:
        self._layout = layout
        self.revolution_ns = revolution_ns
        self._zones = [_ZoneMap(zone, layout) for zone in layout.zones]
        self._first_blocks: list[int] = []
        first = 0
        for one in self._zones:
            self._first_blocks.append(first)
            first += one.block_count
        self.block_count = first

    def place(self, block: int) -> Place:
        """Where a block is, and how many blocks lie behind one another from there on."""
        if not 0 <= block < self.block_count:
            raise ValueError(f"block={block}, expected 0 to {self.block_count - 1}")
        number = bisect_right(self._first_blocks, block) - 1
        zone_map = self._zones[number]
        sector, run = zone_map.sector_and_run(block - self._first_blocks[number])
        zone = zone_map.zone
        track, in_track = divmod(sector, zone.sectors_per_track)
        cylinder, surface = divmod(track, self._layout.surface_count)
        cylinder += zone.first_cylinder
        return Place(
            cylinder,
            self._surface(zone, cylinder, surface),
            in_track,
            run,
            number,
            zone.sectors_per_track,
        )

    def angle_ns(self, place: Place) -> int:
        """When in the revolution the sector's first bit comes under the head."""
        zone = self._layout.zones[place.zone]
        cylinder = place.cylinder - zone.first_cylinder
        surface = self._surface(zone, place.cylinder, place.surface)
        tracks = surface + (self._layout.surface_count - 1) * cylinder
        angle = (
            zone.first_sector_angle
            + tracks * zone.track_skew
            + cylinder * zone.cylinder_skew
            + place.sector
            + self._slip_shift(zone, cylinder, surface)
        )
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
        sparing = self._layout.sparing
        if sparing not in _CYLINDER_SPARING and sparing is not Sparing.SECTORS_OF_TRACK:
            return 0
        tracks = cylinder * self._layout.surface_count
        if sparing is Sparing.SECTORS_OF_TRACK:
            tracks += surface
        cutoff = tracks * zone.sectors_per_track
        return sum(1 for slip in zone.slips if slip < cutoff)

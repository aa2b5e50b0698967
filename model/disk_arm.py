"""The arm over the turning surfaces: where it is, and when which sectors pass under it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from iowitness.model.disk_geometry import Geometry
from iowitness.model.drive import Mechanics
from iowitness.model.seek_time import seek_ns

_ROUNDING_NS = 1_000
"""A sector missed by less than this is not missed: ends and angles are rounded to nanoseconds."""


@dataclass(slots=True)  # not frozen: one is made for each track of each request
class Sweep:
    """Neighbouring sectors of one track passing under the head.

    The first of `count` blocks from `block` on begins to pass at `begin_ns`, each takes
    `sector_ns`. With `first` above 0 the head came upon the sectors at that one: the ones before
    it pass a turn later, so that the whole sweep lasts to `end_ns`.
    """

    block: int
    count: int
    begin_ns: int
    sector_ns: float
    end_ns: int
    first: int = 0

    def passed_ns(self, number: int) -> int:
        """When the block with that number of the sweep, from 0, has passed as a whole."""
        if self.first:
            return self.end_ns
        return self.begin_ns + round((number + 1) * self.sector_ns)

    def passed_by(self, now_ns: int) -> int:
        """How many blocks, from the first on, have passed by a time."""
        if now_ns >= self.end_ns:
            return self.count
        if self.first or now_ns <= self.begin_ns:
            return 0
        return min(self.count, int((now_ns - self.begin_ns) / self.sector_ns))


def _settle_ns(mechanics: Mechanics, allowed_ns: int) -> int:
    """How long a command waits for the head to come to rest on its track, wherever it was.

    A head switch much shorter than the shortest seek cannot contain that time, so it has to be in
    every command's positioning. On three such drives accesses to the track under the head took
    0.73, 0.88 and 0.89 of the shortest seek longer than overhead, rotation and transfer; two
    drives whose head switch is long enough showed nothing of it.

    A maker skews tracks by what a switch takes with its settling, so no more is assumed than the
    skews leave room for: `allowed_ns`, 0 where there are none to tell.
    """
    shortest_ns = seek_ns(mechanics.seek, 1)
    if mechanics.head_switch_ns * 4 >= shortest_ns:
        return 0
    settle_ns = shortest_ns * 4 // 5
    return min(settle_ns, allowed_ns) if allowed_ns else settle_ns


StartOf: TypeAlias = Literal["first-sector", "any-sector"]


class Arm:
    """Position of the arm, and `free_ns`, until when it is busy.

    `seek_count` counts its moves over more than one cylinder: a step to the neighbouring one
    belongs to every long transfer, and the skews are made for it.
    """

    def __init__(self, geometry: Geometry, mechanics: Mechanics) -> None:
        self._geometry = geometry
        self._mechanics = mechanics
        self.cylinder = 0
        self.surface = 0
        self.seek_count = 0
        self.free_ns = 0
        # As many entries as distances that occur, so at most one for each cylinder.
        self._seeks_ns: dict[int, int] = {}
        self.settle_ns = _settle_ns(mechanics, geometry.track_skew_ns)

    def positioned_ns(
        self,
        cylinder: int,
        surface: int,
        at_ns: int,
        operation: Literal["read", "write"],
        least_ns: int = 0,
    ) -> int:
        """Move to a track, in `least_ns` at least, and say when the head is ready there."""
        mechanics = self._mechanics
        distance = abs(cylinder - self.cylinder)
        taken_ns = self._seeks_ns.get(distance, -1)
        if taken_ns < 0:
            taken_ns = self._seeks_ns[distance] = seek_ns(mechanics.seek, distance)
        if surface != self.surface:
            taken_ns = max(taken_ns, mechanics.head_switch_ns)
        taken_ns = max(taken_ns, least_ns)
        if taken_ns and operation == "write":
            taken_ns = max(0, taken_ns + mechanics.write_settle_ns)
        if distance > 1:
            self.seek_count += 1
        self.cylinder, self.surface = cylinder, surface
        return at_ns + taken_ns

    def sweep(
        self,
        block: int,
        count: int,
        at_ns: int,
        operation: Literal["read", "write"],
        start: StartOf = "first-sector",
        least_ns: int = 0,
    ) -> Sweep:
        """The first of the sweeps that bring blocks under the head from `at_ns` on.

        It ends with the track, with a bad sector, or with `count`. `any-sector` begins where the
        head comes down, if that is inside the blocks (zero-latency access).
        """
        place = self._geometry.place(block)
        ready_ns = self.positioned_ns(place.cylinder, place.surface, at_ns, operation, least_ns)
        turn_ns = self._geometry.revolution_ns
        sector_ns = turn_ns / place.sectors_per_track
        count = min(count, place.run)
        late_ns = (ready_ns - self._geometry.angle_ns(place)) % turn_ns
        if late_ns < _ROUNDING_NS:
            late_ns = 0
        whole = int(late_ns / sector_ns) + 1  # the sector under the head is already cut into
        if start == "any-sector" and late_ns and whole < count:
            begin_ns = ready_ns - late_ns
            end_ns = begin_ns + turn_ns + round(whole * sector_ns)
            return Sweep(block, count, begin_ns, sector_ns, end_ns, whole)
        begin_ns = ready_ns + (turn_ns - late_ns) % turn_ns
        return Sweep(block, count, begin_ns, sector_ns, begin_ns + round(count * sector_ns))

"""A hard disk as a state machine: where the arm is and until when it is busy."""

from iowitness.model.block_request import BlockRequest
from iowitness.model.disk_timing import Geometry, seek_ns
from iowitness.model.hardware import SECTOR_BYTE_COUNT, SpinningDisk

_SECOND_NS = 1_000_000_000


class HardDisk:
    """One arm, first come first served; a request waits for the one before it.

    `seek_count` counts requests for which the arm moved.
    """

    def __init__(self, disk: SpinningDisk) -> None:
        self._disk = disk
        self.geometry = Geometry(disk)
        self._cylinder = 0
        self._head = 0
        self._free_ns = 0
        self.seek_count = 0

    def completion_ns(self, request: BlockRequest, now_ns: int) -> int:
        """When a request that is issued now will be done."""
        at_ns = max(now_ns, self._free_ns) + self._disk.overhead_ns
        if request.operation != "flush":
            at_ns = self._transferred_ns(request, at_ns)
        self._free_ns = at_ns
        return at_ns

    def _transferred_ns(self, request: BlockRequest, at_ns: int) -> int:
        """Track after track: move, wait for the first sector, let the rest pass under the head."""
        sector, left = request.sector, request.sector_count
        if self.geometry.place(sector).cylinder != self._cylinder:
            self.seek_count += 1
        while left:
            place = self.geometry.place(sector)
            at_ns += self._positioning_ns(place.cylinder, place.head)
            if request.operation == "write":
                at_ns += self._disk.write_settle_ns if left == request.sector_count else 0
            turn_ns = self.geometry.revolution_ns
            at_ns += (self.geometry.angle_ns(place) - at_ns) % turn_ns
            passing = min(left, place.sectors_per_track - place.sector)
            at_ns += turn_ns * passing // place.sectors_per_track
            sector += passing
            left -= passing
        byte_count = request.sector_count * SECTOR_BYTE_COUNT
        bus_ns = byte_count * _SECOND_NS // self._disk.interface_bytes_per_s
        # The bus overlaps the surface, which is slower; only the last sector is left to send.
        return at_ns + bus_ns // request.sector_count

    def _positioning_ns(self, cylinder: int, head: int) -> int:
        distance = abs(cylinder - self._cylinder)
        switch_ns = self._disk.head_switch_ns if head != self._head else 0
        self._cylinder, self._head = cylinder, head
        return max(seek_ns(self._disk.seek, distance), switch_ns)

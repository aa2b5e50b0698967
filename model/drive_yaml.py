"""Hard disks as presets describe them: figures of a data sheet, and what follows from them."""

from itertools import accumulate
from math import ceil
from typing import Annotated, Literal

from pydantic import Field

from iowitness.model import drive
from iowitness.model.disk_queue import Scheduling
from iowitness.model.hardware import SECTOR_BYTE_COUNT
from iowitness.model.seek_time import seek_ns
from iowitness.model.yaml_parts import NotNegative, Part, PositiveInt, nanoseconds

_MINUTE_NS = 60_000_000_000
_SECOND_NS = 1_000_000_000


class SeekPart(Part):
    """`TwoPieceSeek`, in microseconds."""

    short_us: NotNegative
    short_us_per_root_cylinder: NotNegative
    knee_cylinder_count: PositiveInt
    long_us: NotNegative
    long_us_per_cylinder: NotNegative

    def value(self) -> drive.TwoPieceSeek:
        """In nanoseconds."""
        return drive.TwoPieceSeek(
            short_ns=self.short_us * 1_000,
            short_ns_per_root_cylinder=self.short_us_per_root_cylinder * 1_000,
            knee_cylinder_count=self.knee_cylinder_count,
            long_ns=self.long_us * 1_000,
            long_ns_per_cylinder=self.long_us_per_cylinder * 1_000,
        )


class ZonePart(Part):
    """Neighbouring cylinders with equal tracks."""

    cylinder_count: PositiveInt
    sectors_per_track: PositiveInt


class BufferPart(Part):
    """The drive's buffer: segments, each read ahead until it is full."""

    segment_count: PositiveInt = 16
    segment_byte_count: PositiveInt = 1_048_576
    write_caching: Literal["none", "all"] = "all"

    def value(self) -> drive.DriveCache:
        """In sectors."""
        sectors = self.segment_byte_count // SECTOR_BYTE_COUNT
        return drive.DriveCache(
            segment_count=self.segment_count,
            segment_sector_count=sectors,
            write_segment_count=max(1, self.segment_count // 2),
            read_ahead="segment",
            read_ahead_most=sectors,
            write_caching=self.write_caching,
        )


class SpinningPart(Part):
    """A hard disk. Skews follow from the switches that they have to cover; `scheduling` is the
    order of waiting requests, mq-deadline being Linux's own choice for disks with one queue.
    """

    kind: Literal["spinning"]
    rotations_per_minute: PositiveInt
    head_count: PositiveInt
    zones: Annotated[list[ZonePart], Field(min_length=1)]
    seek: SeekPart
    head_switch_us: NotNegative
    write_settle_us: NotNegative
    overhead_us: NotNegative
    interface_bytes_per_s: PositiveInt
    buffer: BufferPart = BufferPart()
    scheduling: Scheduling = "deadline"

    def value(self) -> drive.Drive:
        """The drive that it describes."""
        turn_ns = round(_MINUTE_NS / self.rotations_per_minute)
        overhead = drive.AfterWhat(
            read_ns=nanoseconds(self.overhead_us), write_ns=nanoseconds(self.overhead_us)
        )
        block_ns = SECTOR_BYTE_COUNT * _SECOND_NS // self.interface_bytes_per_s
        return drive.Drive(
            name="spinning",
            layout=drive.Layout(surface_count=self.head_count, zones=self._zones(turn_ns)),
            mechanics=drive.Mechanics(
                revolution_ns=turn_ns,
                seek=self.seek.value(),
                head_switch_ns=nanoseconds(self.head_switch_us),
                write_settle_ns=nanoseconds(self.write_settle_us),
            ),
            cache=self.buffer.value(),
            overheads=drive.Overheads(
                read_hit=overhead, read_miss=overhead, write_hit=overhead, write_miss=overhead
            ),
            bus=drive.Bus(read_block_ns=block_ns, write_block_ns=block_ns),
            scheduling=self.scheduling,
        )

    def _zones(self, turn_ns: int) -> tuple[drive.DriveZone, ...]:
        """Zones whose skews let a sequential transfer, written or read, lose no turn."""
        settle_ns = nanoseconds(self.write_settle_us)
        switch_ns = nanoseconds(self.head_switch_us) + settle_ns
        step_ns = max(switch_ns, seek_ns(self.seek.value(), 1) + settle_ns)
        ends = list(accumulate(zone.cylinder_count for zone in self.zones))
        return tuple(
            drive.DriveZone(
                first_cylinder=end - zone.cylinder_count,
                last_cylinder=end - 1,
                sectors_per_track=zone.sectors_per_track,
                track_skew=ceil(switch_ns * zone.sectors_per_track / turn_ns),
                cylinder_skew=ceil(step_ns * zone.sectors_per_track / turn_ns),
            )
            for zone, end in zip(self.zones, ends, strict=True)
        )

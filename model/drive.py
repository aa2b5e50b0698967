"""A hard disk as figures: layout, mechanics, cache, overheads.

Times are integer nanoseconds, angles are sectors of a track, sizes sectors of 512 B.
Source of the parameters and of their meaning: the DiskSim 4.0 reference manual (Bucy, Schindler,
Schlosser, Ganger, CMU-PDL-08-101), sections on disk modules and on the disk model.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal, TypeAlias

from iowitness.model.disk_queue import Scheduling


class Sparing(Enum):
    """Where a region's spare sectors lie, and whether slipped sectors use them up."""

    NONE = auto()
    TRACKS_OF_ZONE = auto()
    SECTORS_OF_CYLINDER = auto()
    SECTORS_OF_TRACK = auto()
    SECTORS_OF_CYLINDER_SLIP_TO_END = auto()
    SECTORS_OF_CYLINDER_IN_FRONT = auto()
    SECTORS_OF_CYLINDER_IN_FRONT_SLIP_TO_END = auto()
    SECTORS_AT_END = auto()
    SECTORS_OF_RANGE = auto()
    SECTORS_OF_ZONE = auto()
    SECTORS_OF_ZONE_SLIP_TO_END = auto()


class SurfaceOrder(Enum):
    """In which order the surfaces of a cylinder are numbered.

    `SERPENTINE_*` keeps the head at a switch of cylinder, so every other cylinder runs backwards,
    counted from the zone's first cylinder or from the disk's.
    """

    ALWAYS_UP = auto()
    SERPENTINE_FROM_ZONE = auto()
    SERPENTINE_FROM_DISK = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveZone:
    """Neighbouring cylinders with equal tracks.

    Skews and `first_sector_angle` are in sectors of its tracks. `dead_sector_count` sectors at the
    front hold nothing of the user's. `slips` are bad sectors (or tracks) that the numbering skips,
    `remaps` pairs of a bad one and its replacement, counted from the zone's start.
    """

    first_cylinder: int
    last_cylinder: int
    sectors_per_track: int
    track_skew: float
    cylinder_skew: float
    first_sector_angle: float = 0.0
    dead_sector_count: int = 0
    spare_count: int = 0
    slips: tuple[int, ...] = ()
    remaps: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How numbered blocks lie on the surfaces. `range_cylinder_count` is for sparing by range."""

    surface_count: int
    zones: tuple[DriveZone, ...]
    sparing: Sparing = Sparing.NONE
    surface_order: SurfaceOrder = SurfaceOrder.ALWAYS_UP
    range_cylinder_count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPieceSeek:
    """Seek time that grows with the root of the distance below the knee, and linearly above.

    `first_ns` has measured times for the shortest distances, from 1 cylinder on.
    Source: Ruemmler and Wilkes, An introduction to disk drive modeling, IEEE Computer 27(3), 1994.
    """

    short_ns: float
    short_ns_per_root_cylinder: float
    knee_cylinder_count: int
    long_ns: float
    long_ns_per_cylinder: float
    first_ns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSeek:
    """Measured seek times by distance in cylinders, both rising; interpolated in between."""

    distances: tuple[int, ...]
    times_ns: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreePointSeek:
    """Seek time from single-cylinder, average and full-stroke times.

    `curve` is Lee's equation, `line` goes straight from point to point, the average standing at a
    third of the stroke. Source: Lee and Katz, An analytic performance model of disk arrays,
    SIGMETRICS 1993; DiskSim manual, "Seek equation definitions".
    """

    shape: Literal["curve", "line"]
    single_ns: int
    average_ns: int
    full_ns: int
    cylinder_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantSeek:
    """The same time for every distance but none."""

    time_ns: int


Seek: TypeAlias = TwoPieceSeek | TableSeek | ThreePointSeek | ConstantSeek


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanics:
    """The moving parts. `write_settle_ns` is added to a seek or head switch before a write; it
    may be negative, as it is against the read time that the seek curve gives.
    """

    revolution_ns: int
    seek: Seek
    head_switch_ns: int
    write_settle_ns: int = 0


ReadAhead: TypeAlias = Literal["none", "track", "cylinder", "segment", "next-track"]
WriteCaching: TypeAlias = Literal["none", "appending", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveCache:
    """The buffer of the drive, and what it does with it.

    `read_ahead` says where prefetching stops: at the end of the track, of the cylinder, of the
    segment, or of the following track if the stream is sequential. `write_caching` says which
    writes are confirmed before they are on the surface. `reads_on_arrival` reads sectors in the
    order in which they pass; `reads_before_request` keeps sectors that pass before the wanted ones.
    """

    segment_count: int = 1
    segment_sector_count: int = 512
    write_segment_count: int = 1
    separate_write_segment: bool = False
    caches: bool = True
    reads_hit_written: bool = True
    read_ahead: ReadAhead = "none"
    read_ahead_least: int = 0
    read_ahead_most: int = 0
    read_ahead_after_hit: bool = False
    read_ahead_over_requested: bool = True
    reads_before_request: bool = False
    write_caching: WriteCaching = "none"
    reads_on_arrival: bool = False
    writes_on_arrival: bool = False
    read_watermark: float = 0.0
    write_watermark: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterWhat:
    """An overhead that depends on what the request before it was."""

    read_ns: int = 0
    write_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraDisconnect:
    """A drive that lets go of the bus between a write's command and its data.

    The mechanics start `seek_delay_ns` after `command_ns`, the data come after the command, the
    disconnection and the pause.
    """

    command_ns: int
    disconnect_ns: int
    pause_ns: int
    second_disconnect_ns: int
    seek_delay_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheads:
    """What the drive's controller takes, command by command."""

    request_ns: int = 0
    read_hit: AfterWhat = AfterWhat()
    read_miss: AfterWhat = AfterWhat()
    write_hit: AfterWhat = AfterWhat()
    write_miss: AfterWhat = AfterWhat()
    read_completion_ns: int = 0
    write_completion_ns: int = 0
    data_preparation_ns: int = 0
    first_reselect_ns: int = 0
    other_reselect_ns: int = 0
    read_disconnect: AfterWhat = AfterWhat()
    write_disconnect_ns: int = 0
    extra_disconnect: ExtraDisconnect | None = None
    least_seek_ns: int = 0
    never_disconnects: bool = False
    holds_bus_for_writes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bus:
    """What one block of 512 B takes between drive and host."""

    read_block_ns: int = 0
    write_block_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """One model of hard disk, and in which order the requests that wait for it are served."""

    name: str
    layout: Layout
    mechanics: Mechanics
    cache: DriveCache = DriveCache()
    overheads: Overheads = Overheads()
    bus: Bus = Bus()
    scheduling: Scheduling = "fifo"

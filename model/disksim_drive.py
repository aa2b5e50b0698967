"""From DiskSim's files to a `Drive`: which parameter becomes which figure.

Source: the DiskSim 4.0 reference manual, chapters on disks and on the disk model (layout g1,
mechanics g1). Parameters that say nothing of a single drive with one request at a time
(preseeking, sneaky hits, statistics) are passed over; layouts other than g1 are refused.
"""

import re
from typing import TypeVar

from iowitness.model.disk_queue import Scheduling
from iowitness.model.disksim_text import Block, DriveFileError, Opener, read_blocks
from iowitness.model.drive import (
    AfterWhat,
    Bus,
    ConstantSeek,
    Drive,
    DriveCache,
    DriveZone,
    ExtraDisconnect,
    Layout,
    Mechanics,
    Overheads,
    ReadAhead,
    Seek,
    Sparing,
    SurfaceOrder,
    TableSeek,
    ThreePointSeek,
    TwoPieceSeek,
    WriteCaching,
)

ChoiceT = TypeVar("ChoiceT")

_SPARING = tuple(Sparing)  # DiskSim numbers them in the order in which `Sparing` lists them
_SURFACE_ORDERS = tuple(SurfaceOrder)
_READ_AHEAD: tuple[ReadAhead, ...] = ("none", "track", "cylinder", "segment", "next-track")
_WRITE_CACHING: tuple[WriteCaching, ...] = ("none", "appending", "all")
_MINUTE_NS = 60_000_000_000
_FIRST_DISTANCE_COUNT = 10
_THREE_POINTS = ("Single cylinder seek time", "Average seek time", "Full strobe seek time")


def read_drive(parv_name: str, opener: Opener) -> Drive:
    """The drive that a `.parv` file and the files it names describe.

    `opener` gives the text of a file by its name. Raises `DriveFileError` with file and line.
    """
    blocks = read_blocks(parv_name, opener)
    disks = [block for block in blocks if block.kind == "disksim_disk"]
    if len(disks) != 1:
        raise DriveFileError(f"{parv_name}: found {len(disks)} disksim_disk blocks, expected 1")
    (disk,) = disks
    model = disk.block("Model")
    revolution_ns = round(_MINUTE_NS / _mechanical(model).number("Rotation speed (in rpms)"))
    return Drive(
        name=disk.name,
        layout=_layout(model),
        mechanics=_mechanics(model, revolution_ns, opener),
        cache=_cache(disk),
        overheads=_overheads(disk),
        bus=_bus(disk, blocks),
        scheduling=_scheduling(disk),
    )


def _scheduling(disk: Block) -> Scheduling:
    """The policy of the drive's own queue. Shortest positioning time is taken for shortest seek.

    Source: DiskSim manual, "Queue/scheduler subcomponents": policies by logical block and by
    cylinder are told apart there, and are the same here.
    """
    if not isinstance(disk.entries.get("Scheduler"), Block):
        return "fifo"
    number = disk.block("Scheduler").integer("Scheduling policy", 1)
    policies: dict[int, Scheduling] = {
        1: "fifo", 2: "scan", 3: "c-look", 4: "sstf", 5: "scan", 6: "c-look", 7: "sstf",
    }  # fmt: skip
    return policies.get(number, "sstf")


def _mechanical(model: Block) -> Block:
    block = model.block("Mechanical Model")
    if block.kind != "dm_mech_g1":
        raise DriveFileError(f"{block.place}: {block.kind}, expected dm_mech_g1")
    return block


def _layout(model: Block) -> Layout:
    block = model.block("Layout Model")
    if block.kind != "dm_layout_g1":
        raise DriveFileError(f"{block.place}: {block.kind}, expected dm_layout_g1")
    unit = block.word("Skew units", "sectors")
    return Layout(
        surface_count=model.integer("Number of data surfaces"),
        zones=tuple(_zone(zone, unit) for zone in block.blocks("Zones")),
        sparing=_chosen(_SPARING, block, "Sparing scheme used"),
        surface_order=_chosen(_SURFACE_ORDERS, block, "LBN-to-PBN mapping scheme"),
        range_cylinder_count=block.integer("Rangesize for sparing", 1),
    )


def _zone(block: Block, unit: str) -> DriveZone:
    sectors = block.integer("Blocks per track")
    # Skews come in whole sectors (a fraction is dropped, as DiskSim does) or in revolutions.
    in_turns = block.word("Skew units", unit) == "revolutions"

    def skew(key: str) -> float:
        value = block.number(key, 0.0)
        return value * sectors if in_turns else float(int(value))

    remaps = [int(one) for one in block.numbers("defects")]
    return DriveZone(
        first_cylinder=block.integer("First cylinder number"),
        last_cylinder=block.integer("Last cylinder number"),
        sectors_per_track=sectors,
        track_skew=skew("Skew for track switch"),
        cylinder_skew=skew("Skew for cylinder switch"),
        first_sector_angle=skew("Offset of first block"),
        dead_sector_count=block.integer("Empty space at zone front", 0),
        spare_count=block.integer("Number of spares", 0),
        slips=tuple(sorted(int(one) for one in block.numbers("slips"))),
        remaps=tuple(zip(remaps[::2], remaps[1::2], strict=True)),
    )


def _mechanics(model: Block, revolution_ns: int, opener: Opener) -> Mechanics:
    block = _mechanical(model)
    return Mechanics(
        revolution_ns=revolution_ns,
        seek=_seek(block, model.integer("Number of cylinders"), opener),
        head_switch_ns=_ns(block, "Head switch time"),
        write_settle_ns=_ns(block, "Add. write settling delay"),
    )


def _seek(block: Block, cylinder_count: int, opener: Opener) -> Seek:
    kind = block.word("Seek type")
    match kind:
        case "extracted":
            return _measured(block, cylinder_count, opener)
        case "hpl" | "hplplus10":
            return _two_piece(block, kind)
        case "linear" | "curve":
            return _three_point(block, kind, cylinder_count)
        case "constant":
            return ConstantSeek(time_ns=_ns(block, "Constant seek time"))
        case _:
            raise DriveFileError(f"{block.place}: Seek type={kind!r}, expected a known one")


def _measured(block: Block, cylinder_count: int, opener: Opener) -> Seek:
    """The measured curve; where its file is missing, the three times that a maker publishes."""
    file_name = block.word("Full seek curve")
    try:
        return read_seek_table(file_name, opener)
    except FileNotFoundError:
        if all(block.number(key, 0.0) > 0 for key in _THREE_POINTS):
            return _three_point(block, "curve", cylinder_count)
        raise DriveFileError(
            f"{block.place}: Full seek curve={file_name!r}, expected a file beside this one, or "
            f"times above 0 for {', '.join(_THREE_POINTS)}"
        ) from None


def _three_point(block: Block, kind: str, cylinder_count: int) -> ThreePointSeek:
    single_ns, average_ns, full_ns = (_ns(block, key) for key in _THREE_POINTS)
    return ThreePointSeek(
        shape="line" if kind == "linear" else "curve",
        single_ns=single_ns,
        average_ns=average_ns,
        full_ns=full_ns,
        cylinder_count=cylinder_count,
    )


def _two_piece(block: Block, kind: str) -> TwoPieceSeek:
    values = block.numbers("HPL seek equation values")
    if len(values) != 6:
        raise DriveFileError(f"{block.place}: {len(values)} HPL seek equation values, expected 6")
    knee, short, root, long, linear, single = values
    first = block.numbers("First ten seek times")[:_FIRST_DISTANCE_COUNT]
    if kind == "hpl":
        first = () if single == -1 else (single,)
    return TwoPieceSeek(
        short_ns=short * 1e6,
        short_ns_per_root_cylinder=root * 1e6,
        knee_cylinder_count=int(knee),
        long_ns=long * 1e6,
        long_ns_per_cylinder=linear * 1e6,
        first_ns=tuple(round(one * 1e6) for one in first),
    )


def read_seek_table(file_name: str, opener: Opener) -> TableSeek:
    """A measured curve: a line `Seek distances measured: N`, then `DISTANCE, TIME_MS` lines."""
    pairs = re.findall(r"^\s*(\d+)\s*,\s*([\d.eE+-]+)\s*$", opener(file_name), re.MULTILINE)
    if len(pairs) < 2:
        raise DriveFileError(f"{file_name}: found {len(pairs)} distances, expected at least 2")
    points = sorted((int(distance), round(float(time_ms) * 1e6)) for distance, time_ms in pairs)
    return TableSeek(
        distances=tuple(distance for distance, _ in points),
        times_ns=tuple(time_ns for _, time_ns in points),
    )


def _read_ahead(disk: Block) -> ReadAhead:
    """Where prefetching stops.

    Files that say "up to the next track" and also that prefetching goes on for a whole segment
    and replaces the requested data contradict themselves; a prefetch seen to do the latter did not
    stop at a track. (Measured on the cheetah9LP: sectors up to a segment ahead are hits.)
    """
    said = _chosen(_READ_AHEAD, disk, "Buffer continuous read")
    segment = disk.integer("Segment size (in blks)")
    whole = disk.integer("Maximum read-ahead (blks)") >= segment
    if said == "next-track" and whole and _flag(disk, "Read-ahead over requested"):
        return "segment"
    return said


def _cache(disk: Block) -> DriveCache:
    return DriveCache(
        segment_count=disk.integer("Number of buffer segments"),
        segment_sector_count=disk.integer("Segment size (in blks)"),
        write_segment_count=disk.integer("Maximum number of write segments"),
        separate_write_segment=_flag(disk, "Use separate write segment"),
        caches=_flag(disk, "Enable caching in buffer"),
        reads_hit_written=_flag(disk, "Allow read hits on write data"),
        read_ahead=_read_ahead(disk),
        read_ahead_least=disk.integer("Minimum read-ahead (blks)"),
        read_ahead_most=disk.integer("Maximum read-ahead (blks)"),
        read_ahead_after_hit=_flag(disk, "Read-ahead on idle hit"),
        read_ahead_over_requested=_flag(disk, "Read-ahead over requested"),
        reads_before_request=_flag(disk, "Read any free blocks"),
        write_caching=_chosen(_WRITE_CACHING, disk, "Fast write level"),
        reads_on_arrival=_flag(disk, "Immediate buffer read"),
        writes_on_arrival=_flag(disk, "Immediate buffer write"),
        read_watermark=disk.number("High (read) water mark"),
        write_watermark=disk.number("Low (write) water mark"),
    )


def _overheads(disk: Block) -> Overheads:
    scale = disk.number("Time scale for overheads", 1.0)

    def ns(key: str) -> int:
        return round(disk.number(key, 0.0) * scale * 1e6)

    def after(key: str) -> AfterWhat:
        return AfterWhat(
            read_ns=ns(f"{key} over. after read"), write_ns=ns(f"{key} over. after write")
        )

    extra = None
    if _flag(disk, "Extra write disconnect"):
        extra = ExtraDisconnect(
            command_ns=ns("Extradisc command overhead"),
            disconnect_ns=ns("Extradisc disconnect overhead"),
            pause_ns=ns("Extradisc inter-disconnect delay"),
            second_disconnect_ns=ns("Extradisc 2nd disconnect overhead"),
            seek_delay_ns=ns("Extradisc seek delta"),
        )
    return Overheads(
        request_ns=ns("Per-request overhead time"),
        read_hit=after("Read hit"),
        read_miss=after("Read miss"),
        write_hit=after("Write hit"),
        write_miss=after("Write miss"),
        read_completion_ns=ns("Read completion overhead"),
        write_completion_ns=ns("Write completion overhead"),
        data_preparation_ns=ns("Data preparation overhead"),
        first_reselect_ns=ns("First reselect overhead"),
        other_reselect_ns=ns("Other reselect overhead"),
        read_disconnect=AfterWhat(
            read_ns=ns("Read disconnect afterread"), write_ns=ns("Read disconnect afterwrite")
        ),
        write_disconnect_ns=ns("Write disconnect overhead"),
        extra_disconnect=extra,
        least_seek_ns=ns("Minimum seek delay"),
        never_disconnects=_flag(disk, "Never disconnect"),
        holds_bus_for_writes=_flag(disk, "Hold bus entire write xfer"),
    )


def _bus(disk: Block, blocks: list[Block]) -> Bus:
    """A block takes as long as the slowest of the drive, the buses and the controller."""
    buses = [block for block in blocks if block.kind == "disksim_bus"]
    controllers = [block for block in blocks if block.kind == "disksim_ctlr"]
    shared = [disk.number("Bulk sector transfer time")]
    shared += [block.number("Bulk sector transfer time", 0.0) for block in controllers]
    reads = [*shared, *(block.number("Read block transfer time", 0.0) for block in buses)]
    writes = [*shared, *(block.number("Write block transfer time", 0.0) for block in buses)]
    return Bus(read_block_ns=round(max(reads) * 1e6), write_block_ns=round(max(writes) * 1e6))


def _ns(block: Block, key: str) -> int:
    """A time in milliseconds."""
    return round(block.number(key, 0.0) * 1e6)


def _flag(block: Block, key: str) -> bool:
    return block.integer(key, 0) != 0


def _chosen(choices: tuple[ChoiceT, ...], block: Block, key: str) -> ChoiceT:
    number = block.integer(key, 0)
    if not 0 <= number < len(choices):
        raise DriveFileError(f"{block.place}: {key}={number}, expected 0 to {len(choices) - 1}")
    return choices[number]

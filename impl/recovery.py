"""Recovery of one segment: what an unclean stop left is scanned, cut and indexed again.

The bytes after the recovery point are the last written stretch: nothing promised that they are on
the disk, so they end at the first batch that is not whole and sound. Anything wrong before them is
damage to bytes that were synced; it is reported with its place and both checksums and is cut only
if the caller says so. Source: docs/kafka-behaviours.md, items 32 to 39.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from msgspec import Struct

from iowitness.impl.batch_format import BatchHeader
from iowitness.impl.errors import CorruptBatch, DamagedLog, OldFormat
from iowitness.impl.log_scan import Scanner, find_intact
from iowitness.impl.plain_run import PlainLimits, take_plain
from iowitness.impl.segment import BatchAt, Segment


class OnDamage(Enum):
    """What to do about damage before the last written stretch.

    `REFUSE` opens nothing and raises `DamagedLog`; `CUT` does as Kafka does: everything from the
    first bad batch on goes, later segments included, and the report says so.
    """

    REFUSE = "refuse"
    CUT = "cut"


class Cut(Struct, frozen=True):
    """Bytes that recovery took off the end of a log.

    `intact_after` is the first sound batch among them, if there is one: then they were no torn
    tail only. `was_synced` says that they lay before the recovery point or in an older segment.
    """

    fault: CorruptBatch
    byte_count: int
    next_offset: int
    intact_after: BatchAt | None
    was_synced: bool

    def __str__(self) -> str:
        after = self.intact_after
        found = (
            "no sound batch among them"
            if after is None
            else f"a sound batch among them at byte {after.position}, "
            f"offset={after.header.base_offset}"
        )
        return (
            f"{self.fault}: cut {self.byte_count} B, {found}; the log goes on at "
            f"offset={self.next_offset}"
        )


class RecoveryReport(Struct):
    """What opening a log found and did, in order."""

    scanned_segment_count: int = 0
    rebuilt: list[str] = []
    cuts: list[Cut] = []
    removed: list[str] = []


class Stretch(Struct, frozen=True):
    """Where a segment stands for recovery: is it the last, and from which offset on is it fresh."""

    is_last: bool
    recovery_point: int
    on_damage: OnDamage


class BatchWatch(Protocol):
    """Who is told of the batches that recovery finds."""

    latest_epoch: int
    """Data without a producer and of no later leader epoch need not be told of."""

    def see(self, batch: BatchAt) -> None:
        """One sound batch, in the order of the log."""

    def see_data(self, headers: Sequence[BatchHeader]) -> None:
        """Sound batches of producers, in the order of the log: no markers, no later epoch."""


class Unwatched:
    """Nobody: for segments whose producers and epochs are known already."""

    latest_epoch: int = 2**31 - 1

    def see(self, batch: BatchAt) -> None:
        """Nothing to do."""

    def see_data(self, headers: Sequence[BatchHeader]) -> None:
        """Nothing to do."""


def recover_segment(
    segment: Segment, next_offset: int, stretch: Stretch, watch: BatchWatch
) -> tuple[int, Cut | None]:
    """Scans a segment, rebuilds its indexes, cuts what is not sound; the next offset, and the cut.

    Raises `DamagedLog` where the damage is not in the last written stretch and `on_damage` is
    `REFUSE`, and `OldFormat`; the segment's data is then as it was.
    """
    segment.file.forget_cached()
    scanner = Scanner(segment.file, 0, segment.byte_count, next_offset)
    cut = None
    scanner.refuse_old_format()
    segment.drop_indexes()
    try:
        while scanner.position < scanner.end:
            limits = PlainLimits(watch.latest_epoch, segment.most_offset)
            run = take_plain(scanner, limits)
            segment.index_run(run.placed)
            watch.see_data(run.remembered())
            if scanner.position < scanner.end and not scanner.refill():
                batch = scanner.take(segment.most_offset)
                segment.index_batch(batch.position, batch.header)
                watch.see(batch)
    except OldFormat:
        raise
    except CorruptBatch as fault:
        cut = _cut(segment, scanner, stretch, fault)
        segment.cut(scanner.position)
        segment.aborted.truncate_to(scanner.next_offset)
    segment.seal()
    segment.flush()
    return scanner.next_offset, cut


def _cut(segment: Segment, scanner: Scanner, stretch: Stretch, fault: CorruptBatch) -> Cut:
    position, next_offset = scanner.position, scanner.next_offset
    after = find_intact(segment.file, position + 1, segment.byte_count, next_offset)
    was_synced = not stretch.is_last or next_offset < stretch.recovery_point
    cut = Cut(fault, segment.byte_count - position, next_offset, after, was_synced)
    if was_synced and stretch.on_damage is OnDamage.REFUSE:
        raise DamagedLog(
            f"{fault}; these bytes were synced and lie before the last written stretch: restore "
            f"the file, or cut the log there (recover --cut) and lose "
            f"{cut.byte_count} B and all later segments"
        )
    return cut

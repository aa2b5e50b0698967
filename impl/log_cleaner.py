"""Compaction of a log's closed segments, one at a time, each replaced as a whole.

The replacement is written as `.cleaned`, synced, renamed to `.swap`, and then takes the segment's
place: a crash leaves the old segment, or a finished `.swap` that opening puts in its place.
Source: docs/kafka-behaviours.md, items 37 and 46.
"""

from collections.abc import Iterator

from iowitness.impl.batch_reader import Batch
from iowitness.impl.compaction import LatestOffsets, compacted
from iowitness.impl.log import Log
from iowitness.impl.log_names import CLEANED, SWAP
from iowitness.impl.log_reading import read_batch
from iowitness.impl.recovery import OnDamage, Stretch, Unwatched, recover_segment
from iowitness.impl.replaced_file import write_synced
from iowitness.impl.segment import Segment


def compact(log: Log, *, now_ms: int) -> int:
    """Drops superseded records from all segments but the active one; the bytes saved.

    The active segment's keys count too, but it is never touched. Memory grows with the number of
    distinct keys. Raises `CorruptBatch` at damage, with nothing replaced.
    """
    latest = LatestOffsets.of(batch for segment in log.segments for batch in _batches(segment))
    saved_byte_count = 0
    for segment in log.segments[:-1]:
        pieces = [
            compacted(
                batch, latest, now_ms=now_ms, delete_retention_ms=log.config.delete_retention_ms
            )
            for batch in _batches(segment)
        ]
        content = b"".join(piece for piece in pieces if piece is not None)
        if len(content) < segment.byte_count or any(piece is None for piece in pieces):
            saved_byte_count += segment.byte_count - len(content)
            _replace(log, segment, content, now_ms)
    return saved_byte_count


def _replace(log: Log, old: Segment, content: bytes, now_ms: int) -> None:
    """Other batches of the same offsets in a closed segment's place, its indexes made anew."""
    files, path = log.place.files, old.file.path
    write_synced(files, path + CLEANED, content)
    files.rename(path + CLEANED, path + SWAP)
    files.sync_directory(log.directory)
    doomed = old.rename_deleted()
    files.rename(path + SWAP, path)
    files.sync_directory(log.directory)
    new = Segment.open(log.place.at(old.base_offset), now_ms)
    stretch = Stretch(is_last=False, recovery_point=0, on_damage=OnDamage.REFUSE)
    recover_segment(new, new.base_offset, stretch, Unwatched())
    files.sync_directory(log.directory)
    log.put_in_place(old, new, doomed, now_ms=now_ms)


def _batches(segment: Segment) -> Iterator[Batch]:
    for found in segment.heads(0):
        yield read_batch(segment, found)

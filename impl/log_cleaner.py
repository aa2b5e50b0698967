"""Compaction of a log's closed segments, one at a time, each replaced as a whole.

The replacement is written as `.cleaned`, synced, renamed to `.swap`, and then takes the segment's
place: a crash leaves the old segment, or a finished `.swap` that opening puts in its place.
Source: docs/formats/log-reads-and-writes.md, "Compaction"; docs/kafka-behaviours.md, 37 and 46.
"""

from collections.abc import Generator, Iterable, Iterator
from itertools import pairwise
from typing import Final, TypeAlias

from iowitness.impl.batch_reader import Batch
from iowitness.impl.compaction import LatestOffsets, compacted
from iowitness.impl.control_records import encode_aborted
from iowitness.impl.log import Log
from iowitness.impl.log_files import LogFiles
from iowitness.impl.log_names import ABORTED_TRANSACTIONS, CLEANED, LOG, SWAP, file_name
from iowitness.impl.log_reading import read_batch
from iowitness.impl.recovery import OnDamage, Stretch, Unwatched, recover_segment
from iowitness.impl.replaced_file import write_synced, write_whole
from iowitness.impl.segment import Segment

Steps: TypeAlias = Generator[None, None, int]
"""Work that may be put off after each step; in the end the bytes that it saved."""

_WRITE_BYTE_COUNT: Final = 1 << 20


def compact(log: Log, *, now_ms: int) -> int:
    """Drops superseded records from the segments before the active one; the bytes saved.

    The active segment's keys count too, but it is never touched; no more is a segment that reaches
    past the last stable offset, nor do records count that a transaction may still take back, or
    has. Memory grows with the number of distinct keys. Raises `CorruptBatch` at damage, with
    nothing replaced by then that was not sound; an `OSError` fences the log.
    """
    steps = compaction(log, now_ms=now_ms)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return int(done.value)


def compaction(log: Log, *, now_ms: int) -> Steps:
    """The same in steps of about a batch, between which the log may grow and lose old segments."""
    stable_offset = log.last_stable_offset
    aborted = log.aborted_transactions(0, log.end_offset)
    latest = LatestOffsets({})
    for segment in log.segments:
        for batch in _batches(segment):
            if batch.header.next_offset <= stable_offset:
                latest.take(batch, aborted)
            yield
    saved_byte_count = 0
    for segment, later in pairwise(log.segments):
        if later.base_offset > stable_offset:
            break
        pairs = (
            (
                batch,
                compacted(
                    batch, latest, now_ms=now_ms, delete_retention_ms=log.config.delete_retention_ms
                ),
            )
            for batch in _batches(segment)
        )
        with log.fencing():
            saved_byte_count += yield from _replace(log, segment, pairs, now_ms)
    return saved_byte_count


def _replace(
    log: Log, old: Segment, pairs: Iterable[tuple[Batch, bytes | None]], now_ms: int
) -> Steps:
    """What is left of a closed segment in its place, its indexes made anew; the bytes saved.

    Where that is all of it, or the segment has gone meanwhile, nothing is replaced. Its aborted
    transactions stay, since their records may, and are renamed first: the `.log.swap` is what says
    that the rest is whole.
    """
    files, directory = log.place.files, log.directory
    name = f"{directory}/{file_name(old.base_offset, LOG)}"
    aborted_name = f"{directory}/{file_name(old.base_offset, ABORTED_TRANSACTIONS)}"
    byte_count, has_changed = yield from _write(files, name + CLEANED, pairs)
    if not has_changed or old not in log.segments:
        files.remove(name + CLEANED)
        return 0
    names = [name]
    if old.aborted.entries:
        write_synced(
            files, aborted_name + CLEANED, b"".join(map(encode_aborted, old.aborted.entries))
        )
        names = [aborted_name, name]
    for one in names:
        files.rename(one + CLEANED, one + SWAP)
    files.sync_directory(directory)
    saved_byte_count = old.byte_count - byte_count
    doomed = old.rename_deleted()
    for one in names:
        files.rename(one + SWAP, one)
    files.sync_directory(directory)
    new = Segment.open(log.place.at(old.base_offset), now_ms)
    stretch = Stretch(is_last=False, recovery_point=0, on_damage=OnDamage.REFUSE)
    recover_segment(new, new.base_offset, stretch, Unwatched())
    files.sync_directory(directory)
    log.put_in_place(old, new, doomed, now_ms=now_ms)
    return saved_byte_count


def _write(
    files: LogFiles, path: str, pairs: Iterable[tuple[Batch, bytes | None]]
) -> Generator[None, None, tuple[int, bool]]:
    """Writes and syncs what is left of each batch; its bytes, and whether anything is different."""
    has_changed = False
    byte_count = 0
    waiting = bytearray()
    file = files.create(path)
    try:
        for batch, left in pairs:
            has_changed = has_changed or left is None or bytes(batch.stored) != left
            waiting += left or b""
            if len(waiting) >= _WRITE_BYTE_COUNT:
                byte_count += write_whole(file, waiting, byte_count)
                waiting.clear()
            yield
        byte_count += write_whole(file, waiting, byte_count)
        if has_changed:
            file.sync()
    finally:
        file.close()
    return byte_count, has_changed


def _batches(segment: Segment) -> Iterator[Batch]:
    for found in segment.heads(0):
        yield read_batch(segment, found)

"""Segments read for their own sake, damage included: nothing is opened for writing or changed."""

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from iowitness.impl.errors import CorruptBatch
from iowitness.impl.log_files import OpenFile, RealFile
from iowitness.impl.log_names import LOG, base_offset_of, suffix_of
from iowitness.impl.log_scan import find_intact, scan
from iowitness.impl.segment import BatchAt


class Damage(Struct, frozen=True):
    """A stretch of a segment that is no sound batch.

    `byte_count` reaches to the next sound batch, `resumes_at`, or to the file's end if there is
    none. `is_tail` says that none follows: a torn end looks like that.
    """

    fault: CorruptBatch
    byte_count: int
    expected_offset: int
    resumes_at: BatchAt | None

    @property
    def is_tail(self) -> bool:
        """Nothing sound comes after it in its file."""
        return self.resumes_at is None


def log_paths(directory: str) -> list[str]:
    """The segments of a partition's folder, or of all the partitions in a log directory."""
    folder = Path(directory)
    paths = [*folder.glob(f"*{LOG}"), *folder.glob(f"*/*{LOG}")]
    return sorted(
        str(path)
        for path in paths
        if suffix_of(path.name) == LOG and base_offset_of(path.name) is not None and path.is_file()
    )


def inspected(file: OpenFile, base_offset: int) -> Iterator[BatchAt | Damage]:
    """Every sound batch of a segment and every damaged stretch between them, in order."""
    end = file.byte_count()
    position, next_offset = 0, base_offset
    while position < end:
        try:
            for batch in scan(file, position, end, next_offset):
                yield batch
                position = batch.position + batch.header.byte_count
                next_offset = batch.header.next_offset
        except CorruptBatch as fault:
            resumes_at = find_intact(file, position + 1, end, next_offset)
            after = end if resumes_at is None else resumes_at.position
            yield Damage(fault, after - position, next_offset, resumes_at)
            position = after


def open_segment(path: str) -> tuple[OpenFile, int]:
    """A segment's file, for reading only, and its base offset."""
    base_offset = base_offset_of(Path(path).name)
    assert base_offset is not None
    return RealFile(path, os.O_RDONLY), base_offset

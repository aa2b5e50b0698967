"""One segment: a file of batches with its two sparse indexes, written only at its end.

Which calls it makes, in which order and of which size: docs/formats/log-reads-and-writes.md.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from iowitness.impl.aborted_index import AbortedIndex
from iowitness.impl.batch_format import (
    HEADER_BYTE_COUNT,
    BatchHeader,
    read_header,
)
from iowitness.impl.errors import CorruptBatch, LogFenced
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_files import Buffer, OpenFile
from iowitness.impl.log_names import (
    ABORTED_TRANSACTIONS,
    DELETED,
    LOG,
    SEGMENT_SUFFIXES,
)
from iowitness.impl.offset_index import MAX_RELATIVE_OFFSET, OffsetIndex
from iowitness.impl.replaced_file import write_whole
from iowitness.impl.retention import SegmentAge
from iowitness.impl.segment_indexes import PlacedBatch, SegmentIndexes
from iowitness.impl.segment_place import SegmentPlace
from iowitness.impl.time_index import TimeIndex

MAX_SEGMENT_BYTE_COUNT: Final = 2**31 - 1


class BatchAt(Struct, frozen=True, gc=False):
    """A batch's head and the position of its first byte in the segment."""

    position: int
    header: BatchHeader


class Segment:
    """An open segment. `byte_count` is its data, which a pre-sized file is longer than."""

    __slots__ = (
        "_first_timestamp_ms",
        "_indexes",
        "_most_offset",
        "_place",
        "aborted",
        "byte_count",
        "created_ms",
        "file",
    )

    def __init__(self, place: SegmentPlace, file: OpenFile, byte_count: int, now_ms: int) -> None:
        if byte_count > MAX_SEGMENT_BYTE_COUNT:
            raise ValueError(
                f"{file.path}: size={byte_count} B, expected at most {MAX_SEGMENT_BYTE_COUNT} B"
            )
        self._place = place
        self.file = file
        self.byte_count = byte_count
        self.created_ms = now_ms
        self._most_offset = place.base_offset + MAX_RELATIVE_OFFSET
        self._first_timestamp_ms: int | None = None
        self._indexes = SegmentIndexes(place)
        self.aborted = AbortedIndex(place.files, place.path(ABORTED_TRANSACTIONS))

    @classmethod
    def create(cls, place: SegmentPlace, now_ms: int) -> "Segment":
        """A new, empty segment; pre-sized if the configuration says so."""
        file = place.files.create(place.path(LOG))
        if place.config.is_preallocated:
            file.truncate(place.config.segment_byte_count)
        return cls(place, file, 0, now_ms)

    @classmethod
    def open(cls, place: SegmentPlace, now_ms: int) -> "Segment":
        """A segment that is there; all of its file is taken for data."""
        file = place.files.open(place.path(LOG))
        return cls(place, file, file.byte_count(), now_ms)

    @property
    def base_offset(self) -> int:
        """The first offset that it may hold."""
        return self._place.base_offset

    @property
    def latest_timestamp_ms(self) -> int:
        """The largest timestamp in it; -1 without timestamps."""
        return self._indexes.max_timestamp_ms

    @property
    def offset_index(self) -> OffsetIndex:
        """Opened, and created where it is missing, on first use."""
        return self._indexes.offsets

    @property
    def time_index(self) -> TimeIndex:
        """Opened, and created where it is missing, on first use."""
        return self._indexes.times

    def is_full_for(
        self,
        byte_count: int,
        max_timestamp_ms: int,
        last_offset: int,
        now_ms: int,
        config: LogConfig,
    ) -> bool:
        """Whether the log has to roll before it takes a set of that size, time and last offset.

        `config` is the log's as of now, which may have changed since the segment was made.
        Source: docs/kafka-behaviours.md, items 8, 11, 12 and 13.
        """
        size = self.byte_count
        if size + byte_count > config.segment_byte_count:
            return True
        limit_ms = config.segment_ms - config.segment_jitter_ms
        if size and self._waited_ms(max_timestamp_ms, now_ms) > limit_ms:
            return True
        return self._indexes.is_full or not self.fits(last_offset)

    def append(self, batch_set: Buffer, headers: Sequence[BatchHeader]) -> None:
        """Writes the batches at the end with one call, and indexes them.

        `headers` are those of `batch_set`, offsets stamped. Raises `OSError` with the file cut
        back to what it was and `byte_count` unchanged, `LogFenced` if it could not be cut back,
        and `ValueError` before anything is written if a position or an offset would not fit 32
        bits. An `OSError` after the write, with a new `byte_count`, comes from the indexes.
        """
        position = self.byte_count
        byte_count = len(batch_set)
        end = position + byte_count
        if end > MAX_SEGMENT_BYTE_COUNT or not self.fits(headers[-1].last_offset):
            raise ValueError(self._refusal(byte_count, headers[-1].last_offset))
        try:
            written = self.file.write_at(batch_set, position)
            if written < byte_count:
                write_whole(self.file, memoryview(batch_set)[written:], position + written)
        except OSError as error:
            self._take_back(position, error)
            raise
        self.byte_count = end
        if not position:
            self._first_timestamp_ms = headers[0].max_timestamp_ms
        for header in headers:
            self._indexes.add(position, header)
            position += header.byte_count

    def _take_back(self, position: int, error: OSError) -> None:
        try:
            self.file.truncate(position)
        except OSError as second:
            raise LogFenced(
                f"{self.file.path}: a write at {position} failed with {error}, and cutting off "
                f"what it left with {second}"
            ) from error

    def _refusal(self, byte_count: int, last_offset: int) -> str:
        if self.byte_count + byte_count > MAX_SEGMENT_BYTE_COUNT:
            return (
                f"{self.file.path}: {byte_count} B after {self.byte_count} B, expected at most "
                f"{MAX_SEGMENT_BYTE_COUNT} B in all"
            )
        return (
            f"{self.file.path}: offset={last_offset}, expected "
            f"{self.base_offset}..{self._most_offset}"
        )

    def index_batch(self, position: int, header: BatchHeader) -> None:
        """Counts in a batch that is there already, when the indexes are made anew."""
        self._indexes.add(position, header)

    def index_run(self, run: Sequence[PlacedBatch]) -> None:
        """The same for many batches at once."""
        self._indexes.add_run(run)

    @property
    def most_offset(self) -> int:
        """The last offset that can be held as a 32-bit distance from the base."""
        return self._most_offset

    def fits(self, offset: int) -> bool:
        """Whether an offset can be held as a 32-bit distance from the base."""
        return self._place.base_offset <= offset <= self._most_offset

    def _waited_ms(self, timestamp_ms: int, now_ms: int) -> int:
        """How long the segment's first batch has waited for the roll, by the incoming timestamp.

        By the clock since creation where there are no timestamps.
        """
        if self._first_timestamp_ms is None:
            self._first_timestamp_ms = self.head_at(0).max_timestamp_ms
        if self._first_timestamp_ms >= 0:
            return timestamp_ms - self._first_timestamp_ms
        return now_ms - self.created_ms

    def head_at(self, position: int) -> BatchHeader:
        """The head of the batch at a position: one read of 61 B. Raises `CorruptBatch`."""
        try:
            return read_header(self.file.read_at(HEADER_BYTE_COUNT, position))
        except CorruptBatch as error:
            raise error.located(self.file.path, position) from None

    def heads(self, position: int) -> Iterator[BatchAt]:
        """The heads from a batch's position to the end of the segment as it is now."""
        end = self.byte_count
        while position < end:
            header = self.head_at(position)
            if position + header.byte_count > end:
                raise CorruptBatch(
                    f"batch of {header.byte_count} B, expected at most {end - position} B",
                    position=position,
                    file=self.file.path,
                )
            yield BatchAt(position, header)
            position += header.byte_count

    def find(self, offset: int) -> BatchAt | None:
        """The first batch whose last offset is at or above the target; None if there is none.

        One read of 61 B for each batch from the index entry at or below the target on. An entry
        that leads to no batch, or to one after its own offset, is damaged: then from the start on.
        """
        entry = self.offset_index.lookup(offset)
        if entry.position:
            try:
                first = self.head_at(entry.position)
            except CorruptBatch:
                return self._find_from(0, offset)
            if first.base_offset > entry.offset:
                return self._find_from(0, offset)
            if first.last_offset >= offset:
                return BatchAt(entry.position, first)
            return self._find_from(entry.position + first.byte_count, offset)
        return self._find_from(0, offset)

    def _find_from(self, position: int, offset: int) -> BatchAt | None:
        for batch in self.heads(position):
            if batch.header.last_offset >= offset:
                return batch
        return None

    def flush(self) -> None:
        """The data and both indexes are on the disk when it returns; creates missing indexes."""
        self.file.sync()
        self._indexes.sync()
        self.aborted.sync()

    def seal(self) -> None:
        """Adds the last time entry, and cuts the files to what is in use."""
        self._indexes.add_last_time()
        if self._place.config.is_preallocated:
            self.file.truncate(self.byte_count)
        self._indexes.trim()

    @property
    def has_indexes(self) -> bool:
        """Both index files are there."""
        return self._indexes.are_there

    def check_indexes(self) -> None:
        """Raises `CorruptIndex` unless both indexes can be those of this segment's data."""
        self._indexes.check(self.byte_count)

    def resume(self) -> int:
        """Takes up a segment whose indexes are sound; the next offset.

        Reads the heads after the last index entry. Raises `CorruptBatch` if they do not fit.
        """
        last = self.offset_index.lookup(self.offset_index.last_offset)
        self._indexes.resume()
        next_offset = self.base_offset
        for batch in self.heads(last.position):
            self._indexes.pass_by(batch.header)
            next_offset = batch.header.next_offset
        return next_offset

    def drop_indexes(self) -> None:
        """Removes both index files, to be made anew by `index_batch`."""
        self._indexes.drop()
        self._first_timestamp_ms = None

    def cut(self, byte_count: int) -> None:
        """Cuts the data, which the indexes do not reach beyond; to its own size it does nothing.

        Raises `ValueError` for a size above the data's.
        """
        if byte_count > self.byte_count or byte_count < 0:
            raise ValueError(
                f"{self.file.path}: size={byte_count} B, expected 0..{self.byte_count} B"
            )
        if byte_count < self.byte_count:
            self.file.truncate(byte_count)
            self.byte_count = byte_count

    def truncate_to(self, offset: int) -> int:
        """Drops every batch that holds the offset or comes after it; the next offset.

        Gaps are no obstacle.
        """
        found = self.find(offset)
        if found is None:
            return self.resume()
        # A batch that straddles the offset goes as a whole, so entries from its base on go too.
        floor = min(offset, found.header.base_offset)
        self._indexes.truncate_to(floor)
        self.aborted.truncate_to(floor)
        self.cut(found.position)
        self._first_timestamp_ms = None
        resumed = self.resume()
        return max(resumed, floor) if self.byte_count else floor

    def age(self, end_offset: int) -> SegmentAge:
        """What retention has to know; `end_offset` is the next segment's base or the log's end."""
        latest_ms = self.latest_timestamp_ms
        if latest_ms < 0:
            latest_ms = self._place.files.modified_ms(self.file.path)
        return SegmentAge(self.base_offset, end_offset, self.byte_count, latest_ms)

    def rename_deleted(self) -> list[str]:
        """Gives its files names of deleted ones, and returns those; regions can still be sent."""
        self._indexes.close()
        renamed: list[str] = []
        for path in self._paths():
            self._place.files.rename(path, path + DELETED)
            renamed.append(path + DELETED)
        return renamed

    def remove(self) -> None:
        """Closes the segment and removes its files now; snapshots are not its own."""
        self.close()
        for path in self._paths():
            self._place.files.remove(path)

    def _paths(self) -> list[str]:
        paths = [self._place.path(suffix) for suffix in SEGMENT_SUFFIXES]
        return [path for path in paths if self._place.files.exists(path)]

    def close(self) -> None:
        """Gives the descriptors back; nothing is synced or trimmed."""
        self.file.close()
        self._indexes.close()

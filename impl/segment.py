"""One segment: a file of batches with its two sparse indexes, written only at its end.

Which calls it makes, in which order and of which size: docs/formats/log-reads-and-writes.md.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from iowitness.impl.aborted_index import AbortedIndex
from iowitness.impl.batch_format import (
    HEADER_BYTE_COUNT,
    NO_TIMESTAMP_MS,
    BatchHeader,
    read_header,
)
from iowitness.impl.errors import CorruptBatch, CorruptIndex
from iowitness.impl.log_files import Buffer, OpenFile
from iowitness.impl.log_names import (
    ABORTED_TRANSACTIONS,
    DELETED,
    LOG,
    OFFSET_INDEX,
    SEGMENT_SUFFIXES,
    TIME_INDEX,
)
from iowitness.impl.offset_index import MAX_RELATIVE_OFFSET, OffsetIndex
from iowitness.impl.retention import SegmentAge
from iowitness.impl.segment_place import SegmentPlace
from iowitness.impl.time_index import TimeEntry, TimeIndex

MAX_SEGMENT_BYTE_COUNT: Final = 2**31 - 1


class BatchAt(Struct, frozen=True, gc=False):
    """A batch's head and the position of its first byte in the segment."""

    position: int
    header: BatchHeader


class Segment:
    """An open segment. `byte_count` is its data, which a pre-sized file is longer than.

    The indexes are opened on first use; `has_full_index` says that one of them takes no entry any
    more, so that the segment has to roll. `max_timestamp` is the largest timestamp so far with the
    last offset of the batch that had it first.
    """

    __slots__ = (
        "_bytes_since_entry",
        "_first_timestamp_ms",
        "_max_timestamp_ms",
        "_max_timestamp_offset",
        "_offset_index",
        "_place",
        "_time_index",
        "aborted",
        "byte_count",
        "created_ms",
        "file",
        "has_full_index",
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
        self.max_timestamp = TimeEntry(NO_TIMESTAMP_MS, place.base_offset)
        self._bytes_since_entry = 0
        self.has_full_index = False
        self._first_timestamp_ms: int | None = None
        self._offset_index: OffsetIndex | None = None
        self._time_index: TimeIndex | None = None
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
    def max_timestamp(self) -> TimeEntry:
        """The largest timestamp, with the last offset of the batch that had it first."""
        return TimeEntry(self._max_timestamp_ms, self._max_timestamp_offset)

    @max_timestamp.setter
    def max_timestamp(self, entry: TimeEntry) -> None:
        self._max_timestamp_ms, self._max_timestamp_offset = entry.timestamp_ms, entry.offset

    @property
    def latest_timestamp_ms(self) -> int:
        """The largest timestamp in it; -1 without timestamps."""
        return self._max_timestamp_ms

    @property
    def offset_index(self) -> OffsetIndex:
        """Opened, and created where it is missing, on first use."""
        if self._offset_index is None:
            self._offset_index = OffsetIndex(
                self._place.files, self._place.path(OFFSET_INDEX), self.base_offset
            )
        return self._offset_index

    @property
    def time_index(self) -> TimeIndex:
        """Opened, and created where it is missing, on first use."""
        if self._time_index is None:
            self._time_index = TimeIndex(
                self._place.files, self._place.path(TIME_INDEX), self.base_offset
            )
        return self._time_index

    def append(self, batch_set: Buffer, headers: Sequence[BatchHeader]) -> None:
        """Writes the batches at the end with one call, and indexes them.

        `headers` are those of `batch_set`, offsets stamped. Raises `OSError` with the file cut
        back to what it was, and `ValueError` before anything is written if a position or an offset
        would not fit 32 bits.
        """
        byte_count = len(batch_set)
        self._check_fits(byte_count, headers[-1].last_offset)
        self._write(batch_set, byte_count)
        position = self.byte_count
        self.byte_count += byte_count
        for header in headers:
            self.index_batch(position, header)
            position += header.byte_count

    def _check_fits(self, byte_count: int, last_offset: int) -> None:
        if self.byte_count + byte_count > MAX_SEGMENT_BYTE_COUNT:
            raise ValueError(
                f"{self.file.path}: {byte_count} B after {self.byte_count} B, expected at most "
                f"{MAX_SEGMENT_BYTE_COUNT} B in all"
            )
        if not self.fits(last_offset):
            raise ValueError(
                f"{self.file.path}: offset={last_offset}, expected at most "
                f"{self.base_offset + MAX_RELATIVE_OFFSET}"
            )

    def _write(self, batch_set: Buffer, byte_count: int) -> None:
        """One write, unless the kernel takes less than all of it."""
        written = 0
        try:
            written = self.file.write_at(batch_set, self.byte_count)
            while written < byte_count:
                rest = memoryview(batch_set)[written:]
                written += self.file.write_at(rest, self.byte_count + written)
        except OSError:
            self.file.truncate(self.byte_count)
            raise

    def index_batch(self, position: int, header: BatchHeader) -> None:
        """Counts a batch in, adding index entries if enough bytes came since the last ones."""
        if header.max_timestamp_ms > self._max_timestamp_ms:
            self._max_timestamp_ms = header.max_timestamp_ms
            self._max_timestamp_offset = header.last_offset
        if self._first_timestamp_ms is None:
            self._first_timestamp_ms = header.max_timestamp_ms
        if self._bytes_since_entry > self._place.config.index_interval_byte_count:
            offsets, times = self.offset_index, self.time_index
            is_tight = offsets.count + 1 >= offsets.entries.capacity_count or times.is_nearly_full
            if is_tight:
                self._reserve_indexes()
            offsets.append(header.last_offset, position)
            times.append(self._max_timestamp_ms, self._max_timestamp_offset)
            if is_tight:
                self._note_full_index()
            self._bytes_since_entry = 0
        self._bytes_since_entry += header.byte_count

    def _reserve_indexes(self) -> None:
        for index in (self.offset_index, self.time_index):
            if index.is_full:
                index.entries.reserve(self._place.config.index_byte_count)

    def _note_full_index(self) -> None:
        byte_count = self._place.config.index_byte_count
        offsets, times = self.offset_index, self.time_index
        self.has_full_index = (
            offsets.count >= byte_count // offsets.entries.entry_byte_count
            or times.count >= byte_count // times.entries.entry_byte_count - 1
        )

    def fits(self, offset: int) -> bool:
        """Whether an offset can be held as a 32-bit distance from the base."""
        return 0 <= offset - self.base_offset <= MAX_RELATIVE_OFFSET

    def waited_ms(self, timestamp_ms: int, now_ms: int) -> int:
        """How long the segment's first batch has waited for the roll, by the incoming timestamp.

        By the clock since creation where there are no timestamps. 0 for an empty segment.
        """
        if not self.byte_count:
            return 0
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

        One read of 61 B for each batch from the index entry at or below the target on.
        """
        for batch in self.heads(self.offset_index.lookup(offset).position):
            if batch.header.last_offset >= offset:
                return batch
        return None

    def flush(self) -> None:
        """The data and both indexes are on the disk when it returns; creates missing indexes."""
        self.file.sync()
        self.offset_index.entries.sync()
        self.time_index.entries.sync()
        self.aborted.sync()

    def seal(self) -> None:
        """Adds the last time entry, and cuts the files to what is in use."""
        if self.max_timestamp.timestamp_ms >= 0:
            self.time_index.append_last(self.max_timestamp.timestamp_ms, self.max_timestamp.offset)
        if self._place.config.is_preallocated:
            self.file.truncate(self.byte_count)
        self.offset_index.entries.trim()
        self.time_index.entries.trim()

    @property
    def has_indexes(self) -> bool:
        """Both index files are there."""
        files = self._place.files
        return files.exists(self._place.path(OFFSET_INDEX)) and files.exists(
            self._place.path(TIME_INDEX)
        )

    def check_indexes(self) -> None:
        """Raises `CorruptIndex` unless both indexes can be those of this segment's data."""
        self.offset_index.check(self.byte_count)
        self.time_index.check()
        if self.byte_count and not self.time_index.count and self.offset_index.count:
            raise CorruptIndex(f"{self.time_index.entries.path}: empty, expected an entry")
        self.max_timestamp = self.time_index.last

    def resume(self) -> int:
        """Takes up a segment whose indexes are sound; the next offset.

        Reads the heads after the last index entry. Raises `CorruptBatch` if they do not fit.
        """
        self.max_timestamp = self.time_index.last
        self._bytes_since_entry = 0
        self._note_full_index()
        next_offset = self.base_offset
        last = self.offset_index.lookup(self.offset_index.last_offset)
        for batch in self.heads(last.position):
            next_offset = batch.header.next_offset
            self._bytes_since_entry += batch.header.byte_count
            if batch.header.max_timestamp_ms > self.max_timestamp.timestamp_ms:
                self.max_timestamp = TimeEntry(
                    batch.header.max_timestamp_ms, batch.header.last_offset
                )
        return next_offset

    def drop_indexes(self) -> None:
        """Removes both index files, to be made anew by `index_batch`."""
        self._close_indexes()
        for suffix in (OFFSET_INDEX, TIME_INDEX):
            if self._place.files.exists(self._place.path(suffix)):
                self._place.files.remove(self._place.path(suffix))
        self.aborted.drop()
        self.max_timestamp = TimeEntry(NO_TIMESTAMP_MS, self.base_offset)
        self._bytes_since_entry = 0
        self.has_full_index = False
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
        self.offset_index.truncate_to(floor)
        self.time_index.truncate_to(floor)
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
        self._close_indexes()
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
        self._close_indexes()

    def _close_indexes(self) -> None:
        if self._offset_index is not None:
            self._offset_index.entries.close()
        if self._time_index is not None:
            self._time_index.entries.close()
        self._offset_index = self._time_index = None

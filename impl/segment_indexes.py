"""A segment's two sparse indexes together, opened on first use, and when they get entries.

Rules: docs/formats/log-reads-and-writes.md, "Append"; docs/kafka-behaviours.md, items 29 to 31.
"""

from collections.abc import Sequence
from typing import TypeAlias

from iowitness.impl.batch_format import NO_TIMESTAMP_MS, BatchHeader
from iowitness.impl.errors import CorruptIndex
from iowitness.impl.log_names import OFFSET_INDEX, TIME_INDEX
from iowitness.impl.offset_index import OffsetIndex
from iowitness.impl.segment_place import SegmentPlace
from iowitness.impl.time_index import TimeIndex

PlacedBatch: TypeAlias = tuple[int, int, int, int]
"""A batch as indexes see it: position, bytes, last offset, largest timestamp in ms."""


class SegmentIndexes:
    """`max_timestamp_ms` is the largest so far, in the batch whose last offset stands beside it.

    `is_full` says that one of the two takes no entry any more, so that the segment has to roll.
    """

    __slots__ = (
        "_bytes_since_entry",
        "_free_count",
        "_interval_byte_count",
        "_offsets",
        "_place",
        "_times",
        "is_full",
        "max_timestamp_ms",
        "max_timestamp_offset",
    )

    def __init__(self, place: SegmentPlace) -> None:
        self._place = place
        self._interval_byte_count = place.config.index_interval_byte_count
        self._offsets: OffsetIndex | None = None
        self._times: TimeIndex | None = None
        self._start_over()

    def _start_over(self) -> None:
        self._bytes_since_entry = 0
        self._free_count = 0  # entries that both take for certain, without looking
        self.is_full = False
        self.max_timestamp_ms = NO_TIMESTAMP_MS
        self.max_timestamp_offset = self._place.base_offset

    @property
    def offsets(self) -> OffsetIndex:
        """Opened, and created where it is missing, on first use."""
        if self._offsets is None:
            place = self._place
            self._offsets = OffsetIndex(place.files, place.path(OFFSET_INDEX), place.base_offset)
        return self._offsets

    @property
    def times(self) -> TimeIndex:
        """Opened, and created where it is missing, on first use."""
        if self._times is None:
            place = self._place
            self._times = TimeIndex(place.files, place.path(TIME_INDEX), place.base_offset)
        return self._times

    def add(self, position: int, header: BatchHeader) -> None:
        """Counts a batch in, with an entry each if enough bytes came since the last ones."""
        if header.max_timestamp_ms > self.max_timestamp_ms:
            self.max_timestamp_ms = header.max_timestamp_ms
            self.max_timestamp_offset = header.last_offset
        if self._bytes_since_entry > self._interval_byte_count:
            if self._free_count <= 0:
                self._make_room()
            self._free_count -= 1
            self.offsets.append(header.last_offset, position)
            self.times.append(self.max_timestamp_ms, self.max_timestamp_offset)
            if not self._free_count:
                self._note_full()
            self._bytes_since_entry = 0
        self._bytes_since_entry += header.byte_count

    def add_run(self, run: Sequence[PlacedBatch]) -> None:
        """As `add` of one batch after another, in a third of the time."""
        since, interval_byte_count = self._bytes_since_entry, self._interval_byte_count
        largest_ms, largest_offset = self.max_timestamp_ms, self.max_timestamp_offset
        base_offset, last_entry_ms = self._place.base_offset, self.times.last.timestamp_ms
        offset_entries: list[int] = []
        time_entries: list[int] = []
        for position, byte_count, last_offset, timestamp_ms in run:
            if timestamp_ms > largest_ms:
                largest_ms, largest_offset = timestamp_ms, last_offset
            if since > interval_byte_count:
                offset_entries += (last_offset - base_offset, position)
                if largest_ms > last_entry_ms:
                    time_entries += (largest_ms, largest_offset - base_offset)
                    last_entry_ms = largest_ms
                since = 0
            since += byte_count
        self._bytes_since_entry = since
        self.max_timestamp_ms, self.max_timestamp_offset = largest_ms, largest_offset
        if offset_entries:
            self._make_room(len(offset_entries) // 2)
            self.offsets.extend(offset_entries)
            self.times.extend(time_entries)
            self._free_count = 0
            self._note_full()

    def _make_room(self, count: int = 1) -> None:
        """Pre-sizes the files; past the configured size where one batch set brings that much."""
        offsets, times = self.offsets, self.times
        for index in (offsets, times):
            if index.free_count < count:
                index.entries.reserve(self._place.config.index_byte_count)
            if index.free_count < count:
                needed = index.entries.capacity_count + count - index.free_count
                index.entries.reserve(needed * index.entries.entry_byte_count)
        self._free_count = min(offsets.free_count, times.free_count)

    def _note_full(self) -> None:
        byte_count = self._place.config.index_byte_count
        offsets, times = self.offsets, self.times
        self.is_full = (
            offsets.count >= byte_count // offsets.entries.entry_byte_count
            or times.count >= byte_count // times.entries.entry_byte_count - 1
        )

    def check(self, segment_byte_count: int) -> None:
        """Raises `CorruptIndex` unless both can be those of a segment of that size."""
        self.offsets.check(segment_byte_count)
        self.times.check()
        if segment_byte_count and not self.times.count and self.offsets.count:
            raise CorruptIndex(f"{self.times.entries.path}: empty, expected an entry")
        self._take_last_time()

    def resume(self) -> None:
        """Takes up indexes that are sound; the batches after the last entry have to follow."""
        self._take_last_time()
        self._bytes_since_entry = self._free_count = 0
        self._note_full()

    def pass_by(self, header: BatchHeader) -> None:
        """Counts in a batch that is there already and has no entry."""
        self._bytes_since_entry += header.byte_count
        if header.max_timestamp_ms > self.max_timestamp_ms:
            self.max_timestamp_ms = header.max_timestamp_ms
            self.max_timestamp_offset = header.last_offset

    def _take_last_time(self) -> None:
        last = self.times.last
        self.max_timestamp_ms, self.max_timestamp_offset = last.timestamp_ms, last.offset

    def truncate_to(self, offset: int) -> None:
        """Drops entries at or above an offset; `resume` has to follow."""
        self.offsets.truncate_to(offset)
        self.times.truncate_to(offset)

    def add_last_time(self) -> None:
        """The last time entry of a segment that takes no more: the largest timestamp."""
        if self.max_timestamp_ms >= 0:
            self.times.append_last(self.max_timestamp_ms, self.max_timestamp_offset)

    def trim(self) -> None:
        """Cuts the files to the entries in use."""
        self.offsets.entries.trim()
        self.times.entries.trim()
        self._free_count = 0

    def sync(self) -> None:
        """One fsync of each; creates missing files."""
        self.offsets.entries.sync()
        self.times.entries.sync()

    @property
    def are_there(self) -> bool:
        """Both files exist."""
        place = self._place
        return all(place.files.exists(place.path(name)) for name in (OFFSET_INDEX, TIME_INDEX))

    def drop(self) -> None:
        """Removes both files, to be made anew by `add`."""
        self.close()
        place = self._place
        for suffix in (OFFSET_INDEX, TIME_INDEX):
            if place.files.exists(place.path(suffix)):
                place.files.remove(place.path(suffix))
        self._start_over()

    def close(self) -> None:
        """Unmaps both; nothing is synced or trimmed."""
        if self._offsets is not None:
            self._offsets.entries.close()
        if self._times is not None:
            self._times.entries.close()
        self._offsets = self._times = None
        self._free_count = 0

"""The sparse time index of a segment: timestamp to offset, 12 bytes an entry.

Entry: int64 timestamp in ms, int32 offset - base, big-endian. Every record after an entry's offset
may still be older; every record up to it is not newer. Source: docs/formats/log-directory.md.
"""

import struct
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from iowitness.impl.batch_format import NO_TIMESTAMP_MS
from iowitness.impl.errors import CorruptIndex
from iowitness.impl.log_files import LogFiles
from iowitness.impl.mapped_entries import MappedEntries
from iowitness.impl.offset_index import MAX_RELATIVE_OFFSET

ENTRY_BYTE_COUNT: Final = 12

_ENTRY: Final = struct.Struct(">qi")


class TimeEntry(Struct, frozen=True, gc=False):
    """The largest timestamp so far, in ms, and the last offset of the batch that had it."""

    timestamp_ms: int
    offset: int


class TimeIndex:
    """Rising timestamps with rising offsets, looked up by bisection."""

    __slots__ = ("_base_offset", "_entries", "last")

    def __init__(self, files: LogFiles, path: str, base_offset: int) -> None:
        self._base_offset = base_offset
        self._entries = MappedEntries(files, path, ENTRY_BYTE_COUNT)
        self.last = self._find_last()

    @property
    def entries(self) -> MappedEntries:
        """The file, for sizing, syncing and closing."""
        return self._entries

    @property
    def count(self) -> int:
        """Entries in use."""
        return self._entries.count

    @property
    def free_count(self) -> int:
        """Entries that still fit beside the one made at roll."""
        return self._entries.capacity_count - 1 - self._entries.count

    @property
    def is_full(self) -> bool:
        """Only the slot for the entry made at roll is left."""
        return self.free_count <= 0

    def entry(self, number: int) -> TimeEntry:
        """The entry at a place, the first being 0."""
        timestamp_ms, relative = _ENTRY.unpack_from(self._entries.buffer, number * ENTRY_BYTE_COUNT)
        return TimeEntry(timestamp_ms, self._base_offset + relative)

    def lookup(self, timestamp_ms: int) -> TimeEntry:
        """The greatest entry at or below a timestamp; the segment's start if there is none."""
        count = self._entries.count_up_to(_ENTRY, timestamp_ms)
        return self.entry(count - 1) if count else TimeEntry(NO_TIMESTAMP_MS, self._base_offset)

    def append(self, timestamp_ms: int, offset: int) -> None:
        """One entry more, unless its timestamp is the last one's.

        Raises `ValueError` if timestamp or offset is below the last entry's, or if only the last
        slot is left.
        """
        entries = self._entries
        if entries.count >= entries.capacity_count - 1:
            raise ValueError(f"{entries.path}: full with {self.count} entries")
        last = self.last
        if timestamp_ms != last.timestamp_ms or offset < last.offset:
            self.append_last(timestamp_ms, offset)

    def append_last(self, timestamp_ms: int, offset: int) -> None:
        """As `append`, and allowed to use the slot that is kept for the segment's last entry."""
        if self.count and offset < self.last.offset:
            raise ValueError(
                f"{self._entries.path}: offset={offset}, expected from {self.last.offset}"
            )
        if self.count and timestamp_ms < self.last.timestamp_ms:
            raise ValueError(
                f"{self._entries.path}: timestamp={timestamp_ms} ms, expected from "
                f"{self.last.timestamp_ms} ms"
            )
        if timestamp_ms <= self.last.timestamp_ms:
            return
        relative = offset - self._base_offset
        if not 0 <= relative <= MAX_RELATIVE_OFFSET:
            raise ValueError(f"{self._entries.path}: offset={offset} is out of the segment's range")
        if self.count >= self._entries.capacity_count:
            self._entries.reserve((self.count + 1) * ENTRY_BYTE_COUNT)
        self._entries.back(self.count + 1)
        _ENTRY.pack_into(
            self._entries.buffer, self.count * ENTRY_BYTE_COUNT, timestamp_ms, relative
        )
        self._entries.count += 1
        self.last = TimeEntry(timestamp_ms, offset)

    def extend(self, entries: Sequence[int]) -> None:
        """Many entries at once, as timestamp and relative offset in turns, rising, all fitting."""
        self._entries.extend(struct.pack(">" + "qi" * (len(entries) // 2), *entries))
        self.last = self._find_last()

    def truncate_to(self, offset: int) -> None:
        """Drops entries at or above an offset."""
        kept = self._entries.count
        while kept and self.entry(kept - 1).offset >= offset:
            kept -= 1
        self._entries.keep(kept)
        self.last = self._find_last()

    def check(self) -> None:
        """Raises `CorruptIndex` if the last entry is below the first or below the base."""
        if not self.count:
            return
        first, last = self.entry(0), self.entry(self.count - 1)
        if last.timestamp_ms < first.timestamp_ms or last.offset < self._base_offset:
            raise CorruptIndex(
                f"{self._entries.path}: last entry timestamp={last.timestamp_ms} ms "
                f"offset={last.offset}, expected from {first.timestamp_ms} ms and "
                f"{self._base_offset}"
            )

    def _find_last(self) -> TimeEntry:
        if self.count:
            return self.entry(self.count - 1)
        return TimeEntry(NO_TIMESTAMP_MS, self._base_offset)

"""The sparse offset index of a segment: offset to file position, 8 bytes an entry.

Entry: int32 offset - base, int32 position, big-endian. Source: docs/formats/log-directory.md.
"""

import struct
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from iowitness.impl.errors import CorruptIndex
from iowitness.impl.log_files import LogFiles
from iowitness.impl.mapped_entries import MappedEntries

ENTRY_BYTE_COUNT: Final = 8
MAX_RELATIVE_OFFSET: Final = 2**31 - 1

_ENTRY: Final = struct.Struct(">ii")


class OffsetEntry(Struct, frozen=True, gc=False):
    """A batch's last offset, and the position of its first byte in the segment."""

    offset: int
    position: int


class OffsetIndex:
    """Rising offsets, looked up by bisection."""

    __slots__ = ("_base_offset", "_entries", "last_offset")

    def __init__(self, files: LogFiles, path: str, base_offset: int) -> None:
        self._base_offset = base_offset
        self._entries = MappedEntries(files, path, ENTRY_BYTE_COUNT)
        self.last_offset = self._find_last_offset()

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
        """Entries that still fit."""
        return self._entries.capacity_count - self._entries.count

    @property
    def is_full(self) -> bool:
        """No entry fits any more."""
        return self.free_count <= 0

    def entry(self, number: int) -> OffsetEntry:
        """The entry at a place, the first being 0."""
        relative, position = _ENTRY.unpack_from(self._entries.buffer, number * ENTRY_BYTE_COUNT)
        return OffsetEntry(self._base_offset + relative, position)

    def lookup(self, offset: int) -> OffsetEntry:
        """The greatest entry at or below an offset; the segment's start if there is none."""
        count = self._entries.count_up_to(_ENTRY, offset - self._base_offset)
        return self.entry(count - 1) if count else OffsetEntry(self._base_offset, 0)

    def append(self, offset: int, position: int) -> None:
        """One entry more.

        Raises `ValueError` if the index is full, the offset does not rise, or it is more than
        2**31 - 1 past the segment's base.
        """
        relative = offset - self._base_offset
        entries = self._entries
        count = entries.count
        if not (
            0 <= relative <= MAX_RELATIVE_OFFSET
            and (offset > self.last_offset or not count)
            and count < entries.capacity_count
        ):
            raise ValueError(self._refusal(offset))
        if count >= entries.backed_count:
            entries.back(count + 1)
        _ENTRY.pack_into(entries.buffer, count * ENTRY_BYTE_COUNT, relative, position)
        entries.count = count + 1
        self.last_offset = offset

    def extend(self, entries: Sequence[int]) -> None:
        """Many entries at once, as relative offset and position in turns, rising, all fitting."""
        self._entries.extend(struct.pack(f">{len(entries)}i", *entries))
        self.last_offset = self._find_last_offset()

    def _refusal(self, offset: int) -> str:
        if self.is_full:
            return f"{self._entries.path}: full with {self.count} entries"
        least = self.last_offset + 1 if self.count else self._base_offset
        most = self._base_offset + MAX_RELATIVE_OFFSET
        return f"{self._entries.path}: offset={offset}, expected {least}..{most}"

    def truncate_to(self, offset: int) -> None:
        """Drops entries at or above an offset."""
        kept = self._entries.count
        while kept and self.entry(kept - 1).offset >= offset:
            kept -= 1
        self._entries.keep(kept)
        self.last_offset = self._find_last_offset()

    def check(self, segment_byte_count: int) -> None:
        """Raises `CorruptIndex` if the last entry cannot be one of a segment of that size."""
        if not self.count:
            return
        last = self.entry(self.count - 1)
        if last.offset < self._base_offset or not 0 <= last.position < segment_byte_count:
            raise CorruptIndex(
                f"{self._entries.path}: last entry offset={last.offset} position={last.position}, "
                f"expected from {self._base_offset} and below {segment_byte_count} B"
            )

    def _find_last_offset(self) -> int:
        return self.entry(self.count - 1).offset if self.count else self._base_offset

"""Fixed-size entries at the front of a mapped file: what both indexes are made of.

The file is pre-sized and zero-filled past its used part, and the used length is stored nowhere:
it is known here while the index is open, and is the file's size after a clean close.
"""

import struct
from typing import Final, cast

from iowitness.impl.errors import CorruptIndex
from iowitness.impl.log_files import LogFiles

_BACKED_BYTE_COUNT: Final = 16 * 1024
"""Of 8 MiB of log by default: one call for so much costs nothing, and few partitions waste it."""


class MappedEntries:
    """The file of an index. `count` entries are in use and `capacity_count` fit.

    `buffer` has their bytes, for `struct`; it is another one after a `reserve`. Only the first
    `backed_count` entries have blocks on the disk: see `back`.
    """

    __slots__ = ("_file", "backed_count", "buffer", "capacity_count", "count", "entry_byte_count")

    def __init__(self, files: LogFiles, path: str, entry_byte_count: int) -> None:
        """Takes an existing file to be all in use. Raises `CorruptIndex` for an odd size."""
        self.entry_byte_count = entry_byte_count
        self._file = files.map(path)
        size = len(self._file.mapping)
        if size % entry_byte_count:
            self._file.close()
            raise CorruptIndex(
                f"{path}: size={size} B, expected a multiple of {entry_byte_count} B"
            )
        self.count = self.backed_count = size // entry_byte_count
        self._note_size()

    def _note_size(self) -> None:
        self.buffer = cast("bytearray", self._file.mapping)  # an mmap is used as one
        self.capacity_count = len(self.buffer) // self.entry_byte_count

    @property
    def path(self) -> str:
        """Where the file is."""
        return self._file.path

    def reserve(self, byte_count: int) -> None:
        """Pre-sizes the file, rounded down to whole entries, never below those in use."""
        fitting = max(byte_count // self.entry_byte_count, self.count) * self.entry_byte_count
        if fitting != len(self.buffer):
            self.buffer = bytearray()
            self._file.resize(fitting)
            self._note_size()
            self.backed_count = min(self.backed_count, self.capacity_count)

    def back(self, count: int) -> None:
        """Gives the first `count` entries their blocks, some more of them at once.

        Raises `OSError` on a full disk, where a store into the mapping would be a SIGBUS.
        """
        if count <= self.backed_count:
            return
        start = self.backed_count * self.entry_byte_count // _BACKED_BYTE_COUNT * _BACKED_BYTE_COUNT
        needed = -(-count * self.entry_byte_count // _BACKED_BYTE_COUNT) * _BACKED_BYTE_COUNT
        end = min(needed, len(self.buffer))
        self._file.allocate(start, end - start)
        self.backed_count = end // self.entry_byte_count

    def trim(self) -> None:
        """Cuts the file to the entries in use."""
        self.reserve(0)

    def count_up_to(self, layout: struct.Struct, key: int) -> int:
        """How many entries there are from the first on whose first field is at or below a key."""
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            if layout.unpack_from(self.buffer, middle * self.entry_byte_count)[0] <= key:
                low = middle + 1
            else:
                high = middle
        return low

    def extend(self, entries: bytes) -> None:
        """Adds whole entries after those in use. Raises `ValueError` if they do not fit."""
        start = self.count * self.entry_byte_count
        end = start + len(entries)
        if end > len(self.buffer):
            raise ValueError(
                f"{self.path}: {len(entries)} B more, expected {len(self.buffer) - start} B"
            )
        self.back(end // self.entry_byte_count)
        self.buffer[start:end] = entries
        self.count = end // self.entry_byte_count

    def keep(self, count: int) -> None:
        """Drops the entries after the first `count`, zeroing them: unused bytes are zeros."""
        start, end = count * self.entry_byte_count, self.count * self.entry_byte_count
        if end > start:
            self.buffer[start:end] = bytes(end - start)
            self.count = count

    def sync(self) -> None:
        """One fsync of the file."""
        self._file.sync()

    def close(self) -> None:
        """Unmaps; what is in the page cache stays there."""
        self.buffer = bytearray()
        self._file.close()

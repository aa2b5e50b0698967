"""Fixed-size entries at the front of a mapped file: what both indexes are made of.

The file is pre-sized and zero-filled past its used part, and the used length is stored nowhere:
it is known here while the index is open, and is the file's size after a clean close.
"""

from iowitness.impl.errors import CorruptIndex
from iowitness.impl.log_files import LogFiles


class MappedEntries:
    """The file of an index, opened on first use. `count` is how many entries are in use."""

    __slots__ = ("_file", "count", "entry_byte_count")

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
        self.count = size // entry_byte_count

    @property
    def path(self) -> str:
        """Where the file is."""
        return self._file.path

    @property
    def buffer(self) -> "bytes | bytearray | memoryview":
        """The entries' bytes, for `struct`; not to be kept across a `resize`."""
        return self._file.mapping  # type: ignore[return-value]  # an mmap is a buffer too

    @property
    def capacity_count(self) -> int:
        """How many entries fit."""
        return len(self._file.mapping) // self.entry_byte_count

    def reserve(self, byte_count: int) -> None:
        """Pre-sizes the file, rounded down to whole entries, never below those in use."""
        fitting = max(byte_count // self.entry_byte_count, self.count) * self.entry_byte_count
        if fitting != len(self._file.mapping):
            self._file.resize(fitting)

    def trim(self) -> None:
        """Cuts the file to the entries in use."""
        self.reserve(0)

    def keep(self, count: int) -> None:
        """Drops the entries after the first `count`, zeroing them: unused bytes are zeros."""
        start, end = count * self.entry_byte_count, self.count * self.entry_byte_count
        if end > start:
            self._file.mapping[start:end] = bytes(end - start)
            self.count = count

    def sync(self) -> None:
        """One fsync of the file."""
        self._file.sync()

    def close(self) -> None:
        """Unmaps; what is in the page cache stays there."""
        self._file.close()

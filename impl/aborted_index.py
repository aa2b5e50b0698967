"""A segment's `.txnindex`: the transactions aborted in it. No file means that there are none."""

from iowitness.impl.control_records import AbortedTransaction, encode_aborted, read_aborted
from iowitness.impl.log_files import LogFiles
from iowitness.impl.replaced_file import read_file


class AbortedIndex:
    """Read whole on first use; written at its end, one entry a call."""

    __slots__ = ("_entries", "_files", "path")

    def __init__(self, files: LogFiles, path: str) -> None:
        self._files = files
        self.path = path
        self._entries: list[AbortedTransaction] | None = None

    @property
    def entries(self) -> list[AbortedTransaction]:
        """In the order of their markers. Raises `CorruptIndex` for a file that is none."""
        if self._entries is None:
            stored = read_file(self._files, self.path)
            self._entries = list(read_aborted(stored or b"", self.path))
        return self._entries

    def append(self, aborted: AbortedTransaction) -> None:
        """Writes one entry at the file's end, making the file for the first."""
        entry = encode_aborted(aborted)
        entries = self.entries
        open_file = self._files.open if entries else self._files.create
        file = open_file(self.path)
        try:
            file.write_at(entry, len(entries) * len(entry))
        finally:
            file.close()
        entries.append(aborted)

    def truncate_to(self, offset: int) -> None:
        """Drops the transactions whose marker lies at or after an offset."""
        kept = [aborted for aborted in self.entries if aborted.last_offset < offset]
        if len(kept) == len(self.entries):
            return
        file = self._files.open(self.path)
        try:
            file.truncate(len(kept) * len(encode_aborted(self.entries[0])))
        finally:
            file.close()
        self._entries = kept

    def sync(self) -> None:
        """One fsync, if there is a file."""
        if self._files.exists(self.path):
            file = self._files.open(self.path)
            try:
                file.sync()
            finally:
                file.close()

    def drop(self) -> None:
        """Removes the file, if there is one."""
        if self._files.exists(self.path):
            self._files.remove(self.path)
        self._entries = []

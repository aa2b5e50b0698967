"""What a read gives: a stretch of a segment file, to be sent without being read."""

from msgspec import Struct

from iowitness.impl.log_files import OpenFile


class FileRegion(Struct, frozen=True):
    """`byte_count` bytes of a file from `position` on, fixed when it was made.

    Bytes appended later do not show in it. It keeps the file's descriptor alive: a segment that is
    deleted meanwhile can still be sent, and one whose log was closed raises `LogClosed`.
    """

    file: OpenFile
    position: int
    byte_count: int

    def fileno(self) -> int:
        """The descriptor to hand to sendfile(2)."""
        return self.file.fileno()

    def sliced(self, start: int, byte_count: int) -> "FileRegion":
        """A part of it, clipped to its end. Raises `ValueError` for a start outside of it."""
        if not 0 <= start <= self.byte_count or byte_count < 0:
            raise ValueError(
                f"start={start}, byte_count={byte_count}, expected a start in 0..{self.byte_count}"
            )
        kept = min(byte_count, self.byte_count - start)
        return FileRegion(self.file, self.position + start, kept)

    def read(self) -> bytes:
        """The bytes themselves, for the copying reader and for tests; the zero-copy path has none.

        Raises `LogClosed` if the file is closed and `OSError` if it has become shorter.
        """
        self.file.fileno()
        pieces = []
        position, left = self.position, self.byte_count
        while left:
            piece = self.file.read_at(left, position)
            if not piece:
                raise OSError(
                    f"{self.file.path} at byte {position}: the file ends {left} B too early"
                )
            pieces.append(piece)
            position += len(piece)
            left -= len(piece)
        return b"".join(pieces)


class FetchSlice(Struct, frozen=True):
    """The answer to a read. `region` is None where there is nothing to send.

    `base_offset` is that of the first batch in it, at or before the offset asked for where a batch
    holds that one. `is_first_batch_cut` says that the region ends inside its first batch.
    """

    region: FileRegion | None
    base_offset: int
    is_first_batch_cut: bool = False

    @property
    def byte_count(self) -> int:
        """How many bytes there are to send."""
        return 0 if self.region is None else self.region.byte_count

"""What can go wrong in the storage layer, typed by whose fault it is.

`CorruptBatch` and its kin are the stored or received bytes' fault, `OffsetOutOfRange` and
`BatchRefused` the asker's, `DirectoryLocked` another process's. An assert means a bug of ours.
"""


class StorageError(Exception):
    """Anything that the storage layer raises on purpose."""


class CorruptBatch(StorageError):
    """Bytes that should be a record batch and are not.

    `position` is the batch's first byte, counted from the start of `file`, or of the buffer where
    no file is known. The checksums are None where the damage was found before they were compared.
    """

    def __init__(
        self,
        reason: str,
        *,
        position: int = 0,
        file: str = "",
        stored_crc: int | None = None,
        computed_crc: int | None = None,
    ) -> None:
        super().__init__(reason, position, file, stored_crc, computed_crc)
        self.reason = reason
        self.position = position
        self.file = file
        self.stored_crc = stored_crc
        self.computed_crc = computed_crc

    def __str__(self) -> str:
        return f"{self.file or 'record batch'} at byte {self.position}: {self.reason}"

    def located(self, file: str, position: int) -> "CorruptBatch":
        """The same error, placed at a byte of a file."""
        return type(self)(
            self.reason,
            position=position,
            file=file,
            stored_crc=self.stored_crc,
            computed_crc=self.computed_crc,
        )


class OldFormat(CorruptBatch):
    """No damage, but a message of a format before Kafka 0.11, which is not read here."""


class CorruptRecord(CorruptBatch):
    """A batch whose head is sound and whose records are not what it says they are."""


class LimitExceeded(CorruptRecord):
    """A batch that would decompress to more than the reader allows."""


class CorruptIndex(StorageError):
    """An index, snapshot or checkpoint whose bytes cannot be what was written there."""


class CheckpointError(StorageError):
    """A checkpoint file that is not what its version promises; names the file and the line."""


class DamagedLog(StorageError):
    """Damage before the last written stretch of a log: nothing was cut, someone has to decide."""


class OffsetOutOfRange(StorageError):
    """A read below the log's start or past its end."""

    def __init__(self, offset: int, start_offset: int, end_offset: int) -> None:
        super().__init__(offset, start_offset, end_offset)
        self.offset = offset
        self.start_offset = start_offset
        self.end_offset = end_offset

    def __str__(self) -> str:
        return (
            f"offset={self.offset}, expected {self.start_offset}..{self.end_offset}: "
            "start again from one of these"
        )


class BatchRefused(StorageError):
    """A batch set that a log does not take; `error_code` is the protocol's number for it.

    `record_indexes` are the places of the offending records within the batch, where it is
    single records that are at fault. Source: KIP-467.
    """

    def __init__(
        self, reason: str, *, error_code: int, record_indexes: tuple[int, ...] = ()
    ) -> None:
        super().__init__(reason, error_code, record_indexes)
        self.reason = reason
        self.error_code = error_code
        self.record_indexes = record_indexes

    def __str__(self) -> str:
        return self.reason


class DirectoryLocked(StorageError):
    """The log directory is in use by another process."""


class LogFenced(StorageError, OSError):
    """A log that takes nothing more, because nobody knows what is on the disk.

    After a failed write or fsync a second try may succeed with data lost: ext4 and XFS report a
    failed fsync once and mark the pages clean. Only opening it anew tells what is there.
    """


class LogClosed(StorageError):
    """A call on a log or a file that was closed."""

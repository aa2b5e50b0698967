"""What a recording wrote into each partition's log: one stream of batches over its segments."""

from bisect import bisect_right
from typing import Final

from msgspec import Struct

from iowitness.crash.disk import Disk
from iowitness.crash.errors import CrashError
from iowitness.crash.file_bytes import Loss
from iowitness.crash.operations import FILE_CHANGES, Recording, SyncAll, SyncFile, WriteBlock
from iowitness.crash.persistence import WEAKEST
from iowitness.impl.batch_format import BatchHeader, read_header
from iowitness.impl.errors import CorruptBatch
from iowitness.impl.log_directory import partition_of
from iowitness.impl.log_names import LOG, base_offset_of, suffix_of

NO_PRODUCER_ID: Final = -1


class PlacedBatch(Struct, frozen=True):
    """A batch's head, and where its last byte ends in the partition's stream."""

    header: BatchHeader
    end: int


class LogStream(Struct, frozen=True):
    """All that was ever written to one partition, in order.

    `segments` has (inode, start in the stream, byte count) of each segment.
    """

    topic: str
    number: int
    content: bytes
    batches: tuple[PlacedBatch, ...]
    segments: tuple[tuple[int, int, int], ...]

    @property
    def folder(self) -> str:
        """The partition's folder."""
        return f"{self.topic}-{self.number}"

    def ends_at_batch(self, byte_count: int) -> bool:
        """Whether so many bytes are whole batches."""
        place = bisect_right(self.batches, byte_count, key=lambda batch: batch.end)
        return byte_count == (self.batches[place - 1].end if place else 0)

    def producers(self, byte_count: int) -> dict[int, tuple[int, int]]:
        """Epoch and last sequence of every producer after so many bytes."""
        place = bisect_right(self.batches, byte_count, key=lambda batch: batch.end)
        return {
            batch.header.producer_id: (batch.header.producer_epoch, batch.header.last_sequence)
            for batch in self.batches[:place]
            if batch.header.producer_id != NO_PRODUCER_ID
        }


def log_streams(recording: Recording) -> tuple[LogStream, ...]:
    """Every partition's stream. Raises `CrashError` where what was written is no log."""
    disk = Disk(recording, WEAKEST)
    for number, operation in enumerate(recording.operations):
        disk.play(number, operation)
    contents = disk.files(Loss())
    segments: dict[str, list[tuple[int, int, bytes]]] = {}
    for path, inode in disk.paths():
        folder, _, name = path.rpartition("/")
        base = base_offset_of(name) if suffix_of(name) == LOG else None
        if base is not None and partition_of(folder) is not None:
            segments.setdefault(folder, []).append((base, inode, contents[path]))
    return tuple(_stream(folder, sorted(found)) for folder, found in sorted(segments.items()))


def _stream(folder: str, segments: list[tuple[int, int, bytes]]) -> LogStream:
    partition = partition_of(folder)
    assert partition is not None
    placed, start = [], 0
    for _, inode, content in segments:
        placed.append((inode, start, len(content)))
        start += len(content)
    content = b"".join(content for _, _, content in segments)
    try:
        batches = tuple(_batches(content))
    except CorruptBatch as error:
        raise CrashError(f"{folder}: what was written in the end is no log: {error}") from error
    return LogStream(*partition, content, batches, tuple(placed))


def _batches(content: bytes) -> list[PlacedBatch]:
    found: list[PlacedBatch] = []
    position = 0
    while position < len(content):
        header = read_header(content, position)
        position += header.byte_count
        found.append(PlacedBatch(header, position))
    return found


class FlushedBytes:
    """How much of each stream was flushed, as far as operations were observed."""

    def __init__(self, streams: tuple[LogStream, ...]) -> None:
        self._streams = streams
        self._writes: dict[int, list[tuple[int, int]]] = {}
        self._synced: dict[int, int] = {}
        self._inodes = {inode for stream in streams for inode, _, _ in stream.segments}

    def observe(self, number: int, operation: object) -> None:
        """One operation more."""
        if isinstance(operation, FILE_CHANGES) and operation.inode in self._inodes:
            if isinstance(operation, WriteBlock):
                end = operation.offset + len(operation.data)
                self._writes.setdefault(operation.inode, []).append((number, end))
        elif isinstance(operation, SyncFile):
            self._sync(operation.inode, operation.start)
        elif isinstance(operation, SyncAll):
            for inode in self._writes:
                self._sync(inode, operation.start)

    def byte_count(self, stream: LogStream) -> int:
        """The flushed bytes at the front of one stream."""
        total = 0
        for inode, _, byte_count in stream.segments:
            synced = min(self._synced.get(inode, 0), byte_count)
            total += synced
            if synced < byte_count:
                break
        return total

    def _sync(self, inode: int, start: int) -> None:
        writes = self._writes.get(inode, [])
        ends = [end for number, end in writes if number < start]
        if ends:
            self._synced[inode] = max(self._synced.get(inode, 0), *ends)

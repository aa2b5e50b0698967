"""The producers of a log as its files have them: snapshots, and the batches after the newest."""

from collections.abc import Sequence

from iowitness.impl.batch_format import BatchHeader
from iowitness.impl.batch_reader import Batch
from iowitness.impl.control_records import Marker, read_marker
from iowitness.impl.errors import CorruptIndex
from iowitness.impl.log_files import Buffer, LogFiles
from iowitness.impl.log_names import SNAPSHOT, base_offset_of, file_name, suffix_of
from iowitness.impl.producer_snapshot import encode_snapshot, read_snapshot
from iowitness.impl.producer_states import ProducerStates
from iowitness.impl.replaced_file import read_file, write_synced
from iowitness.impl.segment import BatchAt, Segment


class ProducerJournal:
    """`states` holds what batches below `next_offset` say of their producers."""

    __slots__ = ("_directory", "_files", "next_offset", "states")

    def __init__(self, files: LogFiles, directory: str) -> None:
        self._files = files
        self._directory = directory
        self.states = ProducerStates()
        self.next_offset = 0

    def load(self, start_offset: int, limit_offset: int) -> list[str]:
        """Takes the newest usable snapshot at or below an offset, or nothing; what was removed.

        Snapshots that are short, of another version or against their checksum are removed.
        """
        removed: list[str] = []
        self.states = ProducerStates()
        self.next_offset = start_offset
        for offset in sorted(self.offsets(), reverse=True):
            if not start_offset < offset <= limit_offset:
                continue
            path = self._path(offset)
            try:
                self.states = read_snapshot(read_file(self._files, path) or b"", path)
            except CorruptIndex:
                self._files.remove(path)
                removed.append(path)
                continue
            self.next_offset = offset
            break
        return removed

    def replay(self, segments: Sequence[Segment], end_offset: int) -> None:
        """Takes in the batches between `next_offset` and an offset, by their heads."""
        for number, segment in enumerate(segments):
            is_last = number == len(segments) - 1
            if not is_last and segments[number + 1].base_offset <= self.next_offset:
                continue
            found = segment.find(max(self.next_offset, segment.base_offset))
            if found is None:
                continue
            for batch in segment.heads(found.position):
                if batch.header.base_offset >= end_offset:
                    return
                self.see(segment, batch)

    def start_over(self, segments: Sequence[Segment], start_offset: int, end_offset: int) -> None:
        """Knows what a log says that was cut to an offset; snapshots past it go."""
        self.remove_strays([segment.base_offset for segment in segments], end_offset)
        self.load(start_offset, end_offset)
        self.replay(segments, end_offset)

    def see(self, segment: Segment, batch: BatchAt) -> None:
        """Takes in one batch of a segment, unless it is known already."""
        if batch.header.base_offset < self.next_offset:
            return
        marker = None
        if batch.header.is_control:
            stored = segment.file.read_at(batch.header.byte_count, batch.position)
            marker = read_marker(Batch(batch.header, memoryview(stored)))
        self.take_in(segment, batch.header, marker)

    def see_data(self, headers: Sequence[BatchHeader]) -> None:
        """Takes in batches without markers, in order for each producer, unless known already."""
        known = self.next_offset
        for header in headers:
            if header.base_offset >= known:
                self.states.remember(header)
                self.next_offset = max(self.next_offset, header.next_offset)

    def take_in_set(
        self, segment: Segment, batch_set: Buffer, headers: Sequence[BatchHeader]
    ) -> None:
        """Takes in the batches of a set that was appended to a segment, by their heads."""
        position = 0
        for header in headers:
            if header.producer_id >= 0:
                marker = None
                if header.is_control:
                    stored = memoryview(batch_set)[position : position + header.byte_count]
                    marker = read_marker(Batch(header, stored))
                self.take_in(segment, header, marker)
            position += header.byte_count

    def take_in(self, segment: Segment, header: BatchHeader, marker: Marker | None) -> None:
        """Takes in one batch, noting in its segment the transaction that it aborts."""
        if marker is not None:
            aborted = self.states.aborted_by(header, marker)
            if aborted is not None:
                segment.aborted.append(aborted)
        self.states.remember(header, marker)
        self.next_offset = header.next_offset

    def take_snapshot(self, offset: int) -> None:
        """Writes and syncs what is known, as of an offset; the folder is the caller's to sync."""
        write_synced(self._files, self._path(offset), encode_snapshot(self.states))

    def remove_strays(self, bases: Sequence[int], end_offset: int) -> list[str]:
        """Removes the snapshots past the log's end, and those at no segment's base but the newest.

        The newest one stays only if it lies past the newest base. Returns what was removed.
        """
        offsets = self.offsets()
        strays = [offset for offset in offsets if offset not in bases and offset <= end_offset]
        newest = max(strays, default=None)
        kept = newest if newest is not None and newest > max(bases) else None
        removed = [
            self._path(offset)
            for offset in offsets
            if offset > end_offset or (offset in strays and offset != kept)
        ]
        for path in removed:
            self._files.remove(path)
        return removed

    def remove_below(self, offset: int) -> None:
        """Removes the snapshots at or below an offset: the log starts there."""
        for stale in self.offsets():
            if stale <= offset:
                self._files.remove(self._path(stale))

    def offsets(self) -> list[int]:
        """The offsets at which there are snapshots, sorted."""
        return [
            offset
            for name in self._files.names(self._directory)
            if suffix_of(name) == SNAPSHOT and (offset := base_offset_of(name)) is not None
        ]

    def _path(self, offset: int) -> str:
        return f"{self._directory}/{file_name(offset, SNAPSHOT)}"

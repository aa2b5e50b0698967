"""A partition's log on the simulated machine: the rules' decisions carried out as system calls.

Source: docs/formats/log-reads-and-writes.md, section by section.
"""

from collections.abc import Iterator

from iowitness.model.block_io import Waiting
from iowitness.model.file_calls import replaced, synced_directory
from iowitness.model.kernel import Kernel
from iowitness.model.log_rules import (
    OFFSET_ENTRY_BYTE_COUNT,
    TIME_ENTRY_BYTE_COUNT,
    PartitionLog,
    Region,
    Segment,
)
from iowitness.model.record_encoding import BATCH_HEAD_BYTE_COUNT
from iowitness.model.recorder import Recorder, Thread
from iowitness.model.what_if import LogPolicy
from iowitness.traces.events import File, Socket

_EMPTY_SNAPSHOT_BYTE_COUNT = 10
_EPOCH_CHECKPOINT_BYTE_COUNT = 8


class StoredLog:
    """One partition: its decisions, its files and their descriptors.

    `roll_count` counts the segments that followed a full one.
    """

    def __init__(
        self,
        name: str,
        policy: LogPolicy,
        kernel: Kernel,
        recorder: Recorder,
        descriptors: Iterator[int],
    ) -> None:
        self._name = name
        self._policy = policy
        self._kernel = kernel
        self._recorder = recorder
        self._descriptors = descriptors
        self.rules = PartitionLog(policy)
        self._open_files: dict[str, int] = {}
        self._has_epoch = False
        self._first_time_is_unread = False
        self.roll_count = 0

    def create(self, thread: Thread) -> Waiting:
        """Make the first segment."""
        yield from self._kernel.open(
            thread, self._file(0, "log"), self._descriptor(0, "log"), "emptied"
        )

    def append(
        self, thread: Thread, record_count: int, byte_count: int, timestamp_ms: int
    ) -> Waiting:
        """Store a batch, in a new segment if the rules say so."""
        if not self._has_epoch:
            self._has_epoch = True
            yield from replaced(
                self._kernel,
                thread,
                self._recorder.file(f"{self._name}/leader-epoch-checkpoint.tmp"),
                self._directory(),
                _EPOCH_CHECKPOINT_BYTE_COUNT,
                self._descriptors,
            )
        before = self.rules.active
        if self._first_time_is_unread and not self.rules.is_full_for(byte_count):
            # How old the segment is has to be known before the append; its first batch tells.
            self._first_time_is_unread = False
            first = self._file(before.base_offset, "log")
            yield from self._head_read(thread, first, 0, before)
        index_count = len(before.index_offsets)
        placed = self.rules.append(record_count, byte_count, timestamp_ms)
        if placed.rolled:
            self.roll_count += 1
            self._first_time_is_unread = False
            yield from self._rolled(thread, before)
        segment = self.rules.active
        file = self._file(segment.base_offset, "log")
        yield from self._kernel.write(thread, file, placed.position, byte_count)
        if not placed.rolled and len(segment.index_offsets) > index_count:
            yield from self._indexes_opened(thread, segment)

    def find(self, thread: Thread, region: Region) -> Waiting:
        """Look a region up: the index once, then the heads that the search walks over."""
        segment = self.rules.segment_of_base(region.segment_base_offset)
        file = self._file(segment.base_offset, "log")
        yield from self._indexes_opened(thread, segment)
        for position in region.head_positions:
            yield from self._head_read(thread, file, position, segment)

    def send(self, thread: Thread, region: Region, to: Socket) -> Waiting:
        """Hand a region to a socket."""
        segment = self.rules.segment_of_base(region.segment_base_offset)
        yield from self._kernel.sendfile(
            thread,
            self._file(segment.base_offset, "log"),
            region.position,
            region.byte_count,
            segment.byte_count,
            to,
        )

    def close(self, thread: Thread) -> Waiting:
        """Stop cleanly: sync the active segment, write the snapshot, close every file."""
        self.rules.active.add_time_entry()
        yield from self._trimmed_and_synced(thread, self.rules.active)
        yield from self._snapshot(thread, self.rules.next_offset)
        yield from synced_directory(self._kernel, thread, self._directory(), self._descriptors)
        for path, descriptor in sorted(self._open_files.items()):
            yield from self._kernel.close(thread, self._recorder.file(path), descriptor)
        self._open_files.clear()

    def reopen(self, thread: Thread) -> Waiting:
        """Open every segment after a clean stop; the last one's end is found by its heads."""
        for segment in self.rules.segments:
            file = self._file(segment.base_offset, "log")
            descriptor = self._descriptor(segment.base_offset, "log")
            yield from self._kernel.open(thread, file, descriptor, "existing", segment.byte_count)
            yield from self._indexes_opened(thread, segment)
        last = self.rules.active
        self._first_time_is_unread = last.byte_count > 0
        for position in last.heads_from_last_entry():
            file = self._file(last.base_offset, "log")
            yield from self._head_read(thread, file, position, last)

    def _rolled(self, thread: Thread, full: Segment) -> Waiting:
        """Finish a segment and make the next one."""
        yield from self._trimmed_and_synced(thread, full)
        base_offset = self.rules.active.base_offset
        yield from self._snapshot(thread, base_offset)
        yield from self._kernel.open(
            thread, self._file(base_offset, "log"), self._descriptor(base_offset, "log"), "emptied"
        )
        yield from synced_directory(self._kernel, thread, self._directory(), self._descriptors)

    def _trimmed_and_synced(self, thread: Thread, segment: Segment) -> Waiting:
        yield from self._indexes_opened(thread, segment)
        index = self._file(segment.base_offset, "index")
        time_index = self._file(segment.base_offset, "timeindex")
        used = len(segment.index_offsets) * OFFSET_ENTRY_BYTE_COUNT
        yield from self._kernel.truncate(thread, index, used)
        used = segment.time_entry_count * TIME_ENTRY_BYTE_COUNT
        yield from self._kernel.truncate(thread, time_index, used)
        for file in (self._file(segment.base_offset, "log"), index, time_index):
            yield from self._kernel.fsync(thread, file)

    def _indexes_opened(self, thread: Thread, segment: Segment) -> Waiting:
        """Open, size and map a segment's index files, once."""
        if self._file(segment.base_offset, "index").path in self._open_files:
            return
        for suffix, entry in (
            ("index", OFFSET_ENTRY_BYTE_COUNT),
            ("timeindex", TIME_ENTRY_BYTE_COUNT),
        ):
            file = self._file(segment.base_offset, suffix)
            descriptor = self._descriptor(segment.base_offset, suffix)
            byte_count = self._policy.index_byte_count // entry * entry
            yield from self._kernel.open(thread, file, descriptor, "created")
            yield from self._kernel.truncate(thread, file, byte_count)
            yield from self._kernel.map(thread, file, byte_count)

    def _snapshot(self, thread: Thread, offset: int) -> Waiting:
        """Write the producers' state at an offset; there are no idempotent producers here."""
        file = self._recorder.file(f"{self._name}/{offset:020d}.snapshot")
        descriptor = next(self._descriptors)
        yield from self._kernel.open(thread, file, descriptor, "emptied")
        yield from self._kernel.write(thread, file, 0, _EMPTY_SNAPSHOT_BYTE_COUNT)
        yield from self._kernel.fsync(thread, file)
        yield from self._kernel.close(thread, file, descriptor)

    def _head_read(self, thread: Thread, file: File, position: int, segment: Segment) -> Waiting:
        yield from self._kernel.read(
            thread, file, position, BATCH_HEAD_BYTE_COUNT, segment.byte_count
        )

    def _file(self, base_offset: int, suffix: str) -> File:
        return self._recorder.file(f"{self._name}/{base_offset:020d}.{suffix}")

    def _descriptor(self, base_offset: int, suffix: str) -> int:
        """A new descriptor for a segment's file, remembered until the log closes."""
        descriptor = next(self._descriptors)
        self._open_files[self._file(base_offset, suffix).path] = descriptor
        return descriptor

    def _directory(self) -> File:
        return self._recorder.file(self._name)

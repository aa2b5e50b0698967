"""A partition's log on the simulated machine: the rules' decisions carried out as system calls."""

from itertools import count

from iowitness.model.kernel import Kernel
from iowitness.model.log_rules import PartitionLog, Region
from iowitness.model.machine import Waiting
from iowitness.model.recorder import Recorder, Thread
from iowitness.model.what_if import LogPolicy
from iowitness.traces.events import File, Socket


class StoredLog:
    """One partition: its decisions, its segment files and their descriptors."""

    def __init__(
        self,
        name: str,
        policy: LogPolicy,
        kernel: Kernel,
        recorder: Recorder,
        descriptors: "count[int]",
    ) -> None:
        self._name = name
        self._kernel = kernel
        self._recorder = recorder
        self._descriptors = descriptors
        self.rules = PartitionLog(policy.segment_byte_count, policy.index_interval_byte_count)
        self._open: dict[int, int] = {}
        self.roll_count = 0

    def file(self, base_offset: int) -> File:
        """The segment's file, by the offset of its first record."""
        return self._recorder.file(f"{self._name}/{base_offset:020d}.log")

    def append(self, thread: Thread, record_count: int, byte_count: int) -> Waiting:
        """Store a batch."""
        placed = self.rules.append(record_count, byte_count)
        if placed.rolled:
            self.roll_count += 1
        yield from self._opened(thread, placed.segment_base_offset)
        file = self.file(placed.segment_base_offset)
        yield from self._kernel.write(thread, file, placed.position, byte_count)

    def find(self, thread: Thread, region: Region) -> Waiting:
        """Read the heads that a search walks over."""
        segment = self.rules.segment_of_base(region.segment_base_offset)
        file = self.file(segment.base_offset)
        for position in region.head_positions:
            yield from self._kernel.read(thread, file, position, 61, segment.byte_count)

    def send(self, thread: Thread, region: Region, to: Socket) -> Waiting:
        """Hand a region to a socket."""
        segment = self.rules.segment_of_base(region.segment_base_offset)
        yield from self._kernel.sendfile(
            thread,
            self.file(segment.base_offset),
            region.position,
            region.byte_count,
            segment.byte_count,
            to,
        )

    def close(self, thread: Thread) -> Waiting:
        """Close every segment, in order."""
        for base_offset, descriptor in sorted(self._open.items()):
            yield from self._kernel.close(thread, self.file(base_offset), descriptor)
        self._open.clear()

    def reopen(self, thread: Thread) -> Waiting:
        """Open every segment again after a clean stop."""
        for segment in self.rules.segments:
            yield from self._opened(thread, segment.base_offset)

    def _opened(self, thread: Thread, base_offset: int) -> Waiting:
        if base_offset in self._open:
            return
        segment = self.rules.segment_of_base(base_offset)
        size = None if len(segment.positions) <= 1 else segment.byte_count
        self._open[base_offset] = descriptor = next(self._descriptors)
        yield from self._kernel.open(thread, self.file(base_offset), descriptor, size)

"""The way from ranges of files to a device and back, in time."""

from collections.abc import Generator

import simpy

from iowitness.model.block_request import BlockRequest, Device
from iowitness.model.disk_layout import DiskLayout
from iowitness.model.disk_queue import DiskQueue
from iowitness.model.drive import Drive
from iowitness.model.figures import Ledger
from iowitness.model.hard_disk import HardDisk
from iowitness.model.hardware import SECTOR_BYTE_COUNT, Disk, SolidStateDisk
from iowitness.model.page_cache import FileRange
from iowitness.model.solid_state import SolidState
from iowitness.model.virtual_disk import VirtualDisk

Waiting = Generator[simpy.Event, object, None]


def device_of(disk: Disk) -> Device:
    """The state machine for a disk's figures."""
    match disk:
        case Drive():
            return HardDisk(disk)
        case SolidStateDisk():
            return SolidState(disk)
        case _:
            return VirtualDisk(disk)


class BlockIO:
    """One device. What moves is counted in the ledger as DMA.

    `busy_ns` is how long at least one request was under way, as far as those so far will take.
    """

    def __init__(self, env: simpy.Environment, disk: Disk, ledger: Ledger) -> None:
        self._env = env
        self._ledger = ledger
        self._layout = DiskLayout()
        self.device = device_of(disk)
        # A hard disk serves one request at a time, so the order of those that wait matters.
        self._queue: DiskQueue[simpy.Event] | None = (
            DiskQueue(disk.scheduling) if isinstance(disk, Drive) else None
        )
        self._under_way = False
        self.busy_ns = 0
        self._busy_until_ns = 0

    def transferred(self, operation: str, wanted: FileRange) -> Waiting:
        """Read or write a range of a file, request by request."""
        for request in self._layout.requests(operation, wanted):
            yield self._served(request)
            byte_count = request.sector_count * SECTOR_BYTE_COUNT
            self._ledger.dma_byte_counts[f"disk {operation}"] += byte_count

    def forget(self, file_id: int) -> None:
        """A deleted file's place may be given to others."""
        self._layout.forget(file_id)

    def allocate(self, file_id: int, byte_count: int) -> None:
        """Give a file that was written before the run its place."""
        self._layout.requests("write", FileRange(file_id, 0, byte_count))

    def flushed(self) -> Waiting:
        """Have the device empty its volatile cache; this overtakes what waits in the queue."""
        yield self._issued(BlockRequest("flush", 0, 0))

    def _served(self, request: BlockRequest) -> simpy.Event:
        """The event of a request's end. A device that takes many at once gets it at once."""
        if self._queue is None:
            return self._issued(request)
        done = self._env.event()
        self._queue.add(request, int(self._env.now), done)
        if not self._under_way:
            self._next()
        return done

    def _next(self) -> None:
        """Give the device the request that the scheduler chooses."""
        assert self._queue is not None
        chosen = self._queue.take(int(self._env.now))
        self._under_way = True

        def ended(_: simpy.Event) -> None:
            self._under_way = False
            for done in chosen.tags:
                done.succeed()
            if self._queue:
                self._next()

        self._issued(chosen.request).callbacks.append(ended)

    def _issued(self, request: BlockRequest) -> simpy.Event:
        now_ns = int(self._env.now)
        done_ns = self.device.completion_ns(request, now_ns)
        self.busy_ns += max(0, done_ns - max(now_ns, self._busy_until_ns))
        self._busy_until_ns = max(done_ns, self._busy_until_ns)
        return self._env.timeout(done_ns - now_ns)

"""The machine in time: a device that serves, write-back that runs, and a ledger of what it cost."""

from collections.abc import Generator

import simpy

from iowitness.model.block_request import BlockRequest, Device
from iowitness.model.disk_layout import DiskLayout
from iowitness.model.drive import Drive
from iowitness.model.figures import Ledger
from iowitness.model.hard_disk import HardDisk
from iowitness.model.hardware import SECTOR_BYTE_COUNT, Hardware
from iowitness.model.page_cache import FileRange, PageCache
from iowitness.model.recorder import Recorder, Thread
from iowitness.model.solid_state import SolidState

_SECOND_NS = 1_000_000_000

Waiting = Generator[simpy.Event, object, None]


class Machine:
    """Device, page cache and processor of one simulated machine."""

    def __init__(self, env: simpy.Environment, hardware: Hardware, recorder: Recorder) -> None:
        self.env = env
        self.hardware = hardware
        self.recorder = recorder
        self.ledger = Ledger()
        self.cache = PageCache(hardware.memory)
        disk = hardware.disk
        self.device: Device = HardDisk(disk) if isinstance(disk, Drive) else SolidState(disk)
        self._layout = DiskLayout()
        self._over_background = env.event()
        self._cleaned = env.event()
        env.process(self._write_back())

    @property
    def now_ns(self) -> int:
        """The simulated time."""
        return int(self.env.now)

    def compute(self, thread: Thread, busy_ns: int) -> simpy.Event:
        """The thread works on a core for a while."""
        self.ledger.cpu_ns[thread.role] += busy_ns
        return self.env.timeout(busy_ns)

    def copy_ns(self, path: str, byte_count: int) -> int:
        """The time of a copy by the processor, counted under `path`."""
        self.ledger.cpu_copied_byte_counts[path] += byte_count
        return byte_count * _SECOND_NS // self.hardware.processor.copy_bytes_per_s

    def dirtied(self, file_id: int, offset: int, byte_count: int) -> Waiting:
        """Written bytes enter the cache; the writer waits while too many are dirty."""
        self.cache.write(file_id, offset, byte_count, self.now_ns)
        if self.cache.dirty_byte_count > self.cache.background_byte_count:
            self._wake_write_back()
        while self.cache.dirty_byte_count > self.cache.limit_byte_count:
            yield self._cleaned

    def made_resident(self, file_id: int, offset: int, byte_count: int, file_end: int) -> Waiting:
        """A reader waits until its bytes are in the cache."""
        for gap in self.cache.missing(file_id, offset, byte_count, file_end):
            yield from self._transfer("read", gap)
            self.cache.fill(gap)

    def synced(self, file_id: int) -> Waiting:
        """Write what is dirty of a file, then have the device empty its cache."""
        for dirty in self.cache.dirty_ranges(file_id):
            yield from self._written(dirty)
        flush = BlockRequest("flush", 0, 0)
        yield self._served(flush)

    def _written(self, dirty: FileRange) -> Waiting:
        self.cache.clean(dirty)  # before the transfer: what is written meanwhile is dirty again
        yield from self._transfer("write", dirty)
        done, self._cleaned = self._cleaned, self.env.event()
        done.succeed()

    def _transfer(self, operation: str, wanted: FileRange) -> Waiting:
        for request in self._layout.requests(operation, wanted):
            yield self._served(request)
            byte_count = request.sector_count * SECTOR_BYTE_COUNT
            self.ledger.dma_byte_counts[f"disk {operation}"] += byte_count

    def _served(self, request: BlockRequest) -> simpy.Event:
        done_ns = self.device.completion_ns(request, self.now_ns)
        return self.env.timeout(done_ns - self.now_ns)

    def _write_back(self) -> Waiting:
        """The kernel's flusher: by interval, or at once when too much is dirty."""
        interval_ns = self.hardware.memory.dirty_writeback_interval_ns
        while True:
            yield self.env.timeout(interval_ns) | self._over_background
            for dirty in self.cache.due(self.now_ns):
                yield from self._written(dirty)

    def _wake_write_back(self) -> None:
        if not self._over_background.triggered:
            self._over_background.succeed()
            self._over_background = self.env.event()

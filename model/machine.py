"""The machine in time: processor, memory, page cache and device, and a ledger of what they did."""

import simpy

from iowitness.model.block_io import BlockIO, Waiting
from iowitness.model.figures import Ledger
from iowitness.model.file_reads import FileReads
from iowitness.model.hardware import PAGE_BYTE_COUNT, Hardware
from iowitness.model.page_cache import PageCache, Placement
from iowitness.model.recorder import Recorder, Thread
from iowitness.model.write_back import WriteBack

_SECOND_NS = 1_000_000_000


class Machine:
    """One simulated machine."""

    def __init__(self, env: simpy.Environment, hardware: Hardware, recorder: Recorder) -> None:
        self.env = env
        self.hardware = hardware
        self.recorder = recorder
        self.ledger = Ledger()
        self.cache = PageCache(hardware.memory)
        self.block_io = BlockIO(env, hardware.disk, self.ledger)
        self.write_back = WriteBack(env, hardware.memory, self.cache, self.block_io)
        self.reads = FileReads(env, hardware.memory, self.cache, self.block_io)
        self._copier_count = 0

    @property
    def now_ns(self) -> int:
        """The simulated time."""
        return int(self.env.now)

    def compute(self, thread: Thread, busy_ns: int) -> simpy.Event:
        """The thread works on a core for a while."""
        self.ledger.cpu_ns[thread.role] += busy_ns
        return self.env.timeout(busy_ns)

    def copy_ns(self, path: str, byte_count: int) -> int:
        """The time of a copy by the processor that nobody else disturbs, counted under `path`."""
        self.ledger.cpu_copied_byte_counts[path] += byte_count
        return byte_count * _SECOND_NS // self.hardware.processor.copy_bytes_per_s

    def copied(self, thread: Thread, path: str, byte_count: int, more_ns: int) -> Waiting:
        """A copy that shares the memory's bandwidth with all others of the moment."""
        own_ns = self.copy_ns(path, byte_count) + more_ns
        self._copier_count += 1
        total = self.hardware.memory.copy_total_bytes_per_s
        shared_ns = self._copier_count * byte_count * _SECOND_NS // total
        yield self.compute(thread, max(own_ns, shared_ns))
        self._copier_count -= 1

    def placed_ns(self, placement: Placement) -> int:
        """What it costs to take fresh pages into the cache, more so on another node."""
        fresh = placement.local_byte_count + placement.remote_byte_count
        pages_ns = fresh // PAGE_BYTE_COUNT * self.hardware.processor.cache_page_ns
        return pages_ns + self._remote_ns(placement)

    def fault_ns(self, placement: Placement) -> int:
        """What the first touch of fresh memory costs; each page is zeroed, then copied to."""
        fresh = placement.local_byte_count + placement.remote_byte_count
        pages_ns = fresh // PAGE_BYTE_COUNT * self.hardware.processor.page_fault_ns
        return pages_ns + 2 * self._remote_ns(placement)

    def _remote_ns(self, placement: Placement) -> int:
        kib = placement.remote_byte_count // 1_024
        return kib * self.hardware.memory.remote_store_ns_per_kib

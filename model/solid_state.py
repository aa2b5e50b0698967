"""A solid-state drive as a state machine: when each of its channels is free."""

import heapq

from iowitness.model.block_request import BlockRequest
from iowitness.model.hardware import PAGE_BYTE_COUNT, SECTOR_BYTE_COUNT, SolidStateDisk

_SECOND_NS = 1_000_000_000


class SolidState:
    """Channels that work side by side under one interface.

    A request is cut into pages, each page goes to the channel that is free first; what leaves
    the interface is bounded by its rate. A write ends when it is in the drive's cache and a
    channel has taken it; a flush waits for all channels. There is no arm, so no seeks.
    """

    def __init__(self, disk: SolidStateDisk) -> None:
        self._disk = disk
        self._channel_free_ns = [0] * disk.channel_count
        self._interface_free_ns = 0
        self.seek_count = 0

    def completion_ns(self, request: BlockRequest, now_ns: int) -> int:
        """When a request that is issued now will be done."""
        if request.operation == "flush":
            return max(now_ns, max(self._channel_free_ns)) + self._disk.flush_ns
        byte_count = request.sector_count * SECTOR_BYTE_COUNT
        latency_ns = self._disk.read_ns if request.operation == "read" else self._disk.program_ns
        done_ns = self._on_channels_ns(byte_count, latency_ns, now_ns)
        started_ns = max(now_ns, self._interface_free_ns)
        self._interface_free_ns = (
            started_ns + byte_count * _SECOND_NS // self._disk.interface_bytes_per_s
        )
        return max(done_ns, self._interface_free_ns)

    def _on_channels_ns(self, byte_count: int, latency_ns: int, now_ns: int) -> int:
        """Shares of whole pages, one for each channel that the request reaches."""
        page_count = -(-byte_count // PAGE_BYTE_COUNT)
        share_count = min(page_count, self._disk.channel_count)
        page_ns = PAGE_BYTE_COUNT * _SECOND_NS // self._disk.channel_bytes_per_s
        done_ns = now_ns
        for share in range(share_count):
            pages = page_count // share_count + (share < page_count % share_count)
            free_ns = max(now_ns, heapq.heappop(self._channel_free_ns))
            busy_ns = free_ns + latency_ns + pages * page_ns
            heapq.heappush(self._channel_free_ns, busy_ns)
            done_ns = max(done_ns, busy_ns)
        return done_ns

"""A disk known only by measurement: a latency, and rates by the number of requests under way."""

import heapq

from iowitness.model.block_request import BlockRequest
from iowitness.model.hardware import SECTOR_BYTE_COUNT, RateByDepth, VirtualDiskFigures

_SECOND_NS = 1_000_000_000


class VirtualDisk:
    """Requests share one channel whose rate grows with their number; there is no arm.

    A request takes its latency, and the channel for its bytes at the rate of the moment.
    """

    def __init__(self, figures: VirtualDiskFigures) -> None:
        self._figures = figures
        self._free_ns = 0
        self._ends_ns: list[int] = []

    @property
    def seek_count(self) -> int:
        """No arm, no seeks."""
        return 0

    def completion_ns(self, request: BlockRequest, now_ns: int) -> int:
        """When a request that is issued now will be done."""
        while self._ends_ns and self._ends_ns[0] <= now_ns:
            heapq.heappop(self._ends_ns)
        if request.operation == "flush":
            return max(now_ns, self._free_ns) + self._figures.flush_ns
        figures = self._figures
        reading = request.operation == "read"
        rates = figures.read_rates if reading else figures.write_rates
        rate = _rate(rates, len(self._ends_ns) + 1)
        byte_count = request.sector_count * SECTOR_BYTE_COUNT
        self._free_ns = max(now_ns, self._free_ns) + int(byte_count * _SECOND_NS / rate)
        latency_ns = figures.read_latency_ns if reading else figures.write_latency_ns
        done_ns = max(self._free_ns, now_ns + latency_ns)
        heapq.heappush(self._ends_ns, done_ns)
        return done_ns


def _rate(rates: tuple[RateByDepth, ...], depth: int) -> float:
    """The rate at a depth, on the line between the measured ones."""
    before = rates[0]
    for after in rates:
        if depth <= after.depth:
            if after.depth == before.depth:
                return after.bytes_per_s
            share = (depth - before.depth) / (after.depth - before.depth)
            return before.bytes_per_s + share * (after.bytes_per_s - before.bytes_per_s)
        before = after
    return before.bytes_per_s

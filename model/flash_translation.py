"""The mapping of a solid-state drive: where each sector lies, and what collecting garbage costs.

Flash blocks are filled one after another and erased whole. An overwritten stretch only becomes
invalid; when free blocks run out, the closed block with the least valid content is emptied into the
block that is being filled, and erased (greedy collection). Stretches are kept, not pages, so that
sequential terabytes are affordable and random pages are exact.
Source: Desnoyers, Analytic modeling of SSD write performance, SYSTOR 2012; Bux and Iliadis,
Performance of greedy garbage collection in flash-based solid-state drives, Performance Evaluation
67(11), 2010.
"""

import heapq
from bisect import bisect_right
from dataclasses import dataclass
from math import exp, log

_MAP_SECTOR_COUNT = 8_192
"""The map is cut into regions of 4 MiB, so that no list of stretches is long."""

_PAGE_SECTOR_COUNT = 8
_SPARE_BLOCKS = 2
"""Collection begins when no more blocks than this are free."""


@dataclass(slots=True)
class FlashWork:
    """What a write made the flash do, in sectors and blocks, collection included."""

    programmed: int = 0
    copied: int = 0
    erased: int = 0


class _Block:
    """One erase block: what was put into it in order, and how much of that is still valid."""

    __slots__ = ("closed", "stretches", "valid", "written")

    def __init__(self) -> None:
        self.stretches: list[tuple[int, int]] = []
        self.written = 0
        self.valid = 0
        self.closed = False


class FlashTranslation:
    """The map of one drive of `byte_count` for the user and `over_provisioning` more, as a share.

    Sectors are of 512 B, programmed in pages of 4 KiB.
    """

    def __init__(self, byte_count: int, over_provisioning: float, block_byte_count: int) -> None:
        self._block_sectors = block_byte_count // 512
        user = -(-byte_count // block_byte_count)
        count = int(user * (1 + over_provisioning)) + _SPARE_BLOCKS + 1
        self._blocks = [_Block() for _ in range(count)]
        self._free = list(range(count - 1, 0, -1))
        self._frontier = 0
        self._map: dict[int, list[tuple[int, int, int]]] = {}
        self._victims: list[tuple[int, int]] = []
        self.host_sectors = 0
        self.programmed_sectors = 0
        self.erase_count = 0

    @property
    def write_amplification(self) -> float:
        """Sectors programmed over sectors written; 1 before the first write."""
        return self.programmed_sectors / self.host_sectors if self.host_sectors else 1.0

    @property
    def valid_sectors(self) -> int:
        """What the drive holds for the user."""
        return sum(block.valid for block in self._blocks)

    def forget_counts(self) -> None:
        """Begin to count anew, as after a drive was filled."""
        self.host_sectors = self.programmed_sectors = self.erase_count = 0

    def write(self, sector: int, count: int) -> FlashWork:
        """Put a stretch at the end of the block that is being filled."""
        start = sector - sector % _PAGE_SECTOR_COUNT
        end = -(-(sector + count) // _PAGE_SECTOR_COUNT) * _PAGE_SECTOR_COUNT
        work = FlashWork()
        self.host_sectors += end - start
        for low in range(start, end, self._block_sectors):  # at most one block is begun by each
            self._append(low, min(end, low + self._block_sectors), work)
            while len(self._free) < _SPARE_BLOCKS:
                self._collect(work)
        return work

    def trim(self, sector: int, count: int) -> None:
        """Forget a stretch that the file system no longer uses."""
        self._replace(sector, sector + count, None)

    def _append(self, start: int, end: int, work: FlashWork) -> None:
        while start < end:
            block = self._blocks[self._frontier]
            room = self._block_sectors - block.written
            if room <= 0:
                block.closed = True
                heapq.heappush(self._victims, (block.valid, self._frontier))
                self._frontier = self._free.pop()
                continue
            upto = min(end, start + room)
            self._replace(start, upto, self._frontier)
            block.stretches.append((start, upto))
            block.written += upto - start
            block.valid += upto - start
            work.programmed += upto - start
            self.programmed_sectors += upto - start
            start = upto

    def _replace(self, start: int, end: int, block: int | None) -> None:
        """Let a stretch lie in a block, or nowhere; what it replaces becomes invalid."""
        while start < end:
            region = start // _MAP_SECTOR_COUNT
            upto = min(end, (region + 1) * _MAP_SECTOR_COUNT)
            self._replace_in(self._map.setdefault(region, []), start, upto, block)
            start = upto

    def _replace_in(
        self, row: list[tuple[int, int, int]], start: int, end: int, block: int | None
    ) -> None:
        first = max(0, bisect_right(row, start, key=_first) - 1)
        if first < len(row) and row[first][1] <= start:
            first += 1
        last, kept = first, []
        while last < len(row) and row[last][0] < end:
            low, high, owner = row[last]
            self._invalidate(owner, min(high, end) - max(low, start))
            if low < start:
                kept.append((low, start, owner))
            if high > end:
                kept.append((end, high, owner))
            last += 1
        if block is not None:
            kept.append((start, end, block))
            kept.sort()
        row[first:last] = kept

    def _invalidate(self, number: int, sectors: int) -> None:
        block = self._blocks[number]
        block.valid -= sectors
        if block.closed:
            heapq.heappush(self._victims, (block.valid, number))
            if len(self._victims) > 8 * len(self._blocks):
                closed = [(b.valid, n) for n, b in enumerate(self._blocks) if b.closed]
                heapq.heapify(closed)
                self._victims = closed

    def _collect(self, work: FlashWork) -> None:
        """Empty the closed block with the least valid content, and erase it."""
        while True:
            valid, number = heapq.heappop(self._victims)
            block = self._blocks[number]
            if block.closed and block.valid == valid:
                break
        block.closed = False
        before = work.programmed
        for start, end in block.stretches:
            if block.valid <= 0:
                break
            for low, high in self._lying_in(number, start, end):
                self._append(low, high, work)
        work.copied += work.programmed - before
        work.erased += 1
        self.erase_count += 1
        block.stretches, block.written, block.valid = [], 0, 0
        self._free.append(number)

    def _lying_in(self, number: int, start: int, end: int) -> list[tuple[int, int]]:
        """The parts of a stretch that lie in a block now."""
        found = []
        for region in range(start // _MAP_SECTOR_COUNT, (end - 1) // _MAP_SECTOR_COUNT + 1):
            row = self._map.get(region, [])
            place = max(0, bisect_right(row, start, key=_first) - 1)
            while place < len(row) and row[place][0] < end:
                low, high, owner = row[place]
                if owner == number and high > start:
                    found.append((max(low, start), min(high, end)))
                place += 1
        return found


def _first(stretch: tuple[int, int, int]) -> int:
    return stretch[0]


def uniform_write_amplification(over_provisioning: float) -> float:
    """The write amplification of uniform random writes, for blocks of many pages.

    With alpha = 1 + over-provisioning, blocks are emptied with a share u of valid pages that solves
    (u - 1) / ln u = 1 / alpha, and each costs 1 / (1 - u) writes. Exact for cleaning in order of
    age, and the limit of greedy cleaning as blocks grow. Source: Menon, A performance comparison of
    RAID-5 and log-structured arrays, HPDC 1995; Desnoyers, SYSTOR 2012, whose closed form
    alpha / (alpha + W(-alpha exp(-alpha))) is the same.
    """
    if over_provisioning <= 0:
        raise ValueError(f"over_provisioning={over_provisioning}, expected > 0")
    alpha = 1 + over_provisioning
    share = exp(-alpha)
    for _ in range(10_000):  # the fixed point u = exp(-alpha (1 - u)), by Newton's method
        value = share - exp(-alpha * (1 - share))
        slope = 1 - alpha * exp(-alpha * (1 - share))
        step = value / slope
        share -= step
        if abs(step) < 1e-14:
            break
    assert abs((share - 1) / log(share) - 1 / alpha) < 1e-9
    return 1 / (1 - share)

"""A solid-state drive as a state machine: when its dies, channels and interface are free.

Reads go to the die that holds the page, so two of them may meet on one die while others are idle;
writes go to whichever die is next, after a volatile cache where there is one. Collecting garbage
(`flash_translation`) occupies the dies too: that is what random overwriting costs.
Source: Agrawal et al., Design tradeoffs for SSD performance, USENIX ATC 2008; ONFI's description of
dies (LUNs) and channels.
"""

import heapq
from collections import deque

from iowitness.model.block_request import BlockRequest
from iowitness.model.flash_translation import FlashTranslation
from iowitness.model.hardware import SECTOR_BYTE_COUNT, SolidStateDisk

_SECOND_NS = 1_000_000_000


class SolidState:
    """One drive. It has no arm, so no seeks.

    A request waits while `queue_depth` others are under way. A write into the cache ends with its
    transfer, if there is room; a flush ends when all that was written has been programmed.
    """

    def __init__(self, disk: SolidStateDisk) -> None:
        self._disk = disk
        self._die_count = disk.channel_count * disk.dies_per_channel
        self._die_free_ns = [0] * self._die_count
        self._channel_free_ns = [0] * disk.channel_count
        self._page_ns = disk.page_byte_count * _SECOND_NS // disk.channel_bytes_per_s
        self._interface_free_ns = 0
        self._registers = [-1] * self._die_count  # the page that each die read last
        self._next_die = 0
        self._unprogrammed = 0  # bytes that do not fill a page yet
        self._cached: deque[tuple[int, int]] = deque()  # until when, how many bytes
        self._cached_byte_count = 0
        self._under_way: list[int] = []
        self._sector_count = disk.byte_count // SECTOR_BYTE_COUNT
        self.translation = FlashTranslation(
            disk.byte_count, disk.over_provisioning, disk.block_byte_count
        )
        self.seek_count = 0

    def completion_ns(self, request: BlockRequest, now_ns: int) -> int:
        """When a request that is issued now will be done."""
        if request.operation == "flush":
            return max(now_ns, *self._die_free_ns) + self._disk.flush_ns
        begin_ns = self._admitted_ns(now_ns)
        byte_count = request.sector_count * SECTOR_BYTE_COUNT
        if request.operation == "read":
            first_ns, last_ns = self._read_ns(request.sector, byte_count, begin_ns)
            done_ns = self._over_interface_ns(byte_count, first_ns, last_ns)
        else:
            done_ns = self._write_ns(request, byte_count, begin_ns)
        heapq.heappush(self._under_way, done_ns)
        return done_ns

    def _admitted_ns(self, now_ns: int) -> int:
        """When the queue has room."""
        under_way = self._under_way
        while under_way and under_way[0] <= now_ns:
            heapq.heappop(under_way)
        while len(under_way) >= self._disk.queue_depth:
            now_ns = max(now_ns, heapq.heappop(under_way))
        return now_ns

    def _over_interface_ns(self, byte_count: int, begin_ns: int, ready_ns: int) -> int:
        """The interface carries requests one after another; a transfer may run along with the dies.

        It ends when its last byte is over, and not before that byte is there.
        """
        taken_ns = byte_count * _SECOND_NS // self._disk.interface_bytes_per_s
        taken_ns += self._disk.command_ns
        self._interface_free_ns = max(begin_ns, self._interface_free_ns) + taken_ns
        return max(ready_ns, self._interface_free_ns)

    # Reads

    def _read_ns(self, sector: int, byte_count: int, begin_ns: int) -> tuple[int, int]:
        """When the first and the last of some bytes can leave.

        Pages lie on the dies in turn; each die reads its pages, each channel carries its own.
        """
        page = self._disk.page_byte_count
        start = sector * SECTOR_BYTE_COUNT
        first, last = start // page, (start + byte_count - 1) // page
        count = last - first + 1
        share = byte_count / count
        begins_ns, done_ns = [], begin_ns
        for number in range(min(count, self._die_count)):
            pages = count // self._die_count + (number < count % self._die_count)
            ready_ns, carried_ns = self._die_read_ns(first + number, pages, share, begin_ns)
            begins_ns.append(ready_ns)
            done_ns = max(done_ns, carried_ns)
        return min(begins_ns), done_ns

    def _die_read_ns(self, page: int, pages: int, share: float, begin_ns: int) -> tuple[int, int]:
        """A die reads a page while the one before it crosses the channel.

        The page that it read last is still in its register, and needs no second reading.
        """
        die = page % self._die_count
        channel = die % self._disk.channel_count
        read_ns = 0 if self._registers[die] == page else self._disk.read_ns
        self._registers[die] = page + (pages - 1) * self._die_count
        ready_ns = max(begin_ns, self._die_free_ns[die]) + read_ns
        self._die_free_ns[die] = ready_ns + (pages - 1) * self._disk.read_ns
        carry_ns = round(share * _SECOND_NS / self._disk.channel_bytes_per_s)
        carried_ns = max(ready_ns, self._channel_free_ns[channel]) + pages * carry_ns
        self._channel_free_ns[channel] = carried_ns
        return ready_ns, max(carried_ns, self._die_free_ns[die] + carry_ns)

    # Writes

    def _write_ns(self, request: BlockRequest, byte_count: int, begin_ns: int) -> int:
        begin_ns = self._room_ns(byte_count, begin_ns)
        received_ns = self._over_interface_ns(byte_count, begin_ns, begin_ns)
        sector = request.sector % self._sector_count
        work = self.translation.write(sector, min(request.sector_count, self._sector_count))
        programmed_ns = self._programmed_ns(work.programmed, begin_ns)
        self._collected(work.copied, work.erased, begin_ns)
        if not self._disk.cache_byte_count:
            return max(received_ns, programmed_ns)
        self._cached.append((programmed_ns, byte_count))
        self._cached_byte_count += byte_count
        return received_ns

    def _room_ns(self, byte_count: int, now_ns: int) -> int:
        """When the cache has room; a write longer than the cache waits until it is empty."""
        cached, limit = self._cached, self._disk.cache_byte_count
        while cached and (cached[0][0] <= now_ns or self._cached_byte_count + byte_count > limit):
            until_ns, held = cached.popleft()
            self._cached_byte_count -= held
            now_ns = max(now_ns, until_ns)
        return now_ns

    def _programmed_ns(self, sectors: int, begin_ns: int) -> int:
        """Program whole pages, die after die; without a cache a part of one takes a whole one."""
        page = self._disk.page_byte_count
        self._unprogrammed += sectors * SECTOR_BYTE_COUNT
        if not self._disk.cache_byte_count:
            self._unprogrammed = -(-self._unprogrammed // page) * page
        count, self._unprogrammed = divmod(self._unprogrammed, page)
        done_ns = begin_ns
        for number in range(min(count, self._die_count)):
            die = self._next_die
            self._next_die = (die + 1) % self._die_count
            pages = count // self._die_count + (number < count % self._die_count)
            channel = die % self._disk.channel_count
            carried_ns = max(begin_ns, self._channel_free_ns[channel]) + self._page_ns
            self._channel_free_ns[channel] = carried_ns + (pages - 1) * self._page_ns
            step_ns = max(self._disk.program_ns, self._page_ns)
            free_ns = max(carried_ns, self._die_free_ns[die])
            self._registers[die] = -1
            self._die_free_ns[die] = free_ns + (pages - 1) * step_ns + self._disk.program_ns
            done_ns = max(done_ns, self._die_free_ns[die])
        return done_ns

    def _collected(self, copied_sectors: int, erased: int, begin_ns: int) -> None:
        """Collection keeps all dies busy alike: blocks lie across them.

        What is copied was programmed with the rest; here it is read.
        """
        if not erased:
            return
        pages = copied_sectors * SECTOR_BYTE_COUNT / self._disk.page_byte_count
        busy_ns = round(pages * self._disk.read_ns / self._die_count)
        busy_ns += erased * self._disk.erase_ns
        self._die_free_ns = [max(begin_ns, free) + busy_ns for free in self._die_free_ns]

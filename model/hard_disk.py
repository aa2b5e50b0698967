"""A hard disk as a state machine: requests one at a time, prefetching and write-back in between.

`completion_ns` is asked once for each request, in order of time. Whatever the drive does between
two requests (read on, write its cache back) is worked out when the next one comes.
Source: DiskSim manual, disk modules; Ruemmler and Wilkes, IEEE Computer 27(3), 1994.
"""

from iowitness.model.block_request import BlockRequest
from iowitness.model.disk_arm import Arm, StartOf, Sweep
from iowitness.model.disk_geometry import Geometry
from iowitness.model.drive import AfterWhat, Drive
from iowitness.model.drive_prefetch import Ongoing, Prefetcher
from iowitness.model.segment_cache import CacheSegment, SegmentCache


class HardDisk:
    """One drive. `seek_count` counts moves of the arm."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive
        self.geometry = Geometry(drive.layout, drive.mechanics.revolution_ns)
        self._arm = Arm(self.geometry, drive.mechanics)
        self._cache = SegmentCache(drive.cache)
        self._prefetcher = Prefetcher(drive.cache, self.geometry, self._arm, self._cache)
        self._free_ns = 0
        self._last_was_write = False
        self._last_write_end = -1

    @property
    def seek_count(self) -> int:
        """Moves of the arm over more than one cylinder."""
        return self._arm.seek_count

    def completion_ns(self, request: BlockRequest, now_ns: int) -> int:
        """When a request that is issued now will be done; it waits for the one before it."""
        at_ns = max(now_ns, self._free_ns) + self._drive.overheads.request_ns
        if request.operation == "read":
            done_ns = self._read(request.sector, request.sector_count, at_ns)
        elif request.operation == "write":
            done_ns = self._write(request.sector, request.sector_count, at_ns)
        else:
            done_ns = max(at_ns, self._arm.free_ns)
        self._free_ns = done_ns
        if request.operation != "flush":
            self._last_was_write = request.operation == "write"
        return done_ns

    def _after(self, overhead: AfterWhat) -> int:
        return overhead.write_ns if self._last_was_write else overhead.read_ns

    # Reads

    def _read(self, block: int, count: int, at_ns: int) -> int:
        self._prefetcher.advance(at_ns)
        segment = self._cache.holding(block)
        if segment is not None and segment.end >= block + count:
            return self._read_hit(segment, block, count, at_ns)
        ongoing = self._prefetcher.into(segment) if segment is not None else None
        if ongoing is not None:
            return self._read_ongoing(ongoing, block, count, at_ns)
        self._prefetcher.stop(at_ns)
        return self._read_miss(segment, block, count, at_ns)

    def _read_hit(self, segment: CacheSegment, block: int, count: int, at_ns: int) -> int:
        """Everything is in the buffer."""
        overheads, end = self._drive.overheads, block + count
        self._cache.used(segment)
        ongoing = self._prefetcher.into(segment)
        if ongoing is not None:
            ongoing.limit = max(ongoing.limit, self._prefetcher.limit(segment, end))
        elif self._drive.cache.read_ahead_after_hit and not segment.written:
            self._prefetcher.stop(at_ns)
            self._arm.free_ns = max(self._arm.free_ns, at_ns)
            self._prefetcher.start(segment, block, end)
        ready_ns = at_ns + self._after(overheads.read_hit) + overheads.data_preparation_ns
        return ready_ns + count * self._drive.bus.read_block_ns + overheads.read_completion_ns

    def _read_ongoing(self, ongoing: Ongoing, block: int, count: int, at_ns: int) -> int:
        """The first blocks are there, the others are on their way in a prefetch."""
        overheads, bus_ns = self._drive.overheads, self._drive.bus.read_block_ns
        segment, end = ongoing.segment, block + count
        self._cache.used(segment)
        done_ns = at_ns + self._after(overheads.read_hit) + overheads.data_preparation_ns
        done_ns += (segment.end - block) * bus_ns
        ongoing.limit = max(ongoing.limit, self._prefetcher.limit(segment, end), end)
        while segment.end < end:
            sweep = ongoing.sweep
            upto = min(sweep.count, end - sweep.block)
            done_ns = _transferred_ns(done_ns, sweep, segment.end - sweep.block, upto, bus_ns)
            self._cache.extend(segment, sweep.block + upto)
            if upto == sweep.count and not self._prefetcher.next_sweep(ongoing):
                break
        return done_ns + overheads.read_completion_ns

    def _read_miss(self, found: CacheSegment | None, block: int, count: int, at_ns: int) -> int:
        """The rest, or all of it, comes from the surface; then the drive reads on."""
        overheads, end = self._drive.overheads, block + count
        segment = found or self._cache.for_read(block)
        have = segment.end - block
        self._cache.used(segment)
        command_ns = at_ns + self._after(overheads.read_miss)
        start_ns = max(command_ns, self._arm.free_ns)
        sweeps = self._sweeps(block + have, end, start_ns)
        self._kept(segment, sweeps, end, start_ns)
        self._arm.free_ns = sweeps[-1].end_ns
        done_ns = self._bus_start_ns(sweeps, have, count, command_ns)
        done_ns += have * self._drive.bus.read_block_ns
        for sweep in sweeps:
            bus_ns = self._drive.bus.read_block_ns
            done_ns = _transferred_ns(done_ns, sweep, 0, sweep.count, bus_ns)
        self._prefetcher.start(segment, block, end)
        return done_ns + overheads.read_completion_ns

    def _sweeps(self, block: int, end: int, at_ns: int) -> list[Sweep]:
        """Track after track until the last block has passed."""
        start: StartOf = "any-sector" if self._drive.cache.reads_on_arrival else "first-sector"
        least_ns = self._arm.settle_ns
        sweeps: list[Sweep] = []
        while block < end:
            sweep = self._arm.sweep(block, end - block, at_ns, "read", start, least_ns)
            sweeps.append(sweep)
            block, at_ns, least_ns = block + sweep.count, sweep.end_ns, 0
        return sweeps

    def _bus_start_ns(self, sweeps: list[Sweep], have: int, count: int, command_ns: int) -> int:
        """When the drive begins to send: it lets go of the bus until enough has been read.

        It begins to ask for the bus again with the block that makes it enough.
        """
        overheads, cache = self._drive.overheads, self._drive.cache
        start_ns = command_ns
        enough = max(1, int(min(cache.segment_sector_count, count) * cache.read_watermark))
        if not overheads.never_disconnects and have < enough:
            start_ns = _passed_ns(sweeps, enough - have) + overheads.first_reselect_ns
        return start_ns + overheads.data_preparation_ns

    def _kept(self, segment: CacheSegment, sweeps: list[Sweep], end: int, start_ns: int) -> None:
        """What stays in the buffer: the wanted blocks, and what passed on the way to them."""
        first, cache = sweeps[0], self._drive.cache
        if cache.reads_before_request and not first.first and segment.end == first.block:
            waited = int((first.begin_ns - start_ns) / first.sector_ns)
            on_track = self.geometry.place(first.block).sector
            passed = min(waited, on_track, first.block, self._cache.size // 2)
            if segment.start == first.block:
                segment.start -= max(0, passed)
        self._cache.extend(segment, end)
        if sweeps[-1].first and cache.caches:
            # What follows on the track passed while the head waited for the beginning.
            on_track = end + self.geometry.place(end - 1).run - 1
            self._cache.extend(segment, min(on_track, self._prefetcher.limit(segment, end)))

    # Writes

    def _write(self, block: int, count: int, at_ns: int) -> int:
        self._prefetcher.advance(at_ns)
        self._prefetcher.stop(at_ns)
        appends = self._last_was_write and block == self._last_write_end
        self._last_write_end = block + count
        self._cache.for_write(block, count)
        if self._drive.cache.write_caching != "none":
            return self._write_back(block, count, at_ns)
        extra = self._drive.overheads.extra_disconnect
        if extra is not None and self._last_was_write and not appends:
            return self._write_in_two_goes(block, count, at_ns)
        return self._write_through(block, count, at_ns)

    def _write_back(self, block: int, count: int, at_ns: int) -> int:
        """Confirmed when it is in the buffer; the surface follows in the background."""
        overheads, hit = self._drive.overheads, self._drive.overheads.write_hit
        near = self.geometry.place(block).cylinder == self._arm.cylinder
        # The shorter time after a write was measured on writes that follow one another on the
        # surface; a write to elsewhere makes the drive set up a new place, as after a read.
        command_ns = at_ns + (self._after(hit) if near else hit.read_ns)
        start_ns = max(command_ns, self._arm.free_ns)
        bus_from_ns = start_ns + overheads.data_preparation_ns
        self._arm.free_ns = self._on_surface_ns(block, count, start_ns, bus_from_ns)
        in_buffer_ns = bus_from_ns + count * self._drive.bus.write_block_ns
        return in_buffer_ns + overheads.write_completion_ns

    def _write_through(self, block: int, count: int, at_ns: int) -> int:
        """Confirmed when it is on the surface."""
        overheads = self._drive.overheads
        start_ns = at_ns + self._after(overheads.write_miss)
        bus_from_ns = start_ns + overheads.data_preparation_ns
        reselect_ns = 0 if overheads.never_disconnects else overheads.first_reselect_ns
        return self._on_surface_confirmed(block, count, start_ns, bus_from_ns) + reselect_ns

    def _write_in_two_goes(self, block: int, count: int, at_ns: int) -> int:
        """The drive lets go of the bus between the command and the data."""
        overheads = self._drive.overheads
        extra = overheads.extra_disconnect
        assert extra is not None
        command_ns = at_ns + extra.command_ns
        bus_from_ns = command_ns + extra.disconnect_ns + extra.pause_ns
        bus_from_ns += overheads.first_reselect_ns + overheads.data_preparation_ns
        start_ns = command_ns + extra.seek_delay_ns
        done_ns = self._on_surface_confirmed(block, count, start_ns, bus_from_ns)
        return done_ns + overheads.other_reselect_ns

    def _on_surface_confirmed(self, block: int, count: int, start_ns: int, bus_from_ns: int) -> int:
        start_ns = max(start_ns, self._arm.free_ns)
        self._arm.free_ns = self._on_surface_ns(block, count, start_ns, bus_from_ns)
        sent_ns = bus_from_ns + count * self._drive.bus.write_block_ns
        return max(self._arm.free_ns, sent_ns) + self._drive.overheads.write_completion_ns

    def _on_surface_ns(self, block: int, count: int, start_ns: int, bus_from_ns: int) -> int:
        """Write blocks that come over the bus from a time on; a late block costs a turn.

        A drive that holds the bus for the whole of a write begins to write when it has all of it.
        """
        overheads, bus_ns = self._drive.overheads, self._drive.bus.write_block_ns
        start: StartOf = "any-sector" if self._drive.cache.writes_on_arrival else "first-sector"
        at, end, at_ns, least_ns = block, block + count, start_ns, overheads.least_seek_ns
        while at < end:
            sweep = self._arm.sweep(at, end - at, at_ns, "write", start, least_ns)
            least_ns = 0
            here = count if overheads.holds_bus_for_writes else at - block + 1
            in_buffer_ns = bus_from_ns + here * bus_ns
            if sweep.begin_ns < in_buffer_ns and not sweep.first:
                # The first block is not there yet: let the surface come round again.
                sweep = self._arm.sweep(at, end - at, max(in_buffer_ns, at_ns), "write")
            on_time = sweep.count
            if bus_ns > sweep.sector_ns and not sweep.first:
                slack_ns = sweep.begin_ns - in_buffer_ns
                on_time = min(sweep.count, 1 + int(slack_ns / (bus_ns - sweep.sector_ns)))
            at += on_time
            at_ns = sweep.end_ns if on_time == sweep.count else sweep.passed_ns(on_time - 1)
        return at_ns


def _transferred_ns(bus_ns: int, sweep: Sweep, first: int, upto: int, block_ns: int) -> int:
    """When blocks of a sweep have gone over the bus, in order, from `bus_ns` on at the earliest."""
    count = upto - first
    if count <= 0:
        return bus_ns
    return max(
        bus_ns + count * block_ns,
        sweep.passed_ns(first) + count * block_ns,
        sweep.passed_ns(upto - 1) + block_ns,
    )


def _passed_ns(sweeps: list[Sweep], count: int) -> int:
    """When `count` blocks of a row of sweeps have passed."""
    for sweep in sweeps:
        if count <= sweep.count:
            return sweep.passed_ns(count - 1)
        count -= sweep.count
    return sweeps[-1].end_ns

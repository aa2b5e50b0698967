"""Reading on in the background, after a read, until the limit or the next request."""

from dataclasses import dataclass

from iowitness.model.disk_arm import Arm, Sweep
from iowitness.model.disk_geometry import Geometry
from iowitness.model.drive import DriveCache
from iowitness.model.segment_cache import CacheSegment, SegmentCache


@dataclass(slots=True)
class Ongoing:
    """A prefetch that is under way: into which segment, how far, and the sweep of the moment."""

    segment: CacheSegment
    limit: int
    sweep: Sweep


class Prefetcher:
    """At most one prefetch; `ongoing` is None between them.

    What it has read by some time is worked out when somebody asks (`advance`).
    """

    def __init__(
        self, figures: DriveCache, geometry: Geometry, arm: Arm, cache: SegmentCache
    ) -> None:
        self._figures = figures
        self._geometry = geometry
        self._arm = arm
        self._cache = cache
        self.ongoing: Ongoing | None = None

    def into(self, segment: CacheSegment) -> Ongoing | None:
        """The prefetch that fills a segment, if there is one."""
        return self.ongoing if self.ongoing and self.ongoing.segment is segment else None

    def limit(self, segment: CacheSegment, end: int) -> int:
        """The block before which prefetching stops, for a request that ends before `end`."""
        figures, last = self._figures, self._geometry.block_count
        if figures.read_ahead == "none" or not figures.caches or end >= last:
            return end
        if figures.read_ahead == "segment":
            return min(end + (figures.read_ahead_most or figures.segment_sector_count), last)
        place = self._geometry.place(end)
        track_start = end - place.sector
        limit = track_start + place.sectors_per_track
        if figures.read_ahead == "next-track" and segment.start < track_start:
            limit += place.sectors_per_track
        elif figures.read_ahead == "cylinder":
            while limit < last and self._geometry.place(limit).cylinder == place.cylinder:
                limit += place.sectors_per_track
        return min(limit, last)

    def start(self, segment: CacheSegment, block: int, end: int) -> None:
        """Begin after a read of `block` up to `end`, once the arm is free."""
        limit = self.limit(segment, end)
        if not self._figures.read_ahead_over_requested:
            limit = min(limit, block + self._cache.size)
        if limit > segment.end:
            sweep = self._arm.sweep(segment.end, limit - segment.end, self._arm.free_ns, "read")
            self.ongoing = Ongoing(segment, limit, sweep)

    def next_sweep(self, ongoing: Ongoing) -> bool:
        """Go on to the next track; False at the limit."""
        left = ongoing.limit - ongoing.segment.end
        self._arm.free_ns = ongoing.sweep.end_ns
        if left <= 0:
            self.ongoing = None
            return False
        ongoing.sweep = self._arm.sweep(ongoing.segment.end, left, ongoing.sweep.end_ns, "read")
        return True

    def advance(self, now_ns: int) -> None:
        """Put into the cache what was read by now."""
        while (ongoing := self.ongoing) is not None:
            sweep = ongoing.sweep
            self._cache.extend(ongoing.segment, sweep.block + sweep.passed_by(now_ns))
            if sweep.end_ns > now_ns or not self.next_sweep(ongoing):
                return

    def stop(self, now_ns: int) -> None:
        """End the prefetch; a sector that has begun to pass is read to its end."""
        ongoing, self.ongoing = self.ongoing, None
        if ongoing is not None:
            sweep = ongoing.sweep
            passed = ongoing.segment.end - sweep.block
            under_head = passed < sweep.count and now_ns > sweep.begin_ns
            self._arm.free_ns = sweep.passed_ns(passed) if under_head else now_ns

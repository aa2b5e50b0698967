"""One node of memory: what uses it, and in which order its file pages would be given up."""

from collections.abc import Iterator

from iowitness.model.cached_file import Extent


class MemoryNode:
    """Byte counts of one node, and its two lists of clean extents, the oldest first.

    A page that is used a second time moves from the inactive to the active list; the inactive
    list is refilled from the active one when it is the shorter. A dirty extent is on no list: it
    cannot be given up, and returns to the young end of the inactive list when it is clean.
    Source: mm/vmscan.c, mm/swap.c.
    """

    def __init__(self, number: int, byte_count: int, reserve_byte_count: int) -> None:
        self.number = number
        self._byte_count = byte_count
        self._reserve_byte_count = reserve_byte_count
        self.anonymous_byte_count = 0
        self.dirty_byte_count = 0
        self._inactive: dict[Extent, None] = {}
        self._active: dict[Extent, None] = {}
        self._inactive_byte_count = 0
        self._active_byte_count = 0

    @property
    def cached_byte_count(self) -> int:
        """File pages."""
        return self._inactive_byte_count + self._active_byte_count

    @property
    def free_byte_count(self) -> int:
        """What nobody uses."""
        return self._byte_count - self.anonymous_byte_count - self.cached_byte_count

    @property
    def room_byte_count(self) -> int:
        """What may be taken before pages have to be given up."""
        return max(0, self.free_byte_count - self._reserve_byte_count)

    @property
    def dirtyable_byte_count(self) -> int:
        """What could be dirty: free or cached, less the reserve."""
        return self._byte_count - self.anonymous_byte_count - self._reserve_byte_count

    def dirty_room_byte_count(self, ratio: float) -> int:
        """What may still become dirty here before other nodes are preferred (node_dirty_ok)."""
        return max(0, int(self.dirtyable_byte_count * ratio) - self.dirty_byte_count)

    def add(self, extent: Extent, grown_byte_count: int) -> None:
        """An extent came, or grew."""
        if extent.active:
            self._active_byte_count += grown_byte_count
        else:
            if not extent.dirty_byte_count:
                self._inactive[extent] = None
            self._inactive_byte_count += grown_byte_count

    def remove(self, extent: Extent) -> None:
        """An extent goes."""
        if extent.active:
            self._active.pop(extent, None)
            self._active_byte_count -= extent.byte_count
        else:
            self._inactive.pop(extent, None)
            self._inactive_byte_count -= extent.byte_count
        self.dirty_byte_count -= extent.dirty_byte_count

    def dirty(self, extent: Extent, byte_count: int) -> None:
        """Bytes of an extent became dirty."""
        if not extent.dirty_byte_count:
            (self._active if extent.active else self._inactive).pop(extent, None)
        extent.dirty_byte_count += byte_count
        self.dirty_byte_count += byte_count

    def clean(self, extent: Extent, byte_count: int) -> None:
        """Dirty bytes of an extent were written."""
        extent.dirty_byte_count -= byte_count
        self.dirty_byte_count -= byte_count
        if not extent.dirty_byte_count:
            (self._active if extent.active else self._inactive)[extent] = None

    def touch(self, extent: Extent) -> None:
        """An extent was used: the first time it is marked, the second time it becomes active."""
        if extent.active or not extent.referenced:
            extent.referenced = True
            return
        self._inactive.pop(extent, None)
        self._inactive_byte_count -= extent.byte_count
        extent.active, extent.referenced = True, False
        if not extent.dirty_byte_count:
            self._active[extent] = None
        self._active_byte_count += extent.byte_count

    def victims(self, byte_count: int) -> Iterator[Extent]:
        """Clean extents to give up, in order; each must be removed before the next is asked for."""
        found = 0
        while found < byte_count:
            self._refill()
            extent = next(iter(self._inactive), None) or next(iter(self._active), None)
            if extent is None:
                return
            found += extent.byte_count
            yield extent

    def _refill(self) -> None:
        while self._active and self._inactive_byte_count < self._active_byte_count:
            extent = next(iter(self._active))
            del self._active[extent]
            self._active_byte_count -= extent.byte_count
            extent.active, extent.referenced = False, False
            self._inactive[extent] = None
            self._inactive_byte_count += extent.byte_count

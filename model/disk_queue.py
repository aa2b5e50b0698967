"""Requests that wait for a device, and which of them is next: policies without time of their own.

A request that continues a waiting one is merged with it, behind (a back merge) or in front.
Source: Linux block layer (block/mq-deadline.c, block/blk-merge.c; Documentation/block/
deadline-iosched.rst); Worthington, Ganger and Patt, Scheduling algorithms for modern disk drives,
SIGMETRICS 1994, for SSTF and the elevators.
"""

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeAlias, TypeVar

from iowitness.model.block_request import BlockRequest

Scheduling: TypeAlias = Literal["fifo", "sstf", "scan", "c-look", "deadline"]

MERGED_SECTOR_COUNT = 2_560
"""The longest request that merging makes: max_sectors_kb=1280."""

READ_EXPIRE_NS = 500_000_000
WRITE_EXPIRE_NS = 5_000_000_000
FIFO_BATCH = 16
WRITES_STARVED = 2

TagT = TypeVar("TagT")


@dataclass(slots=True, eq=False)
class Waiting(Generic[TagT]):
    """A request that waits, with what was merged into it; `tags` are those of all of them."""

    request: BlockRequest
    since_ns: int
    number: int
    tags: list[TagT] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The sector after its last."""
        return self.request.sector + self.request.sector_count

    def __lt__(self, other: "Waiting[TagT]") -> bool:
        return (self.request.sector, self.number) < (other.request.sector, other.number)


class DiskQueue(Generic[TagT]):
    """What waits, by sector and by time. `head` is the sector after the last one that was served.

    Reads and writes are merged with their own kind only, so bytes and their order are kept.
    """

    def __init__(self, scheduling: Scheduling) -> None:
        self._scheduling = scheduling
        self._by_sector: dict[str, list[Waiting[TagT]]] = {"read": [], "write": []}
        self._by_time: dict[str, deque[Waiting[TagT]]] = {"read": deque(), "write": deque()}
        self._gone: set[Waiting[TagT]] = set()
        self._count = 0
        self._ascending = True
        self._batch_left = 0
        self._batch_kind = "read"
        self._reads_in_turn = 0
        self.head = 0
        self.merge_count = 0

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._by_sector.values())

    def add(self, request: BlockRequest, now_ns: int, tag: TagT) -> None:
        """Take a read or write in, merged where it fits."""
        row = self._by_sector[request.operation]
        merged = self._merged(row, request)
        if merged is not None:
            merged.tags.append(tag)
            self.merge_count += 1
            return
        waiting = Waiting(request, now_ns, self._count, [tag])
        self._count += 1
        insort(row, waiting)
        self._by_time[request.operation].append(waiting)

    def take(self, now_ns: int) -> Waiting[TagT]:
        """The next request; there must be one."""
        match self._scheduling:
            case "fifo":
                chosen = min(self._oldest_of_each(), key=_age)
            case "sstf":
                chosen = min(self._neighbours(), key=self._distance)
            case "scan":
                chosen = self._in_direction()
            case "c-look":
                chosen = self._ahead() or min(row[0] for row in self._rows())
            case "deadline":
                chosen = self._by_deadline(now_ns)
        self._remove(chosen)
        self.head = chosen.end
        return chosen

    def _rows(self) -> list[list[Waiting[TagT]]]:
        return [row for row in self._by_sector.values() if row]

    def _merged(self, row: list[Waiting[TagT]], request: BlockRequest) -> "Waiting[TagT] | None":
        """The waiting request that this one continues in either direction, grown by it."""
        place = bisect_left(row, request.sector, key=_first_sector)
        behind = row[place - 1] if place else None
        if behind is not None and behind.end == request.sector and _fits(behind, request):
            first = behind.request
        else:
            behind = row[place] if place < len(row) else None
            end = request.sector + request.sector_count
            if behind is None or behind.request.sector != end or not _fits(behind, request):
                return None
            first = request
        behind.request = BlockRequest(
            request.operation,
            first.sector,
            behind.request.sector_count + request.sector_count,
        )
        return behind

    def _remove(self, chosen: Waiting[TagT]) -> None:
        kind = chosen.request.operation
        row, times = self._by_sector[kind], self._by_time[kind]
        row.pop(bisect_left(row, chosen))
        self._gone.add(chosen)
        while times and times[0] in self._gone:
            self._gone.discard(times.popleft())

    def _oldest_of_each(self) -> list[Waiting[TagT]]:
        return [times[0] for times in self._by_time.values() if times]

    def _distance(self, waiting: Waiting[TagT]) -> tuple[int, int]:
        return abs(waiting.request.sector - self.head), waiting.number

    def _neighbours(self) -> list[Waiting[TagT]]:
        """The next one on each side of the head, of each kind."""
        found = []
        for row in self._rows():
            place = bisect_left(row, self.head, key=_first_sector)
            found.extend(row[max(0, place - 1) : place + 1])
        return found

    def _ahead(self) -> "Waiting[TagT] | None":
        """The next at or after the head."""
        found = []
        for row in self._rows():
            place = bisect_left(row, self.head, key=_first_sector)
            if place < len(row):
                found.append(row[place])
        return min(found) if found else None

    def _in_direction(self) -> Waiting[TagT]:
        """The elevator: on in one direction while there is something, then back."""
        if self._ascending:
            ahead = self._ahead()
            if ahead is not None:
                return ahead
            self._ascending = False
        behind = [
            row[place - 1]
            for row in self._rows()
            if (place := bisect_left(row, self.head, key=_first_sector))
        ]
        if behind:
            return max(behind)
        self._ascending = True
        ahead = self._ahead()
        assert ahead is not None
        return ahead

    def _by_deadline(self, now_ns: int) -> Waiting[TagT]:
        """Runs of one kind by sector; a run begins at the oldest request once that has expired.

        Reads go first, but after two runs of reads that let writes wait there is one of writes.
        """
        if self._batch_left > 0:
            following = self._following(self._batch_kind)
            if following is not None:
                self._batch_left -= 1
                return following
        reads, writes = self._by_sector["read"], self._by_sector["write"]
        if reads and (not writes or self._reads_in_turn < WRITES_STARVED):
            kind, expire_ns = "read", READ_EXPIRE_NS
            self._reads_in_turn += 1 if writes else 0
        else:
            kind, expire_ns = "write", WRITE_EXPIRE_NS
            self._reads_in_turn = 0
        self._batch_kind, self._batch_left = kind, FIFO_BATCH - 1
        oldest = self._by_time[kind][0]
        if now_ns - oldest.since_ns >= expire_ns:
            return oldest
        return self._following(kind) or oldest

    def _following(self, kind: str) -> "Waiting[TagT] | None":
        """The next of a kind at or after the head."""
        row = self._by_sector[kind]
        place = bisect_left(row, self.head, key=_first_sector)
        return row[place] if place < len(row) else None


def _age(waiting: Waiting[TagT]) -> int:
    return waiting.number


def _first_sector(waiting: Waiting[TagT]) -> int:
    return waiting.request.sector


def _fits(waiting: Waiting[TagT], request: BlockRequest) -> bool:
    return waiting.request.sector_count + request.sector_count <= MERGED_SECTOR_COUNT

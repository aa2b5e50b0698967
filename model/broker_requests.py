"""What goes between clients and the broker at scale: produce calls, fetches, readers' places."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import simpy

from iowitness.model.broker_load import Storage
from iowitness.model.broker_log import PartitionLog
from iowitness.model.page_cache import PageCache

_UNREAD_LIMIT = 4_096


class BrokerLog(PartitionLog):
    """A partition with its readers and its lock."""

    def __init__(
        self, env: simpy.Environment, storage: Storage, cache: PageCache, file_ids: Iterator[int]
    ) -> None:
        super().__init__(storage, cache, file_ids)
        self.readers: list[Reader] = []
        self.lock = simpy.Resource(env)


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """Batches of one request for one partition; times are those of the records' arrival."""

    log: BrokerLog
    record_count: int
    byte_count: int
    first_ns: int
    last_ns: int


@dataclass(slots=True)
class ProduceCall:
    """One produce request on the connection with that number, and who hears of its answer.

    `answered` is called when the answer is there.
    """

    number: int
    batches: list[StoredBatch]
    batch_count: int
    byte_count: int
    plain_byte_count: int
    answered: Callable[[simpy.Event], None]


class Reader:
    """A group member's place in one partition.

    `unread` has the newest batches and where they end; `touched` is up to where the page cache
    has been told of reads.
    """

    __slots__ = ("log", "member", "position", "touched", "unread")

    def __init__(self, member: "Member", log: BrokerLog, position: int) -> None:
        self.member = member
        self.log = log
        self.position = position
        self.touched = position
        self.unread: deque[tuple[int, StoredBatch]] = deque(maxlen=_UNREAD_LIMIT)


class Member(Protocol):
    """A consumer as the broker sees it: what it has asked for, and what there is for it.

    `available` bytes lie ahead of its readers, those that have some are `ready`; its fetch waits
    for data since `waiting_since_ns`, if it does.
    """

    number: int
    available: int
    waiting_since_ns: int | None
    ready: dict[Reader, None]
    fetch_min_byte_count: int
    partition_fetch_byte_count: int
    fetch_byte_count: int

    def data_came(self) -> None:
        """Something was appended to its partitions; its fetch may be waiting for that."""
        ...

    def answered(self, arrival_ns: int, byte_count: int, readers: list[Reader]) -> None:
        """An answer with so many bytes of payload for some readers will arrive at a time."""
        ...

"""The consumer: partitions and offsets by name, the next fetch under way, every batch checked."""

import time
from collections import deque
from collections.abc import Iterator, Mapping

from msgspec import Struct

from iowitness.impl.batch_reader import Batch, batches, records
from iowitness.impl.cluster_client import (
    EARLIEST,
    LATEST,
    RETRY_PAUSE_S,
    ClusterClient,
    FetchFailed,
)
from iowitness.impl.cluster_view import Node, TopicPartition
from iowitness.impl.consumer_config import ConsumerConfig
from iowitness.impl.errors import CorruptBatch, OffsetOutOfRange
from iowitness.impl.fetch_link import FetchLink, answered_first
from iowitness.impl.fetch_wire import PartitionFetched
from iowitness.impl.record_reader import Record
from iowitness.impl.wire_errors import RETRIABLE_CODES, BrokerUnreachable, ErrorCode

__all__ = ["Consumer", "ConsumerConfig", "FetchFailed", "PartitionRecords", "PositionOutOfRange"]


class PositionOutOfRange(OffsetOutOfRange):
    """A partition's position is below the log's start or past its end: `seek` from there."""

    def __init__(
        self, partition: TopicPartition, offset: int, start_offset: int, end_offset: int
    ) -> None:
        super().__init__(offset, start_offset, end_offset)
        self.partition = partition

    def __str__(self) -> str:
        return f"{self.partition.topic}-{self.partition.partition}: {super().__str__()}"


class PartitionRecords(Struct, frozen=True):
    """What one fetch brought of one partition: whole batches, their checksums right.

    Records before `from_offset` are in the first batch only because batches travel whole.
    """

    partition: TopicPartition
    from_offset: int
    batches: tuple[Batch, ...]

    @property
    def byte_count(self) -> int:
        """The batches as they were stored."""
        return sum(batch.header.byte_count for batch in self.batches)

    def records(self) -> Iterator[Record]:
        """The records from `from_offset` on; control batches are left out.

        Raises `CorruptRecord` where a batch's records are not what its head says.
        """
        for batch in self.batches:
            if batch.header.is_control:
                continue
            for record in records(batch):
                if record.offset >= self.from_offset:
                    yield record


class Consumer:
    """Reads assigned partitions, each from its own offset on. One thread at a time.

    A broker that goes away is looked for again, for as long as a request may take.
    """

    def __init__(self, bootstrap: str, config: ConsumerConfig | None = None) -> None:
        self._config = config or ConsumerConfig()
        self._timeout_s = self._config.request_timeout_ms / 1_000
        self.cluster = ClusterClient(bootstrap, self._config.client_id, self._timeout_s)
        self._links: dict[Node, FetchLink] = {}
        self._positions: dict[TopicPartition, int] = {}
        self._stops: dict[TopicPartition, int] = {}
        self._faults: deque[Exception] = deque()
        self._failing_since_s: float | None = None

    def partitions(self, topic: str) -> tuple[TopicPartition, ...]:
        """A topic's partitions, by number. Raises `FetchFailed` if there is no such topic."""
        return self.cluster.partitions(topic)

    def start_offsets(self, partitions: tuple[TopicPartition, ...]) -> dict[TopicPartition, int]:
        """The first offset of each partition."""
        return self.cluster.offsets(partitions, EARLIEST)

    def end_offsets(self, partitions: tuple[TopicPartition, ...]) -> dict[TopicPartition, int]:
        """The next offset of each partition."""
        return self.cluster.offsets(partitions, LATEST)

    def offsets_at(
        self, partitions: tuple[TopicPartition, ...], timestamp_ms: int
    ) -> dict[TopicPartition, int]:
        """The offset of each partition's first record at or after a time; its end if none is."""
        found = self.cluster.offsets(partitions, timestamp_ms)
        late = tuple(partition for partition, offset in found.items() if offset < 0)
        return found | (self.end_offsets(late) if late else {})

    def assign(
        self,
        positions: Mapping[TopicPartition, int],
        stop_offsets: Mapping[TopicPartition, int] | None = None,
    ) -> None:
        """Read these partitions, each from its offset on, instead of any before.

        A partition that has reached its stop offset is no longer asked for. Fetches name
        partitions in the order given here.
        """
        self._positions = dict(positions)
        self._stops = dict(stop_offsets or {})
        self._faults.clear()
        self._drop_finished()

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on reading an assigned partition from another offset. Raises `KeyError`."""
        self._positions[partition]
        self._positions[partition] = offset

    @property
    def positions(self) -> Mapping[TopicPartition, int]:
        """The next offset of each partition that is still read: past all that `poll` gave."""
        return self._positions

    def poll(self) -> list[PartitionRecords]:
        """What came, by partition, of the brokers that lead an assigned one.

        Empty if nothing is assigned, or nothing came within `max_wait_ms`. Raises
        `PositionOutOfRange`, `FetchFailed`, `CorruptBatch` for a batch whose checksum is wrong,
        each after what came beside it was given; and `BrokerUnreachable`.
        """
        if self._faults:
            raise self._faults.popleft()
        try:
            found = self._polled()
        except (BrokerUnreachable, FetchFailed) as error:
            if isinstance(error, FetchFailed) and error.error_code not in RETRIABLE_CODES:
                raise
            self._try_later(error)
            return []
        self._failing_since_s = None
        if self._faults and not found:
            raise self._faults.popleft()
        return found

    def close(self) -> None:
        """End all connections; a second call does nothing."""
        self._forget_links()
        self.cluster.forget()

    def _polled(self) -> list[PartitionRecords]:
        self._ask()
        asked = [link for link in self._links.values() if link.is_asked]
        found: list[PartitionRecords] = []
        if not asked:
            return found
        for link in answered_first(asked, self._config.max_wait_ms / 1_000):
            offsets = link.asked
            response = link.answer()
            if response.error_code:
                raise FetchFailed(next(iter(offsets)), response.error_code)
            for fetched in response.partitions:
                partition = TopicPartition(fetched.topic, fetched.head.partition)
                # An answer that was asked for before a `seek` or `assign` is of no use any more.
                if self._positions.get(partition) == offsets.get(partition, -1):
                    came = self._taken(partition, fetched)
                    found += [] if came is None else [came]
        self._drop_finished()
        if not self._faults:
            self._ask()  # while the caller works on what came
        return found

    def _ask(self) -> None:
        """Have a fetch under way at every broker that leads something."""
        unknown = {p.topic for p in self._positions if self.cluster.view.leader(p) is None}
        if unknown:
            self.cluster.refresh(tuple(sorted(unknown)))
        for node, partitions in self.cluster.by_leader(self._positions).items():
            link = self._links.get(node)
            if link is None:
                opened = self.cluster.opened(node, self._timeout_s)
                link = self._links[node] = FetchLink(opened, self._config)
            if not link.is_asked:
                link.ask({partition: self._positions[partition] for partition in partitions})

    def _taken(
        self, partition: TopicPartition, fetched: PartitionFetched
    ) -> PartitionRecords | None:
        """The whole batches of one partition; the position moves past them."""
        position = self._positions[partition]
        code = fetched.head.error_code
        if code in RETRIABLE_CODES:
            self.cluster.refresh((partition.topic,))
            time.sleep(RETRY_PAUSE_S)
            return None
        if code:
            self._faults.append(self._fault(partition, position, code))
            return None
        whole: list[Batch] = []
        try:
            for batch in batches(fetched.records):
                batch.check()
                whole.append(batch)
        except CorruptBatch as error:
            self._faults.append(error)
        if not whole:
            return None
        self._positions[partition] = whole[-1].header.next_offset
        return PartitionRecords(partition, position, tuple(whole))

    def _fault(self, partition: TopicPartition, position: int, code: int) -> Exception:
        if code != ErrorCode.OFFSET_OUT_OF_RANGE:
            return FetchFailed(partition, code)
        starts, ends = self.start_offsets((partition,)), self.end_offsets((partition,))
        return PositionOutOfRange(partition, position, starts[partition], ends[partition])

    def _drop_finished(self) -> None:
        for partition, stop in self._stops.items():
            if self._positions.get(partition, -1) >= stop:
                del self._positions[partition]

    def _try_later(self, error: Exception) -> None:
        """Forget all connections and pause; raises the error once that has lasted too long."""
        self._forget_links()
        self.cluster.forget()
        now_s = time.monotonic()
        self._failing_since_s = self._failing_since_s or now_s
        if now_s - self._failing_since_s >= self._timeout_s:
            self._failing_since_s = None
            raise error
        time.sleep(RETRY_PAUSE_S)
        self.cluster.refresh(tuple(sorted({partition.topic for partition in self._positions})))

    def _forget_links(self) -> None:
        for link in self._links.values():
            link.close()
        self._links.clear()

"""From the callers' lists into batches: which partition, which batch, on the sender's thread."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import cast

from iowitness.impl.accumulator import Accumulator, record_byte_count
from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.delivery import (
    Delivery,
    FullDelivery,
    ManyDelivery,
    ObservedDelivery,
    gathered,
    gathered_observed,
)
from iowitness.impl.finished_batches import FinishedBatches
from iowitness.impl.metadata_needs import MetadataNeeds
from iowitness.impl.partitioner import partition_of_key
from iowitness.impl.producer_batch import (
    RECORD_OVERHEAD_BYTE_COUNT,
    FullPart,
    ManyPart,
    Part,
    ProducerBatch,
)
from iowitness.impl.producer_errors import MetadataUnavailable
from iowitness.impl.producer_memory import Intake
from iowitness.impl.wire_errors import named


class HandingOver:
    """Takes records over once their topic's partitions are known."""

    def __init__(
        self,
        accumulator: Accumulator,
        metadata: MetadataNeeds,
        finished: FinishedBatches,
        max_block_ns: int,
    ) -> None:
        self._accumulator = accumulator
        self._metadata = metadata
        self._finished = finished
        self._max_block_ns = max_block_ns

    def take(
        self, intakes: Iterable[Intake], now_ns: int, arrived_ns: int, timestamp_ms: int
    ) -> bool:
        """Take over what is there; False if some has to wait for metadata.

        `arrived_ns` is when it came at the earliest: linger counts from there. Records without a
        timestamp get `timestamp_ms`.
        """
        all_taken = True
        for intake in intakes:
            if not intake.handed:
                continue
            if self._metadata.use(intake.topic):
                intake.unknown_since_ns = None
                self._take_from(intake, arrived_ns, timestamp_ms)
            else:
                all_taken = False
                self._wait_for_metadata(intake, now_ns)
        return all_taken

    def deadline_ns(self, intakes: Iterable[Intake]) -> int | None:
        """When the first of the waiting topics is given up."""
        waits = [i.unknown_since_ns for i in intakes if i.unknown_since_ns is not None]
        return min(waits) + self._max_block_ns if waits else None

    def fail_all(self, intakes: Iterable[Intake], error: Exception) -> None:
        """Give up whatever was not taken over."""
        for intake in intakes:
            for handed in intake.take_all():
                self._fail(intake.topic, handed, error)

    def _wait_for_metadata(self, intake: Intake, now_ns: int) -> None:
        if intake.unknown_since_ns is None:
            intake.unknown_since_ns = now_ns
        if now_ns - intake.unknown_since_ns < self._max_block_ns:
            return
        code = self._metadata.view.topic_errors.get(intake.topic)
        why = "no broker answered" if code is None else f"the broker answered {named(code)}"
        self.fail_all(
            (intake,),
            MetadataUnavailable(
                f"topic={intake.topic}: {why} within max_block_ms="
                f"{self._max_block_ns // 1_000_000} ms"
            ),
        )
        intake.unknown_since_ns = None

    def _take_from(self, intake: Intake, arrived_ns: int, timestamp_ms: int) -> None:
        count = self._metadata.view.partition_counts[intake.topic]
        handed = intake.take_all()
        append_many = self._accumulator.append_many
        if not intake.has_mixed:
            many = gathered(cast("list[Delivery]", handed))
            append_many(intake.topic, count, many, timestamp_ms, arrived_ns)
            return
        kinds = set(map(type, handed))
        if kinds == {ObservedDelivery}:
            many = gathered_observed(cast("list[ObservedDelivery]", handed))
            append_many(intake.topic, count, many, timestamp_ms, arrived_ns)
            return
        for kind, group in groupby(handed, type):
            if kind is FullDelivery:
                for one in cast("Iterator[FullDelivery]", group):
                    self._take_full(intake.topic, count, one, arrived_ns)
                continue
            for many in _gathered_by_kind(kind, list(group)):
                append_many(intake.topic, count, many, timestamp_ms, arrived_ns)

    def _take_full(self, topic: str, count: int, record: FullDelivery, arrived_ns: int) -> None:
        partition = record.partition
        if partition is None and record.key is not None:
            partition = partition_of_key(record.key, count)
        if partition is None:
            self._accumulator.append_unkeyed(topic, count, record, arrived_ns)
        elif partition < count:
            self._accumulator.append(TopicPartition(topic, partition), record, arrived_ns)
        else:
            expected = f"expected 0..{count - 1} of {topic}"
            self._fail(topic, record, MetadataUnavailable(f"partition={partition}, {expected}"))

    def _fail(self, topic: str, handed: Delivery | ManyDelivery, error: Exception) -> None:
        """Tell the owner of a record that never came into a batch."""
        batch = ProducerBatch(TopicPartition(topic, -1), 0, 0)
        batch.reserved_byte_count = _reserved_byte_count(handed)
        batch.parts.append(_alone(handed))
        self._finished.finish(batch, error=error)


def _gathered_by_kind(kind: type, handed: list[Delivery | ManyDelivery]) -> Sequence[ManyDelivery]:
    """Neighbours of one kind as stretches of values."""
    if kind is Delivery:
        return (gathered(cast("list[Delivery]", handed)),)
    if kind is ObservedDelivery:
        return (gathered_observed(cast("list[ObservedDelivery]", handed)),)
    return cast("list[ManyDelivery]", handed)


def _alone(handed: Delivery | ManyDelivery) -> Part:
    if isinstance(handed, FullDelivery):
        return FullPart(handed)
    if isinstance(handed, Delivery):
        (handed,) = _gathered_by_kind(type(handed), [handed])
    return ManyPart(handed, 0, handed.count, -1)


def _reserved_byte_count(handed: Delivery | ManyDelivery) -> int:
    if isinstance(handed, ManyDelivery):
        return values_byte_count(handed.values)
    if isinstance(handed, FullDelivery):
        return record_byte_count(handed.key, handed.value, handed.headers)
    assert isinstance(handed.held, bytes)
    return record_byte_count(None, handed.held, ())


def values_byte_count(values: Sequence[bytes]) -> int:
    """What many bare values count in the buffer memory."""
    return sum(map(len, values)) + RECORD_OVERHEAD_BYTE_COUNT * len(values)

"""Fetch: which stretches of which segments make up the answer, and whether it has to wait."""

from collections.abc import Sequence

from msgspec import Struct

from iowitness.impl.broker_state import Answer, BrokerState, ParkedFetch, Part
from iowitness.impl.errors import OffsetOutOfRange
from iowitness.impl.fetch_plan import FetchBudget, PartitionSlice, response_parts
from iowitness.impl.fetch_wire import FetchRequest, PartitionHead, PartitionWanted
from iowitness.impl.file_region import FileRegion
from iowitness.impl.request_header import RequestHeader, response_frame
from iowitness.impl.wire_errors import ErrorCode

_READ_COMMITTED = 1
_DECLINED_SESSION_EPOCHS = frozenset({-1, 0})


class _Reading(Struct, frozen=True):
    """What one pass over the partitions found.

    `cannot_wait` says that waiting would not bring more: a partition has an error, or a segment was
    read to its end and only the next fetch reads on in the following one.
    """

    slices: tuple[PartitionSlice[FileRegion], ...]
    byte_count: int
    cannot_wait: bool

    def is_enough(self, request: FetchRequest) -> bool:
        """Whether to answer now. Source: DelayedFetch.tryComplete."""
        return self.byte_count >= request.min_byte_count or self.cannot_wait


def fetch(state: BrokerState, header: RequestHeader, request: FetchRequest) -> Answer:
    """The answer, or a fetch that waits until `min_byte_count` are there.

    Sessions are declined: the answer carries session id 0, and a request on a session that was
    never given is told so.
    """
    if request.session_epoch not in _DECLINED_SESSION_EPOCHS or (
        request.session_id != 0 and request.session_epoch == 0
    ):
        return response_parts(
            response_frame(header), header.version, ErrorCode.FETCH_SESSION_ID_NOT_FOUND, ()
        )
    reading = _read(state, request)
    if reading.is_enough(request) or request.max_wait_ms <= 0 or not reading.slices:
        return _answer(header, reading)
    return ParkedFetch(header, request)


def retried(state: BrokerState, parked: ParkedFetch) -> Sequence[Part] | None:
    """The answer of a waiting fetch if there is enough by now, else None."""
    reading = _read(state, parked.request)
    return _answer(parked.header, reading) if reading.is_enough(parked.request) else None


def timed_out(state: BrokerState, parked: ParkedFetch) -> Sequence[Part]:
    """The answer of a waiting fetch whose time is up, with whatever there is."""
    return _answer(parked.header, _read(state, parked.request))


def _answer(header: RequestHeader, reading: _Reading) -> Sequence[Part]:
    return response_parts(response_frame(header), header.version, ErrorCode.NONE, reading.slices)


def _read(state: BrokerState, request: FetchRequest) -> _Reading:
    budget = FetchBudget(min(request.max_byte_count, state.config.max_fetch_byte_count))
    slices = []
    cannot_wait = False
    for topic in request.topics:
        for wanted in topic.partitions:
            piece = _read_partition(state, topic.topic, wanted, budget, request.isolation_level)
            budget.take(0 if piece.region is None else piece.region.byte_count)
            slices.append(piece)
            cannot_wait |= bool(piece.head.error_code) or _is_behind(state, topic.topic, wanted)
    return _Reading(tuple(slices), budget.taken_byte_count, cannot_wait)


def _is_behind(state: BrokerState, topic: str, wanted: PartitionWanted) -> bool:
    """Whether a fetch is of a segment that nothing will be added to any more."""
    partition = state.topics.partition(topic, wanted.partition)
    return partition is not None and wanted.fetch_offset < partition.log.active_segment.base_offset


def _read_partition(
    state: BrokerState,
    topic: str,
    wanted: PartitionWanted,
    budget: FetchBudget,
    isolation_level: int,
) -> PartitionSlice[FileRegion]:
    partition = state.topics.partition(topic, wanted.partition)
    if partition is None:
        return _failed(topic, wanted.partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if partition.fault is not None:
        return _failed(topic, wanted.partition, ErrorCode.KAFKA_STORAGE_ERROR)
    if wanted.current_leader_epoch > 0:
        return _failed(topic, wanted.partition, ErrorCode.UNKNOWN_LEADER_EPOCH)
    log = partition.log
    is_committed = isolation_level == _READ_COMMITTED
    try:
        found = log.read(
            wanted.fetch_offset,
            budget.limit(wanted.max_byte_count),
            at_least_one_batch=budget.at_least_one_batch,
            limit_offset=log.last_stable_offset if is_committed else None,
        )
    except OffsetOutOfRange:
        return _failed(topic, wanted.partition, ErrorCode.OFFSET_OUT_OF_RANGE)
    aborted: tuple[tuple[int, int], ...] = ()
    if is_committed and found.region is not None:
        # Which transactions end behind the region is not known without reading it; those that
        # have nothing in it are passed over by the client.
        aborted = tuple(
            (one.producer_id, one.first_offset)
            for one in log.aborted_transactions(found.base_offset, log.end_offset)
        )
    head = PartitionHead(
        wanted.partition,
        ErrorCode.NONE,
        log.end_offset,
        log.last_stable_offset,
        log.start_offset,
        aborted,
    )
    return PartitionSlice(topic, head, found.region)


def _failed(topic: str, partition: int, code: ErrorCode) -> PartitionSlice[FileRegion]:
    return PartitionSlice(topic, PartitionHead(partition, code), None)

"""Places in logs: ListOffsets by time, OffsetForLeaderEpoch by epoch."""

import logging

from iowitness.impl.broker_state import BrokerState, Session
from iowitness.impl.errors import CorruptBatch
from iowitness.impl.log import Log
from iowitness.impl.log_reading import TimedOffset
from iowitness.impl.messages.cluster import (
    EpochEnd,
    EpochEndTopic,
    EpochWanted,
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
)
from iowitness.impl.request_header import RequestHeader
from iowitness.impl.topics import Partition
from iowitness.impl.wire_errors import ErrorCode

_logger = logging.getLogger(__name__)

_LATEST = -1
_EARLIEST = frozenset({-2, -4})
_LARGEST_TIMESTAMP = -3
_TIERED = frozenset({-5, -6})
"""The last tiered record and the first to be tiered: there are no tiers."""

_READ_COMMITTED = 1


def list_offsets(
    state: BrokerState, session: Session, header: RequestHeader, request: ListOffsetsRequest
) -> ListOffsetsResponse:
    """Offsets by time, or the start or end of the log."""
    del session, header
    return ListOffsetsResponse(
        topics=tuple(
            ListOffsetsTopicResponse(
                name=topic.name,
                partitions=tuple(
                    _offset(state, topic.name, wanted, request.isolation_level)
                    for wanted in topic.partitions
                ),
            )
            for topic in request.topics
        )
    )


def _offset(
    state: BrokerState, topic: str, wanted: ListOffsetsPartition, isolation_level: int
) -> ListOffsetsPartitionResponse:
    partition = state.topics.partition(topic, wanted.partition_index)
    error = _partition_error(partition, wanted.current_leader_epoch)
    found: TimedOffset | None = None
    if partition is not None and error is ErrorCode.NONE:
        try:
            found = _found(partition.log, wanted.timestamp, isolation_level)
        except CorruptBatch as damage:
            _logger.error("%s", damage)  # noqa: TRY400 - the disk, not this code
            error = ErrorCode.CORRUPT_MESSAGE
    return ListOffsetsPartitionResponse(
        partition_index=wanted.partition_index,
        error_code=error,
        timestamp=-1 if found is None else found.timestamp_ms,
        offset=-1 if found is None else found.offset,
        leader_epoch=-1 if found is None else 0,
    )


def _partition_error(partition: Partition | None, leader_epoch: int) -> ErrorCode:
    if partition is None:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    if partition.fault is not None:
        return ErrorCode.KAFKA_STORAGE_ERROR
    return ErrorCode.UNKNOWN_LEADER_EPOCH if leader_epoch > 0 else ErrorCode.NONE


def _found(log: Log, timestamp_ms: int, isolation_level: int) -> TimedOffset | None:
    """What is at a time, or at one of the negative numbers that stand for places in a log."""
    if timestamp_ms == _LATEST:
        is_committed = isolation_level == _READ_COMMITTED
        return TimedOffset(log.last_stable_offset if is_committed else log.end_offset, -1)
    if timestamp_ms in _EARLIEST:
        return TimedOffset(log.start_offset, -1)
    if timestamp_ms == _LARGEST_TIMESTAMP:
        return log.latest_timestamp()
    return None if timestamp_ms in _TIERED else log.offset_for_time(timestamp_ms)


def offset_for_leader_epoch(
    state: BrokerState,
    session: Session,
    header: RequestHeader,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse:
    """Where leader epochs ended: a client whose offset lies behind has seen what was cut away."""
    del session, header
    return OffsetForLeaderEpochResponse(
        topics=tuple(
            EpochEndTopic(
                topic=topic.topic,
                partitions=tuple(_epoch_end(state, topic.topic, one) for one in topic.partitions),
            )
            for topic in request.topics
        )
    )


def _epoch_end(state: BrokerState, topic: str, wanted: EpochWanted) -> EpochEnd:
    partition = state.topics.partition(topic, wanted.partition)
    error = _partition_error(partition, wanted.current_leader_epoch)
    if partition is None or error is not ErrorCode.NONE:
        return EpochEnd(error_code=error, partition=wanted.partition)
    log = partition.log
    end = log.leader_epochs.end_offset_of(wanted.leader_epoch, log.end_offset)
    if end is None:
        return EpochEnd(error_code=ErrorCode.NONE, partition=wanted.partition)
    return EpochEnd(
        error_code=ErrorCode.NONE,
        partition=wanted.partition,
        leader_epoch=end.epoch,
        end_offset=end.start_offset,
    )

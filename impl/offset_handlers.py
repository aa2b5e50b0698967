"""OffsetCommit, OffsetFetch and OffsetDelete: where groups stand in their partitions."""

from iowitness.impl.broker_state import BrokerState, Session
from iowitness.impl.group_records import OffsetKey, OffsetValue
from iowitness.impl.group_state import GroupState
from iowitness.impl.messages.groups import (
    CommitResult,
    CommittedPartition,
    CommitTopicResult,
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetDeletePartitionResult,
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteTopicResult,
    OffsetFetchRequest,
    OffsetFetchResponse,
    OffsetFetchTopic,
    StoredGroup,
    StoredPartition,
    StoredTopic,
)
from iowitness.impl.request_header import RequestHeader
from iowitness.impl.wire_errors import ErrorCode


def offset_commit(
    state: BrokerState, session: Session, header: RequestHeader, request: OffsetCommitRequest
) -> OffsetCommitResponse:
    """Save offsets; those that cannot be taken have an error of their own."""
    del session, header
    now_ns = state.now_ns()
    refusal = state.groups.commit_error(
        request.group_id,
        request.member_id,
        request.group_instance_id,
        request.generation_id_or_member_epoch,
        now_ns=now_ns,
    )
    values: dict[OffsetKey, OffsetValue] = {}
    errors: dict[tuple[str, int], ErrorCode] = {}
    for topic in request.topics:
        for wanted in topic.partitions:
            error = refusal or _commit_error(state, topic.name, wanted)
            errors[topic.name, wanted.partition_index] = error
            if error is ErrorCode.NONE:
                key = OffsetKey(
                    group=request.group_id, topic=topic.name, partition=wanted.partition_index
                )
                values[key] = _value(wanted, state.wall_ms())
    written = state.groups.commit(request.group_id, values, now_ns=now_ns)
    return OffsetCommitResponse(
        topics=tuple(
            CommitTopicResult(
                name=topic.name,
                partitions=tuple(
                    CommitResult(
                        partition_index=wanted.partition_index,
                        error_code=errors[topic.name, wanted.partition_index] or written,
                    )
                    for wanted in topic.partitions
                ),
            )
            for topic in request.topics
        )
    )


def _commit_error(state: BrokerState, topic: str, wanted: CommittedPartition) -> ErrorCode:
    if state.topics.partition(topic, wanted.partition_index) is None:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    metadata = (wanted.committed_metadata or "").encode()
    if len(metadata) > state.config.groups.most_offset_metadata_byte_count:
        return ErrorCode.OFFSET_METADATA_TOO_LARGE
    return ErrorCode.NONE


def _value(wanted: CommittedPartition, now_ms: int) -> OffsetValue:
    return OffsetValue(
        offset=wanted.committed_offset,
        leader_epoch=wanted.committed_leader_epoch,
        metadata=wanted.committed_metadata or "",
        commit_timestamp=now_ms,
    )


def offset_fetch(
    state: BrokerState, session: Session, header: RequestHeader, request: OffsetFetchRequest
) -> OffsetFetchResponse:
    """The offsets of one group, or since version 8 of several."""
    del session
    if header.version < 8:
        return OffsetFetchResponse(topics=_stored(state, request.group_id, request.topics))
    return OffsetFetchResponse(
        groups=tuple(
            StoredGroup(
                group_id=group.group_id, topics=_stored(state, group.group_id, group.topics)
            )
            for group in request.groups
        )
    )


def _stored(
    state: BrokerState, group: str, wanted: tuple[OffsetFetchTopic, ...] | None
) -> tuple[StoredTopic, ...]:
    """The offsets asked for, -1 where nothing was committed; all that there are for None."""
    offsets = state.groups.offsets.committed.of(group)
    if wanted is None:
        numbers: dict[str, list[int]] = {}
        for topic, number in sorted(offsets):
            numbers.setdefault(topic, []).append(number)
        wanted = tuple(
            OffsetFetchTopic(name=name, partition_indexes=tuple(own))
            for name, own in numbers.items()
        )
    return tuple(
        StoredTopic(
            name=topic.name,
            partitions=tuple(
                _stored_partition(number, offsets.get((topic.name, number)))
                for number in topic.partition_indexes
            ),
        )
        for topic in wanted
    )


def _stored_partition(number: int, value: OffsetValue | None) -> StoredPartition:
    if value is None:
        return StoredPartition(partition_index=number)
    return StoredPartition(
        partition_index=number,
        committed_offset=value.offset,
        committed_leader_epoch=value.leader_epoch,
        metadata=value.metadata,
    )


def offset_delete(
    state: BrokerState, session: Session, header: RequestHeader, request: OffsetDeleteRequest
) -> OffsetDeleteResponse:
    """Offsets go, unless the group has members: which topics those read is theirs to know."""
    del session, header
    name = request.group_id
    group = state.groups.groups.get(name)
    committed = state.groups.offsets.committed
    if group is None and name not in committed.groups():
        return OffsetDeleteResponse(error_code=ErrorCode.GROUP_ID_NOT_FOUND)
    if group is not None and group.state is not GroupState.EMPTY:
        return OffsetDeleteResponse(error_code=ErrorCode.NON_EMPTY_GROUP)
    keys = [
        OffsetKey(group=name, topic=topic.name, partition=one.partition_index)
        for topic in request.topics
        for one in topic.partitions
        if (topic.name, one.partition_index) in committed.of(name)
    ]
    error = state.groups.offsets.forget(keys)
    return OffsetDeleteResponse(
        error_code=error,
        topics=tuple(
            OffsetDeleteTopicResult(
                name=topic.name,
                partitions=tuple(
                    OffsetDeletePartitionResult(
                        partition_index=one.partition_index, error_code=ErrorCode.NONE
                    )
                    for one in topic.partitions
                ),
            )
            for topic in request.topics
        ),
    )

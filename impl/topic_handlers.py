"""CreateTopics, DeleteTopics and CreatePartitions."""

from collections import Counter
from collections.abc import Sequence

from iowitness.impl.broker_state import BrokerState, Session
from iowitness.impl.config_answers import topic_settings_told
from iowitness.impl.group_journal import OFFSETS_TOPIC
from iowitness.impl.message_codec import NO_UUID
from iowitness.impl.messages.admin import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreateTopicsRequest,
    CreateTopicsResponse,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DoomedTopic,
    GrowingTopic,
    GrownTopic,
    MadeSetting,
    MadeTopic,
    RemovedTopic,
    WantedTopic,
)
from iowitness.impl.refusals import REFUSALS, Refused, told_refusal
from iowitness.impl.request_header import RequestHeader
from iowitness.impl.topic_checks import check_new_topic, check_partition_count, known_topic
from iowitness.impl.topics import Topic
from iowitness.impl.wire_errors import ErrorCode

_DEFAULT = -1


def create_topics(
    state: BrokerState, session: Session, header: RequestHeader, request: CreateTopicsRequest
) -> CreateTopicsResponse:
    """Make topics, or say whether they could be made; each has a result of its own."""
    del session, header
    counts = Counter(topic.name for topic in request.topics)
    once = [topic for topic in request.topics if counts[topic.name] == 1]
    made = [
        MadeTopic(
            name=name,
            error_code=ErrorCode.INVALID_REQUEST,
            error_message="Duplicate topic name in request.",
        )
        for name, count in counts.items()
        if count > 1
    ]
    made += [_made(state, wanted, is_dry=request.validate_only) for wanted in once]
    return CreateTopicsResponse(topics=tuple(made))


def _made(state: BrokerState, wanted: WantedTopic, *, is_dry: bool) -> MadeTopic:
    try:
        partition_count = _partition_count(state, wanted)
        check_new_topic(state, wanted.name, partition_count)
        settings = {one.name: one.value for one in wanted.configs if one.value is not None}
        config = state.topics.config_with(settings)
        topic_id = NO_UUID
        if not is_dry:
            topic_id = state.topics.create(
                wanted.name, partition_count, now_ms=state.wall_ms(), settings=settings
            ).topic_id
    except REFUSALS as error:
        error_code, message = told_refusal(error, f"topic {wanted.name}")
        return MadeTopic(name=wanted.name, error_code=error_code, error_message=message)
    told = topic_settings_told(settings, config, state.config.log)
    return MadeTopic(
        name=wanted.name,
        topic_id=topic_id,
        error_code=ErrorCode.NONE,
        num_partitions=partition_count,
        replication_factor=1,
        configs=tuple(
            MadeSetting(name=one.name, value=one.value, config_source=one.config_source)
            for one in told
        ),
    )


def _partition_count(state: BrokerState, wanted: WantedTopic) -> int:
    if wanted.assignments:
        return _assigned_count(state, wanted)
    if wanted.replication_factor not in {_DEFAULT, 1}:
        raise Refused(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            f"replication factor={wanted.replication_factor}, expected 1: there is one broker",
        )
    count = wanted.num_partitions
    return state.config.default_partition_count if count == _DEFAULT else count


def _assigned_count(state: BrokerState, wanted: WantedTopic) -> int:
    if (wanted.num_partitions, wanted.replication_factor) != (_DEFAULT, _DEFAULT):
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            "partition count and replication factor must be -1 where assignments are given",
        )
    numbers = sorted(one.partition_index for one in wanted.assignments)
    if numbers != list(range(len(numbers))):
        raise Refused(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            f"partitions {numbers[:20]}, expected each of 0..{len(numbers) - 1} once",
        )
    _check_brokers(state, [one.broker_ids for one in wanted.assignments])
    return len(numbers)


def _check_brokers(state: BrokerState, assignments: Sequence[Sequence[int]]) -> None:
    for broker_ids in assignments:
        if tuple(broker_ids) != (state.config.node_id,):
            raise Refused(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"brokers {list(broker_ids)[:20]}, expected [{state.config.node_id}]",
            )


def delete_topics(
    state: BrokerState, session: Session, header: RequestHeader, request: DeleteTopicsRequest
) -> DeleteTopicsResponse:
    """Remove topics, by name or (6+) by id, and the offsets that groups have committed for them."""
    del session
    doomed = request.topics
    if header.version < 6:
        doomed = tuple(DoomedTopic(name=name) for name in request.topic_names)
    return DeleteTopicsResponse(responses=tuple(_removed(state, one) for one in doomed))


def _removed(state: BrokerState, doomed: DoomedTopic) -> RemovedTopic:
    topic_id = doomed.topic_id
    try:
        topic = _found(state, doomed)
        topic_id = topic.topic_id
        partitions = {(topic.name, partition.number) for partition in topic.partitions}
        state.topics.delete(topic)
    except REFUSALS as error:
        error_code, message = told_refusal(error, f"topic {doomed.name}")
        return RemovedTopic(
            name=doomed.name, topic_id=topic_id, error_code=error_code, error_message=message
        )
    state.groups.forget_topic(topic.name)
    state.appended |= partitions  # fetches that wait for them have an answer now: it is gone
    return RemovedTopic(name=topic.name, topic_id=topic_id, error_code=ErrorCode.NONE)


def _found(state: BrokerState, doomed: DoomedTopic) -> Topic:
    if (doomed.name is None) == (doomed.topic_id == NO_UUID):
        raise Refused(ErrorCode.INVALID_REQUEST, "expected a topic's name or its id, not both")
    if doomed.name is None:
        topic = state.topics.by_id(doomed.topic_id)
        if topic is None:
            raise Refused(ErrorCode.UNKNOWN_TOPIC_ID, "This server does not host this topic ID.")
    else:
        topic = known_topic(state, doomed.name)
    if topic.name == OFFSETS_TOPIC:
        raise Refused(
            ErrorCode.INVALID_REQUEST, f"{OFFSETS_TOPIC} holds the committed offsets of groups"
        )
    return topic


def create_partitions(
    state: BrokerState, session: Session, header: RequestHeader, request: CreatePartitionsRequest
) -> CreatePartitionsResponse:
    """More partitions for topics; fewer is not possible."""
    del session, header
    return CreatePartitionsResponse(
        results=tuple(
            _grown(state, growing, is_dry=request.validate_only) for growing in request.topics
        )
    )


def _grown(state: BrokerState, growing: GrowingTopic, *, is_dry: bool) -> GrownTopic:
    try:
        topic = known_topic(state, growing.name)
        _check_growth(state, topic, growing)
        if not is_dry:
            state.topics.grow(topic, growing.count, now_ms=state.wall_ms())
    except REFUSALS as error:
        error_code, message = told_refusal(error, f"topic {growing.name}")
        return GrownTopic(name=growing.name, error_code=error_code, error_message=message)
    return GrownTopic(name=growing.name, error_code=ErrorCode.NONE)


def _check_growth(state: BrokerState, topic: Topic, growing: GrowingTopic) -> None:
    present = len(topic.partitions)
    if growing.count <= present:
        raise Refused(
            ErrorCode.INVALID_PARTITIONS,
            f"partition count={growing.count}, expected more than the {present} that there are",
        )
    check_partition_count(state, growing.count, present)
    if topic.name == OFFSETS_TOPIC:
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            f"{OFFSETS_TOPIC} keeps its partition count: it decides where each group is kept",
        )
    if growing.assignments is not None:
        if len(growing.assignments) != growing.count - present:
            raise Refused(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"{len(growing.assignments)} assignments, expected {growing.count - present}",
            )
        _check_brokers(state, [one.broker_ids for one in growing.assignments])

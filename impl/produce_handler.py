"""Produce: each partition's batch set goes to its log as it came, in one write."""

from iowitness.impl.batch_format import NO_TIMESTAMP_MS
from iowitness.impl.broker_state import Answer, BrokerState, Session
from iowitness.impl.compression import ReadLimits
from iowitness.impl.errors import BatchRefused, CorruptBatch, LimitExceeded
from iowitness.impl.leader_intake import IntakeRules, taken_in
from iowitness.impl.log_config import Cleanup
from iowitness.impl.plain_size import check_plain_size
from iowitness.impl.produce_wire import (
    PartitionAppended,
    PartitionBatches,
    ProduceRequest,
    ProduceResponse,
    RecordFault,
    TopicAppended,
)
from iowitness.impl.request_header import RequestHeader
from iowitness.impl.topic_settings import TopicConfig
from iowitness.impl.topics import Partition
from iowitness.impl.wire_errors import ErrorCode, ProtocolViolation, named

_ALL_ACKS = frozenset({0, 1, -1})


def produce(
    state: BrokerState, session: Session, header: RequestHeader, request: ProduceRequest
) -> ProduceResponse:
    """Append every partition's batch set; what became of each, in the order of the request."""
    del session
    topics = []
    for topic in request.topics:
        partitions = [
            _refused(batches.partition, ErrorCode.INVALID_REQUIRED_ACKS)
            if request.acks not in _ALL_ACKS
            else _append(state, header, topic.topic, batches)
            for batches in topic.partitions
        ]
        for partition in partitions:
            if partition.error_code:
                state.metrics.refused(partition.error_code)
        topics.append(TopicAppended(topic.topic, tuple(partitions)))
    return ProduceResponse(tuple(topics))


def unacknowledged(response: ProduceResponse) -> Answer:
    """The answer to acks=0: none, and where something failed the connection's end.

    Source: KafkaApis.handleProduceRequest: the client has no other way to hear of it.
    """
    for topic in response.topics:
        for partition in topic.partitions:
            if partition.error_code:
                raise ProtocolViolation(
                    f"acks=0 and {topic.topic}-{partition.partition} failed with "
                    f"{named(partition.error_code)}: expected acks=1 from clients that want to hear"
                )
    return None


def _append(
    state: BrokerState, header: RequestHeader, topic: str, batches: PartitionBatches
) -> PartitionAppended:
    partition = state.topics.partition(topic, batches.partition)
    if partition is None:
        return _refused(batches.partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if partition.fault is not None:
        return _refused(batches.partition, ErrorCode.KAFKA_STORAGE_ERROR, partition.fault)
    if batches.records is None or len(batches.records) == 0:
        return _refused(batches.partition, ErrorCode.INVALID_RECORD, "no batch, expected one")
    del header
    rules = intake_rules(state.topics.by_name[topic].config, state.config.batch_limits)
    return _appended(state, partition, batches.records, rules)


def intake_rules(config: TopicConfig, limits: ReadLimits) -> IntakeRules:
    """What a topic's settings ask of a client's batch."""
    return IntakeRules(
        codec=config.codec,
        stamps_append_time=config.stamps_append_time,
        needs_keys=config.log.cleanup is not Cleanup.DELETE,
        limits=limits,
    )


def _appended(
    state: BrokerState, partition: Partition, records: memoryview, rules: IntakeRules
) -> PartitionAppended:
    now_ms = state.wall_ms()
    try:
        check_plain_size(records, rules.limits)
        taken = taken_in(records, rules, now_ms)
        appended = partition.log.append(taken.batch, now_ms=now_ms)
    except LimitExceeded as error:
        raise ProtocolViolation(f"{partition.topic}-{partition.number}: {error}") from error
    except CorruptBatch as error:
        return _refused(partition.number, ErrorCode.CORRUPT_MESSAGE, str(error))
    except BatchRefused as error:
        faults = tuple(RecordFault(index) for index in error.record_indexes)
        return PartitionAppended(
            partition.number, error.error_code, record_faults=faults, error_message=str(error)
        )
    except OSError as error:
        partition.fence(error)
        return _refused(partition.number, ErrorCode.KAFKA_STORAGE_ERROR, partition.fault)
    state.appended.add((partition.topic, partition.number))
    if not appended.is_duplicate:
        state.metrics.appended(appended.last_offset - appended.base_offset + 1, appended.byte_count)
    return PartitionAppended(
        partition.number,
        ErrorCode.NONE,
        appended.base_offset,
        NO_TIMESTAMP_MS if appended.is_duplicate else taken.append_time_ms,
        partition.log.start_offset,
    )


def _refused(
    partition: int, error_code: ErrorCode, message: str | None = None
) -> PartitionAppended:
    return PartitionAppended(partition, error_code, error_message=message)

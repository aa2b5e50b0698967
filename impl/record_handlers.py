"""DeleteRecords: partitions that begin later from now on."""

from iowitness.impl.broker_state import BrokerState, Session
from iowitness.impl.errors import OffsetOutOfRange
from iowitness.impl.messages.admin import (
    DeletedRecords,
    DeletedRecordsTopic,
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
)
from iowitness.impl.request_header import RequestHeader
from iowitness.impl.wire_errors import ErrorCode


def delete_records(
    state: BrokerState, session: Session, header: RequestHeader, request: DeleteRecordsRequest
) -> DeleteRecordsResponse:
    """Partitions begin later from now on; files go with the next retention."""
    del session, header
    return DeleteRecordsResponse(
        topics=tuple(
            DeletedRecordsTopic(
                name=topic.name,
                partitions=tuple(_shortened(state, topic.name, one) for one in topic.partitions),
            )
            for topic in request.topics
        )
    )


def _shortened(state: BrokerState, topic: str, wanted: DeleteRecordsPartition) -> DeletedRecords:
    number = wanted.partition_index
    partition = state.topics.partition(topic, number)
    if partition is None:
        return DeletedRecords(
            partition_index=number, error_code=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        )
    if partition.fault is not None:
        return DeletedRecords(partition_index=number, error_code=ErrorCode.KAFKA_STORAGE_ERROR)
    offset = partition.log.end_offset if wanted.offset == -1 else wanted.offset
    if offset < 0:
        return DeletedRecords(partition_index=number, error_code=ErrorCode.OFFSET_OUT_OF_RANGE)
    try:
        state.topics.advance_start(partition, offset)
    except OffsetOutOfRange:
        return DeletedRecords(partition_index=number, error_code=ErrorCode.OFFSET_OUT_OF_RANGE)
    except OSError as error:
        partition.fence(error)
        return DeletedRecords(partition_index=number, error_code=ErrorCode.KAFKA_STORAGE_ERROR)
    return DeletedRecords(
        partition_index=number,
        low_watermark=partition.log.start_offset,
        error_code=ErrorCode.NONE,
    )

"""Produce requests and responses, versions 3 to 12, by hand: the hot half of the wire.

Nothing here copies a batch: a request is read as views into its frame, and written as a list of
buffers in which every batch stands alone, ready for one gathering write.
Layouts: docs/formats/produce-and-fetch.md. Source: Kafka 4.3, ProduceRequest.json.
"""

from collections.abc import Sequence

from msgspec import Struct

from iowitness.impl import wire
from iowitness.impl.wire import Buffer, Cursor

FLEXIBLE_FROM = 9


class PartitionBatches(Struct, frozen=True):
    """The batch set sent for one partition; `records` is a view into the frame, None for null."""

    partition: int
    records: memoryview | None


class TopicBatches(Struct, frozen=True):
    """The batch sets sent for one topic."""

    topic: str
    partitions: tuple[PartitionBatches, ...]


class ProduceRequest(Struct, frozen=True):
    """Batch sets by topic and partition. `acks` -1 is all in-sync replicas, 0 is no answer."""

    acks: int
    timeout_ms: int
    topics: tuple[TopicBatches, ...]
    transactional_id: str | None = None


class RecordFault(Struct, frozen=True):
    """One record that made the broker refuse its batch, by its place in the batch."""

    batch_index: int
    message: str | None = None


class PartitionAppended(Struct, frozen=True):
    """What became of one partition's batch set; offsets are -1 where it was refused."""

    partition: int
    error_code: int
    base_offset: int = -1
    log_append_time_ms: int = -1
    log_start_offset: int = -1
    record_faults: tuple[RecordFault, ...] = ()
    error_message: str | None = None


class TopicAppended(Struct, frozen=True):
    """What became of one topic's batch sets."""

    topic: str
    partitions: tuple[PartitionAppended, ...]


class ProduceResponse(Struct, frozen=True):
    """What became of each batch set, in the order of the request."""

    topics: tuple[TopicAppended, ...]
    throttle_time_ms: int = 0


def read_produce_request(cursor: Cursor, version: int) -> ProduceRequest:
    """The body of a request; batches stay views. Raises ProtocolViolation."""
    compact = version >= FLEXIBLE_FROM
    transactional_id = cursor.nullable_string(compact=compact)
    acks = cursor.int16()
    timeout_ms = cursor.int32()
    topics = tuple(
        [_read_topic_batches(cursor, compact=compact) for _ in range(cursor.count(compact=compact))]
    )
    if compact:
        cursor.tagged_fields()
    return ProduceRequest(acks, timeout_ms, topics, transactional_id)


def _read_topic_batches(cursor: Cursor, *, compact: bool) -> TopicBatches:
    topic = cursor.string(compact=compact)
    partitions = []
    for _ in range(cursor.count(compact=compact)):
        partition = cursor.int32()
        partitions.append(PartitionBatches(partition, cursor.nullable_bytes(compact=compact)))
        if compact:
            cursor.tagged_fields()
    if compact:
        cursor.tagged_fields()
    return TopicBatches(topic, tuple(partitions))


def write_produce_request(
    head: bytearray,
    version: int,
    *,
    acks: int,
    timeout_ms: int,
    batches: Sequence[tuple[str, int, Buffer]],
) -> list[Buffer]:
    """A whole frame as buffers: `head` is a request header with 4 bytes of room in front.

    `batches` are (topic, partition, batch), those of one topic next to each other. Every batch
    is a buffer of its own in the result; the size goes into the first four bytes.
    """
    compact = version >= FLEXIBLE_FROM
    wire.write_string(head, None, compact=compact)
    wire.write_int16(head, acks)
    wire.write_int32(head, timeout_ms)
    by_topic: dict[str, list[tuple[int, Buffer]]] = {}
    for topic, partition, batch in batches:
        by_topic.setdefault(topic, []).append((partition, batch))
    wire.write_count(head, len(by_topic), compact=compact)
    buffers: list[Buffer] = [head]
    text = head
    for topic, partitions in by_topic.items():
        wire.write_string(text, topic, compact=compact)
        wire.write_count(text, len(partitions), compact=compact)
        for partition, batch in partitions:
            wire.write_int32(text, partition)
            wire.write_bytes_length(text, len(batch), compact=compact)
            text = bytearray()
            buffers += (batch, text)
            if compact:
                wire.write_no_tagged_fields(text)
        if compact:
            wire.write_no_tagged_fields(text)
    if compact:
        wire.write_no_tagged_fields(text)
    if not text:
        buffers.pop()
    wire.stamp_size(head, sum(map(len, buffers)) - 4)
    return buffers


def write_produce_response(out: bytearray, version: int, response: ProduceResponse) -> None:
    """Append the body of a response."""
    compact = version >= FLEXIBLE_FROM
    wire.write_count(out, len(response.topics), compact=compact)
    for topic in response.topics:
        wire.write_string(out, topic.topic, compact=compact)
        wire.write_count(out, len(topic.partitions), compact=compact)
        for partition in topic.partitions:
            _write_appended(out, version, partition)
        if compact:
            wire.write_no_tagged_fields(out)
    wire.write_int32(out, response.throttle_time_ms)
    if compact:
        wire.write_no_tagged_fields(out)


def _write_appended(out: bytearray, version: int, appended: PartitionAppended) -> None:
    compact = version >= FLEXIBLE_FROM
    wire.write_int32(out, appended.partition)
    wire.write_int16(out, appended.error_code)
    wire.write_int64(out, appended.base_offset)
    wire.write_int64(out, appended.log_append_time_ms)
    if version >= 5:
        wire.write_int64(out, appended.log_start_offset)
    if version >= 8:
        wire.write_count(out, len(appended.record_faults), compact=compact)
        for fault in appended.record_faults:
            wire.write_int32(out, fault.batch_index)
            wire.write_string(out, fault.message, compact=compact)
            if compact:
                wire.write_no_tagged_fields(out)
        wire.write_string(out, appended.error_message, compact=compact)
    if compact:
        wire.write_no_tagged_fields(out)


def read_produce_response(cursor: Cursor, version: int) -> ProduceResponse:
    """The body of a response. Raises ProtocolViolation."""
    compact = version >= FLEXIBLE_FROM
    topics = []
    for _ in range(cursor.count(compact=compact)):
        topic = cursor.string(compact=compact)
        count = cursor.count(compact=compact)
        topics.append(
            TopicAppended(topic, tuple([_read_appended(cursor, version) for _ in range(count)]))
        )
        if compact:
            cursor.tagged_fields()
    throttle_time_ms = cursor.int32()
    if compact:
        cursor.tagged_fields()
    return ProduceResponse(tuple(topics), throttle_time_ms)


def _read_appended(cursor: Cursor, version: int) -> PartitionAppended:
    compact = version >= FLEXIBLE_FROM
    partition, error_code = cursor.int32(), cursor.int16()
    base_offset, log_append_time_ms = cursor.int64(), cursor.int64()
    log_start_offset = cursor.int64() if version >= 5 else -1
    faults: tuple[RecordFault, ...] = ()
    error_message = None
    if version >= 8:
        count = cursor.count(compact=compact)
        faults = tuple([_read_fault(cursor, compact=compact) for _ in range(count)])
        error_message = cursor.nullable_string(compact=compact)
    if compact:
        cursor.tagged_fields()
    return PartitionAppended(
        partition,
        error_code,
        base_offset,
        log_append_time_ms,
        log_start_offset,
        faults,
        error_message,
    )


def _read_fault(cursor: Cursor, *, compact: bool) -> RecordFault:
    fault = RecordFault(cursor.int32(), cursor.nullable_string(compact=compact))
    if compact:
        cursor.tagged_fields()
    return fault

"""Fetch requests and responses, versions 4 to 12, by hand: the other hot half of the wire.

The response's heads are written apart from its payload, which the server never sees: see
`fetch_plan`. Layouts: docs/formats/produce-and-fetch.md. Source: Kafka 4.3, FetchRequest.json.
"""

from collections.abc import Sequence

from msgspec import Struct

from iowitness.impl import wire
from iowitness.impl.wire import Cursor

FLEXIBLE_FROM = 12


class PartitionWanted(Struct, frozen=True):
    """Where to read one partition from, and how much of it at most. Epochs are -1 where unknown."""

    partition: int
    fetch_offset: int
    max_byte_count: int
    current_leader_epoch: int = -1
    log_start_offset: int = -1


class TopicWanted(Struct, frozen=True):
    """The partitions wanted of one topic, in the order in which they are to be read."""

    topic: str
    partitions: tuple[PartitionWanted, ...]


class FetchRequest(Struct, frozen=True):
    """What a consumer wants. `session_epoch` -1 asks for no session, 0 to open one."""

    max_wait_ms: int
    min_byte_count: int
    max_byte_count: int
    topics: tuple[TopicWanted, ...]
    isolation_level: int = 0
    session_id: int = 0
    session_epoch: int = -1
    replica_id: int = -1
    rack_id: str = ""


class PartitionHead(Struct, frozen=True):
    """What stands before one partition's records. Offsets are -1 on an error.

    `aborted` are producer ids, and from which offset on their records are to be passed over, up to
    each one's abort marker.
    """

    partition: int
    error_code: int
    high_watermark: int = -1
    last_stable_offset: int = -1
    log_start_offset: int = -1
    aborted: tuple[tuple[int, int], ...] = ()


class PartitionFetched(Struct, frozen=True):
    """One partition of a response; `records` is a view into the frame, maybe cut in mid-batch."""

    topic: str
    head: PartitionHead
    records: memoryview


class FetchResponse(Struct, frozen=True):
    """A response as a consumer sees it."""

    error_code: int
    session_id: int
    partitions: tuple[PartitionFetched, ...]
    throttle_time_ms: int = 0


def read_fetch_request(cursor: Cursor, version: int) -> FetchRequest:
    """The body of a request. Raises ProtocolViolation."""
    compact = version >= FLEXIBLE_FROM
    replica_id = cursor.int32()
    max_wait_ms, min_byte_count, max_byte_count = cursor.int32(), cursor.int32(), cursor.int32()
    isolation_level = cursor.int8()
    session_id, session_epoch = 0, -1
    if version >= 7:
        session_id, session_epoch = cursor.int32(), cursor.int32()
    count = cursor.count(compact=compact)
    topics = tuple([_read_topic_wanted(cursor, version) for _ in range(count)])
    if version >= 7:
        _skip_forgotten(cursor, compact=compact)
    rack_id = cursor.string(compact=compact) if version >= 11 else ""
    if compact:
        cursor.tagged_fields()
    return FetchRequest(
        max_wait_ms,
        min_byte_count,
        max_byte_count,
        topics,
        isolation_level,
        session_id,
        session_epoch,
        replica_id,
        rack_id,
    )


def _read_topic_wanted(cursor: Cursor, version: int) -> TopicWanted:
    compact = version >= FLEXIBLE_FROM
    topic = cursor.string(compact=compact)
    partitions = []
    for _ in range(cursor.count(compact=compact)):
        partition = cursor.int32()
        leader_epoch = cursor.int32() if version >= 9 else -1
        fetch_offset = cursor.int64()
        if version >= 12:
            cursor.int32()  # last fetched epoch: a follower's
        log_start_offset = cursor.int64() if version >= 5 else -1
        max_byte_count = cursor.int32()
        if compact:
            cursor.tagged_fields()
        partitions.append(
            PartitionWanted(partition, fetch_offset, max_byte_count, leader_epoch, log_start_offset)
        )
    if compact:
        cursor.tagged_fields()
    return TopicWanted(topic, tuple(partitions))


def _skip_forgotten(cursor: Cursor, *, compact: bool) -> None:
    """Partitions that a session is to forget: sessions are declined, so nothing is remembered."""
    for _ in range(cursor.count(compact=compact)):
        cursor.string(compact=compact)
        cursor.take(4 * cursor.count(compact=compact))
        if compact:
            cursor.tagged_fields()


def write_fetch_request(out: bytearray, version: int, request: FetchRequest) -> None:
    """Append the body of a request."""
    compact = version >= FLEXIBLE_FROM
    wire.write_int32(out, request.replica_id)
    wire.write_int32(out, request.max_wait_ms)
    wire.write_int32(out, request.min_byte_count)
    wire.write_int32(out, request.max_byte_count)
    wire.write_int8(out, request.isolation_level)
    if version >= 7:
        wire.write_int32(out, request.session_id)
        wire.write_int32(out, request.session_epoch)
    wire.write_count(out, len(request.topics), compact=compact)
    for topic in request.topics:
        _write_topic_wanted(out, version, topic)
    if version >= 7:
        wire.write_count(out, 0, compact=compact)
    if version >= 11:
        wire.write_string(out, request.rack_id, compact=compact)
    if compact:
        wire.write_no_tagged_fields(out)


def _write_topic_wanted(out: bytearray, version: int, wanted: TopicWanted) -> None:
    compact = version >= FLEXIBLE_FROM
    wire.write_string(out, wanted.topic, compact=compact)
    wire.write_count(out, len(wanted.partitions), compact=compact)
    for partition in wanted.partitions:
        wire.write_int32(out, partition.partition)
        if version >= 9:
            wire.write_int32(out, partition.current_leader_epoch)
        wire.write_int64(out, partition.fetch_offset)
        if version >= 12:
            wire.write_int32(out, -1)
        if version >= 5:
            wire.write_int64(out, partition.log_start_offset)
        wire.write_int32(out, partition.max_byte_count)
        if compact:
            wire.write_no_tagged_fields(out)
    if compact:
        wire.write_no_tagged_fields(out)


def write_response_start(out: bytearray, version: int, error_code: int, topic_count: int) -> None:
    """Append a response's fields before its first topic; session id 0 declines a session."""
    wire.write_int32(out, 0)
    if version >= 7:
        wire.write_int16(out, error_code)
        wire.write_int32(out, 0)
    wire.write_count(out, topic_count, compact=version >= FLEXIBLE_FROM)


def write_topic_start(out: bytearray, version: int, topic: str, partition_count: int) -> None:
    """Append what stands before a topic's first partition."""
    compact = version >= FLEXIBLE_FROM
    wire.write_string(out, topic, compact=compact)
    wire.write_count(out, partition_count, compact=compact)


def write_partition_head(
    out: bytearray, version: int, head: PartitionHead, payload_byte_count: int
) -> None:
    """Append what stands before one partition's records, their length included."""
    compact = version >= FLEXIBLE_FROM
    wire.write_int32(out, head.partition)
    wire.write_int16(out, head.error_code)
    wire.write_int64(out, head.high_watermark)
    wire.write_int64(out, head.last_stable_offset)
    if version >= 5:
        wire.write_int64(out, head.log_start_offset)
    wire.write_count(out, len(head.aborted) or None, compact=compact)
    for producer_id, first_offset in head.aborted:
        wire.write_int64(out, producer_id)
        wire.write_int64(out, first_offset)
        if compact:
            wire.write_no_tagged_fields(out)
    if version >= 11:
        wire.write_int32(out, -1)  # preferred read replica
    wire.write_bytes_length(out, payload_byte_count, compact=compact)


def write_struct_end(out: bytearray, version: int) -> None:
    """Append what ends a partition, a topic or the response."""
    if version >= FLEXIBLE_FROM:
        wire.write_no_tagged_fields(out)


def read_fetch_response(cursor: Cursor, version: int) -> FetchResponse:
    """The body of a response; records stay views. Raises ProtocolViolation."""
    compact = version >= FLEXIBLE_FROM
    throttle_time_ms = cursor.int32()
    error_code, session_id = (cursor.int16(), cursor.int32()) if version >= 7 else (0, 0)
    partitions: list[PartitionFetched] = []
    for _ in range(cursor.count(compact=compact)):
        topic = cursor.string(compact=compact)
        count = cursor.count(compact=compact)
        partitions += [_read_fetched(cursor, version, topic) for _ in range(count)]
        if compact:
            cursor.tagged_fields()
    if compact:
        cursor.tagged_fields()
    return FetchResponse(error_code, session_id, tuple(partitions), throttle_time_ms)


def _read_fetched(cursor: Cursor, version: int, topic: str) -> PartitionFetched:
    compact = version >= FLEXIBLE_FROM
    partition, error_code = cursor.int32(), cursor.int16()
    high_watermark, last_stable_offset = cursor.int64(), cursor.int64()
    log_start_offset = cursor.int64() if version >= 5 else -1
    for _ in range(cursor.count(compact=compact)):  # aborted transactions
        cursor.take(16)
        if compact:
            cursor.tagged_fields()
    if version >= 11:
        cursor.int32()
    records = cursor.nullable_bytes(compact=compact)
    if compact:
        cursor.tagged_fields()
    head = PartitionHead(
        partition, error_code, high_watermark, last_stable_offset, log_start_offset
    )
    return PartitionFetched(topic, head, memoryview(b"") if records is None else records)


def by_topic(partitions: Sequence[tuple[str, PartitionWanted]]) -> tuple[TopicWanted, ...]:
    """Partitions grouped by topic, in the order in which topics and partitions first stand."""
    grouped: dict[str, list[PartitionWanted]] = {}
    for topic, wanted in partitions:
        grouped.setdefault(topic, []).append(wanted)
    return tuple(TopicWanted(topic, tuple(wanted)) for topic, wanted in grouped.items())

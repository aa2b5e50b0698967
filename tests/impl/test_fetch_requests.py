"""Fetches: when they are answered, what they bring, and who has to wait."""

from collections.abc import Sequence

import pytest

from iowitness.impl import fetch_handler
from iowitness.impl.api_table import ApiKey
from iowitness.impl.batch_reader import batches
from iowitness.impl.batch_writer import ProducerStamp, encode_batch, encode_values
from iowitness.impl.broker_state import Answer, ParkedFetch
from iowitness.impl.control_records import Marker, MarkerKind, encode_marker
from iowitness.impl.fetch_wire import (
    FetchRequest,
    FetchResponse,
    PartitionWanted,
    TopicWanted,
    read_fetch_response,
)
from iowitness.impl.file_region import FileRegion
from iowitness.impl.request_header import RequestHeader
from iowitness.impl.wire import Cursor
from iowitness.impl.wire_errors import ErrorCode
from tests.doubles.asked_broker import AskedBroker

HEADER = RequestHeader(ApiKey.FETCH, 11, 7, "client")
READ_COMMITTED = 1
VALUE = b"value" * 4
BATCH_BYTE_COUNT = len(encode_values([VALUE], 1))


def broker_with(batch_count: int, segment_byte_count: int = 1_000_000) -> AskedBroker:
    """Topic t with two partitions, and batches of one record in the first."""
    broker = AskedBroker()
    settings = {"segment.bytes": str(segment_byte_count)}
    topic = broker.topics.create("t", 2, now_ms=1, settings=settings)
    for _ in range(batch_count):
        topic.partitions[0].log.append(encode_values([VALUE], 1), now_ms=1)
    return broker


def wanting(
    *offsets: tuple[int, int],
    minimum: int = 1,
    isolation: int = 0,
    session: tuple[int, int] = (0, -1),
) -> FetchRequest:
    """A request that may wait, for (partition, offset) pairs of topic t."""
    partitions = tuple(PartitionWanted(number, offset, 1_000_000) for number, offset in offsets)
    return FetchRequest(
        max_wait_ms=500,
        min_byte_count=minimum,
        max_byte_count=1_000_000,
        topics=(TopicWanted("t", partitions),),
        isolation_level=isolation,
        session_id=session[0],
        session_epoch=session[1],
    )


def read(answer: "Answer | Sequence[object]") -> FetchResponse:
    assert isinstance(answer, list)
    parts = [part.read() if isinstance(part, FileRegion) else bytes(part) for part in answer]
    frame = b"".join(parts)
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    cursor = Cursor(memoryview(frame)[8:])
    response = read_fetch_response(cursor, HEADER.version)
    assert cursor.left == 0
    return response


def fetched(broker: AskedBroker, request: FetchRequest) -> FetchResponse:
    return read(fetch_handler.fetch(broker.state, HEADER, request))


def parked(broker: AskedBroker, request: FetchRequest) -> ParkedFetch:
    answer = fetch_handler.fetch(broker.state, HEADER, request)
    assert isinstance(answer, ParkedFetch)
    return answer


def test_a_fetch_is_answered_once_there_is_enough() -> None:
    broker = broker_with(1)
    waits = parked(broker, wanting((0, 0), minimum=2 * BATCH_BYTE_COUNT))
    assert fetch_handler.retried(broker.state, waits) is None
    log = broker.topics.by_name["t"].partitions[0].log
    log.append(encode_values([VALUE], 1), now_ms=1)
    answer = fetch_handler.retried(broker.state, waits)
    assert answer is not None
    (one,) = read(answer).partitions
    assert len(list(batches(one.records))) == 2


def test_a_fetch_brings_what_there_is_when_its_time_is_up() -> None:
    broker = broker_with(1)
    waits = parked(broker, wanting((0, 0), (1, 0), minimum=10_000))
    one, other = read(fetch_handler.timed_out(broker.state, waits)).partitions
    assert (len(one.records), len(other.records)) == (BATCH_BYTE_COUNT, 0)


@pytest.mark.parametrize(
    ("offset", "partition", "error"),
    [(2, 0, ErrorCode.OFFSET_OUT_OF_RANGE), (0, 5, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)],
)
def test_an_error_in_one_partition_answers_for_all_at_once(
    offset: int, partition: int, error: ErrorCode
) -> None:
    broker = broker_with(1)
    response = fetched(broker, wanting((1, 0), (partition, offset), minimum=10_000))
    assert [one.head.error_code for one in response.partitions] == [0, error]


def test_a_partition_that_goes_away_answers_those_who_wait_for_it() -> None:
    broker = broker_with(1)
    waits = parked(broker, wanting((0, 1)))
    broker.topics.delete(broker.topics.by_name["t"])
    answer = fetch_handler.retried(broker.state, waits)
    assert answer is not None
    assert read(answer).partitions[0].head.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_a_fetch_below_the_current_segment_is_answered_at_once() -> None:
    broker = broker_with(5, segment_byte_count=2 * BATCH_BYTE_COUNT)
    (one,) = fetched(broker, wanting((0, 1), minimum=10_000)).partitions
    assert [batch.header.base_offset for batch in batches(one.records)] == [1]
    parked(broker, wanting((0, 4), minimum=10_000))


@pytest.mark.parametrize("session", [(0, 0), (0, -1)])
def test_a_session_is_declined(session: tuple[int, int]) -> None:
    response = fetched(broker_with(1), wanting((0, 0), session=session))
    assert (response.error_code, response.session_id) == (ErrorCode.NONE, 0)
    assert len(response.partitions) == 1


@pytest.mark.parametrize("session", [(9, 3), (9, 0), (0, 4)])
def test_one_that_was_never_given_is_unknown(session: tuple[int, int]) -> None:
    response = fetched(broker_with(1), wanting((0, 0), session=session))
    assert response.error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    assert response.partitions == ()


def test_readers_of_what_is_committed_stop_before_an_open_transaction() -> None:
    broker = broker_with(1)
    log = broker.topics.by_name["t"].partitions[0].log
    stamp = ProducerStamp.transactional(9, 0, 0)
    log.append(encode_batch([(1, None, b"open", ())], stamp=stamp), now_ms=1)

    def count(isolation: int) -> tuple[int, int]:
        (one,) = fetched(broker, wanting((0, 0), isolation=isolation)).partitions
        return len(list(batches(one.records))), one.head.last_stable_offset

    assert (count(0), count(READ_COMMITTED)) == ((2, 1), (1, 1))
    log.append(encode_marker(Marker(MarkerKind.ABORT, 0), 1, 9, 0), now_ms=1)
    assert count(READ_COMMITTED) == (3, 3)
    slices = fetch_handler._read(broker.state, wanting((0, 1), isolation=READ_COMMITTED)).slices
    assert slices[0].head.aborted == ((9, 1),)
    slices = fetch_handler._read(broker.state, wanting((0, 1))).slices
    assert slices[0].head.aborted == ()

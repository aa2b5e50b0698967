"""The ready-made frames are the ones that are written and read field by field."""

from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl.api_table import ApiKey
from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.produce_frames import OneBatchAnswers, OneBatchFrames
from iowitness.impl.produce_wire import (
    PartitionAppended,
    ProduceResponse,
    RecordFault,
    TopicAppended,
    write_produce_request,
    write_produce_response,
)
from iowitness.impl.request_header import RequestHeader, request_frame

_TOPICS = st.text("abcXYZ._-é", min_size=1, max_size=60)
_OFFSETS = st.integers(-1, 2**63 - 1)


@given(
    version=st.integers(3, 12),
    topic=_TOPICS,
    partition=st.integers(0, 2**31 - 1),
    acks=st.sampled_from([-1, 0, 1]),
    batch_sizes=st.lists(st.integers(0, 300), min_size=1, max_size=4),
)
def test_a_request_of_one_batch_is_the_general_one(
    version: int, topic: str, partition: int, acks: int, batch_sizes: list[int]
) -> None:
    first = RequestHeader(ApiKey.PRODUCE, version, 5, "client")
    frames = OneBatchFrames(first, TopicPartition(topic, partition), acks, 30_000)
    for correlation_id, size in enumerate(batch_sizes):
        batch = bytes(range(256))[:size] * 2
        header = RequestHeader(ApiKey.PRODUCE, version, correlation_id, "client")
        general = write_produce_request(
            request_frame(header),
            version,
            acks=acks,
            timeout_ms=30_000,
            batches=[(topic, partition, batch)],
        )
        quick = frames.request(correlation_id, batch)
        assert b"".join(quick) == b"".join(general)
        assert any(buffer is batch for buffer in quick), "the batch stays a buffer of its own"


@given(
    version=st.integers(8, 12),
    topic=_TOPICS,
    partition=st.integers(0, 2**31 - 1),
    offsets=st.tuples(_OFFSETS, _OFFSETS, _OFFSETS),
    throttle_time_ms=st.integers(0, 2**31 - 1),
)
def test_an_answer_that_all_went_well_is_read_at_one_go(
    version: int,
    topic: str,
    partition: int,
    offsets: tuple[int, int, int],
    throttle_time_ms: int,
) -> None:
    appended = PartitionAppended(partition, 0, *offsets)
    frame = _answer(version, topic, appended, throttle_time_ms)
    answers = OneBatchAnswers(version, TopicPartition(topic, partition))
    assert answers.read(frame, 4) == appended
    other = OneBatchAnswers(version, TopicPartition(topic, partition ^ 1))
    assert other.read(frame, 4) is None
    for end in range(len(frame)):
        assert answers.read(frame[:end], 4) is None


@given(
    version=st.integers(8, 12),
    appended=st.sampled_from(
        [
            PartitionAppended(0, 6),
            PartitionAppended(0, 0, 1, error_message="m"),
            PartitionAppended(0, 0, 1, error_message=""),
            PartitionAppended(0, 87, record_faults=(RecordFault(0),)),
        ]
    ),
)
def test_an_answer_with_anything_else_in_it_is_left_to_the_general_reader(
    version: int, appended: PartitionAppended
) -> None:
    frame = _answer(version, "topic", appended, 0)
    assert OneBatchAnswers(version, TopicPartition("topic", 0)).read(frame, 4) is None


def _answer(
    version: int, topic: str, appended: PartitionAppended, throttle_time_ms: int
) -> memoryview:
    """Four bytes that stand for a header, and the body."""
    frame = bytearray(4)
    response = ProduceResponse((TopicAppended(topic, (appended,)),), throttle_time_ms)
    write_produce_response(frame, version, response)
    return memoryview(frame)

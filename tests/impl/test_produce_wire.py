"""Produce by hand, against kio: every version, whole and cut."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iowitness.impl import wire
from iowitness.impl.api_table import ApiKey
from iowitness.impl.produce_wire import (
    PartitionAppended,
    ProduceResponse,
    RecordFault,
    TopicAppended,
    read_produce_request,
    read_produce_response,
    write_produce_request,
    write_produce_response,
)
from iowitness.impl.wire import Cursor
from iowitness.impl.wire_errors import ProtocolViolation
from tests.doubles.kio_messages import read_request, read_response

_VERSIONS = st.integers(3, 12)
_BATCHES = st.lists(
    st.tuples(st.sampled_from(["a", "bb", "ü"]), st.integers(0, 9), st.binary(max_size=50)),
    max_size=5,
    unique_by=lambda batch: batch[:2],
).map(sorted)


def _body(version: int, batches: list[tuple[str, int, bytes]]) -> bytes:
    buffers = write_produce_request(
        bytearray(4), version, acks=-1, timeout_ms=30_000, batches=batches
    )
    assert sum(buffer in [stored for _, _, stored in batches] for buffer in buffers) >= len(
        [stored for _, _, stored in batches if stored]
    ), "each batch stands alone"
    frame = b"".join(buffers)
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    return frame[4:]


@given(version=_VERSIONS, batches=_BATCHES)
def test_kio_reads_our_requests(version: int, batches: list[tuple[str, int, bytes]]) -> None:
    body = _body(version, batches)
    theirs, size = read_request(ApiKey.PRODUCE, version, body)
    assert size == len(body)
    assert (theirs["acks"], theirs["timeout"]) == (-1, 30_000)
    told = [
        (topic["name"], partition["index"], bytes(partition["records"]))
        for topic in theirs["topic_data"]
        for partition in topic["partition_data"]
    ]
    assert told == batches


@given(version=_VERSIONS, batches=_BATCHES)
def test_a_request_reads_back_as_views_into_its_frame(
    version: int, batches: list[tuple[str, int, bytes]]
) -> None:
    body = _body(version, batches)
    cursor = Cursor(body)
    request = read_produce_request(cursor, version)
    assert cursor.left == 0
    told = [
        (topic.topic, partition.partition, bytes(partition.records or b""))
        for topic in request.topics
        for partition in topic.partitions
    ]
    assert told == batches
    assert all(p.records.obj is body for t in request.topics for p in t.partitions if p.records)


@settings(max_examples=10)
@given(version=_VERSIONS, batches=_BATCHES)
def test_a_request_cut_anywhere_is_a_violation(
    version: int, batches: list[tuple[str, int, bytes]]
) -> None:
    body = _body(version, batches)
    for end in range(len(body)):
        with pytest.raises(ProtocolViolation):
            read_produce_request(Cursor(body[:end]), version)


_FAULTS = st.lists(
    st.builds(RecordFault, st.integers(0, 9), st.none() | st.just("why")), max_size=2
)
_APPENDED = st.builds(
    PartitionAppended,
    st.integers(0, 9),
    st.sampled_from([0, 3, 56, 87]),
    st.integers(-1, 2**40),
    st.just(-1),
    st.integers(-1, 9),
    _FAULTS.map(tuple),
    st.none() | st.just("full"),
)
_RESPONSES = st.builds(
    ProduceResponse,
    st.lists(
        st.builds(TopicAppended, st.just("t"), st.lists(_APPENDED, max_size=3).map(tuple)),
        max_size=2,
    ).map(tuple),
)


@given(version=_VERSIONS, response=_RESPONSES)
def test_kio_reads_our_responses_and_so_do_we(version: int, response: ProduceResponse) -> None:
    out = bytearray()
    write_produce_response(out, version, response)
    theirs, size = read_response(ApiKey.PRODUCE, version, bytes(out))
    assert size == len(out)
    again = read_produce_response(Cursor(out), version)
    for topic, told, ours in zip(response.topics, theirs["responses"], again.topics, strict=True):
        for sent, one, mine in zip(
            topic.partitions, told["partition_responses"], ours.partitions, strict=True
        ):
            assert (one["index"], one["error_code"]) == (sent.partition, sent.error_code)
            assert one["base_offset"] == sent.base_offset == mine.base_offset
            if version >= 8:
                assert mine == sent
                assert len(one["record_errors"]) == len(sent.record_faults)


def test_only_the_size_field_stands_before_the_header() -> None:
    head = bytearray(4)
    wire.write_int16(head, 0)
    buffers = write_produce_request(head, 8, acks=1, timeout_ms=1, batches=[("t", 0, b"batch")])
    assert [bytes(b) for b in buffers][-1] == b"batch"

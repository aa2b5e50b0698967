"""Fetch by hand, against kio: every version, whole and cut."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from iowitness.impl.api_table import ApiKey
from iowitness.impl.fetch_plan import FetchBudget, PartitionSlice, response_parts
from iowitness.impl.fetch_wire import (
    FetchRequest,
    PartitionHead,
    PartitionWanted,
    TopicWanted,
    by_topic,
    read_fetch_request,
    read_fetch_response,
    write_fetch_request,
)
from iowitness.impl.wire import Cursor
from iowitness.impl.wire_errors import ProtocolViolation
from tests.doubles.kio_messages import read_request

_VERSIONS = st.integers(4, 12)
_WANTED = st.builds(
    PartitionWanted, st.integers(0, 9), st.integers(0, 2**40), st.integers(0, 2**20)
)
_REQUESTS = st.builds(
    FetchRequest,
    st.integers(0, 500),
    st.integers(0, 9),
    st.integers(0, 2**30),
    st.lists(
        st.builds(TopicWanted, st.text("ab", max_size=3), st.lists(_WANTED, max_size=3).map(tuple)),
        max_size=3,
    ).map(tuple),
)


@given(version=_VERSIONS, request=_REQUESTS)
def test_kio_reads_our_requests_and_so_do_we(version: int, request: FetchRequest) -> None:
    out = bytearray()
    write_fetch_request(out, version, request)
    theirs, size = read_request(ApiKey.FETCH, version, bytes(out))
    assert size == len(out)
    told = [
        (t["topic"], p["partition"], p["fetch_offset"], p["partition_max_bytes"])
        for t in theirs["topics"]
        for p in t["partitions"]
    ]
    assert told == [
        (t.topic, p.partition, p.fetch_offset, p.max_byte_count)
        for t in request.topics
        for p in t.partitions
    ]
    cursor = Cursor(out)
    assert read_fetch_request(cursor, version) == request
    assert cursor.left == 0


@settings(max_examples=10)
@given(version=_VERSIONS, request=_REQUESTS)
def test_a_request_cut_anywhere_is_a_violation(version: int, request: FetchRequest) -> None:
    out = bytearray()
    write_fetch_request(out, version, request)
    for end in range(len(out)):
        with pytest.raises(ProtocolViolation):
            read_fetch_request(Cursor(out[:end]), version)


class _Bytes(Struct, frozen=True):
    """A region whose bytes are at hand."""

    content: bytes

    @property
    def byte_count(self) -> int:
        return len(self.content)


_SLICES = st.lists(
    st.builds(
        PartitionSlice,
        st.sampled_from(["a", "b"]),
        st.builds(PartitionHead, st.integers(0, 9), st.just(0), st.integers(0, 9)),
        st.none() | st.builds(_Bytes, st.binary(min_size=1, max_size=40)),
    ),
    max_size=6,
).map(lambda slices: sorted(slices, key=lambda one: one.topic))


@given(version=_VERSIONS, slices=_SLICES)
def test_heads_and_regions_make_one_response_under_one_length(
    version: int, slices: list[PartitionSlice[_Bytes]]
) -> None:
    parts = response_parts(bytearray(4), version, 0, slices)
    frame = b"".join(p.content if isinstance(p, _Bytes) else p for p in parts)
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    cursor = Cursor(frame, 4)
    response = read_fetch_response(cursor, version)
    assert cursor.left == 0
    told = [(p.topic, p.head.partition, bytes(p.records)) for p in response.partitions]
    assert told == [
        (one.topic, one.head.partition, one.region.content if one.region else b"") for one in slices
    ]
    assert sum(isinstance(part, _Bytes) for part in parts) == sum(
        one.region is not None for one in slices
    )


def test_the_first_non_empty_partition_may_pass_the_limits_and_no_other() -> None:
    budget = FetchBudget(100)
    assert (budget.limit(1_000), budget.at_least_one_batch) == (100, True)
    budget.take(0)
    assert budget.at_least_one_batch
    budget.take(150)
    assert (budget.limit(1_000), budget.at_least_one_batch) == (0, False)


def test_a_partition_is_limited_by_its_own_maximum_and_by_what_is_left_of_the_total() -> None:
    budget = FetchBudget(100)
    budget.take(30)
    assert (budget.limit(50), budget.limit(90)) == (50, 70)


def test_partitions_are_grouped_by_topic_in_the_order_they_were_named() -> None:
    one, two, three = (PartitionWanted(number, 0, 1) for number in range(3))
    grouped = by_topic([("b", one), ("a", two), ("b", three)])
    assert [(t.topic, t.partitions) for t in grouped] == [("b", (one, three)), ("a", (two,))]

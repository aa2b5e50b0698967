"""`log_rules`: rolls, index entries, reads, against the simplest statement of each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.model.log_rules import PartitionLog
from iowitness.model.what_if import LogPolicy

batch_sizes = st.lists(st.tuples(st.integers(1, 9), st.integers(61, 400)), min_size=1, max_size=60)
policies = st.builds(
    LogPolicy,
    segment_byte_count=st.integers(400, 2_000),
    index_interval_byte_count=st.integers(0, 600),
)


def filled(policy: LogPolicy, batches: list[tuple[int, int]]) -> PartitionLog:
    log = PartitionLog(policy)
    for number, (record_count, byte_count) in enumerate(batches):
        log.append(record_count, byte_count, 1_000 + number)
    return log


def test_a_segment_may_be_exactly_full() -> None:
    log = filled(LogPolicy(segment_byte_count=300), [(1, 100)] * 4)
    assert [segment.byte_count for segment in log.segments] == [300, 100]
    assert [segment.base_offset for segment in log.segments] == [0, 3]


def test_the_first_batch_of_a_segment_has_no_index_entry() -> None:
    log = filled(LogPolicy(index_interval_byte_count=99), [(2, 100)] * 3)
    assert log.active.index_offsets == [3, 5]
    assert log.active.index_positions == [100, 200]


def test_bytes_equal_to_the_interval_make_no_entry() -> None:
    log = filled(LogPolicy(index_interval_byte_count=100), [(1, 100)] * 3)
    assert log.active.index_offsets == [2]


def test_a_late_timestamp_rolls_a_segment_that_is_not_full() -> None:
    log = PartitionLog(LogPolicy(segment_ms=1_000))
    placed = [log.append(1, 100, timestamp) for timestamp in (5_000, 6_000, 6_001, 6_002)]
    assert [one.rolled for one in placed] == [False, False, True, False]


@given(policies, batch_sizes, st.data())
def test_a_read_starts_at_the_batch_with_the_offset_and_stays_in_its_segment(
    policy: LogPolicy, batches: list[tuple[int, int]], data: st.DataObject
) -> None:
    log = filled(policy, batches)
    offset = data.draw(st.integers(0, log.next_offset - 1))
    limit = data.draw(st.integers(1, 1_000))
    region = log.read(offset, limit, "nothing")
    assert region is not None
    segment = log.segment_of(offset)
    number = next(i for i, last in enumerate(segment.last_offsets) if last >= offset)
    assert region.position == segment.positions[number] == region.head_positions[-1]
    assert region.byte_count == min(limit, segment.byte_count - region.position)
    assert region.head_positions[0] <= region.position
    scanned = [p for p in segment.positions if region.head_positions[0] <= p <= region.position]
    assert list(region.head_positions) == scanned


@given(policies, batch_sizes, st.integers(1, 300))
def test_reading_on_from_each_region_reaches_the_end(
    policy: LogPolicy, batches: list[tuple[int, int]], limit: int
) -> None:
    log = filled(policy, batches)
    offset, reads = 0, 0
    while (region := log.read(offset, limit, "one-batch")) is not None:
        offset, before = log.read_to(region, offset), offset
        assert offset > before
        reads += 1
    assert offset == log.next_offset
    assert reads <= len(batches)


@pytest.mark.parametrize("offset", [10, 11])
def test_a_read_at_or_after_the_end_finds_nothing(offset: int) -> None:
    assert filled(LogPolicy(), [(10, 100)]).read(offset, 1_000, "one-batch") is None


def test_a_read_of_no_bytes_finds_nothing() -> None:
    assert filled(LogPolicy(), [(10, 100)]).read(0, 0, "nothing") is None

"""`producer_rules`: what goes into a batch and into a request."""

import zlib

from hypothesis import given
from hypothesis import strategies as st

from iowitness.model.producer_rules import Accumulator
from iowitness.model.record_encoding import Record, encoded_record, record_byte_count

sizes = st.lists(st.integers(0, 300), min_size=1, max_size=60)


def record(number: int, byte_count: int, partition: int = 0) -> Record:
    return Record(1_000 + number * 50, None, b"v" * byte_count, partition)


@given(sizes, st.integers(61, 700))
def test_a_batch_is_as_full_as_its_size_allows(byte_counts: list[int], limit: int) -> None:
    accumulator = Accumulator(limit, "none")
    records = [record(number, size) for number, size in enumerate(byte_counts)]
    closed = [batch for one in records if (batch := accumulator.append(0, one)) is not None]
    closed += accumulator.flush()
    assert sum(batch.record_count for batch in closed) == len(records)
    at = 0
    for batch in closed:
        mine = records[at : at + batch.record_count]
        encoded = [
            encoded_record(one, one.timestamp_ms - mine[0].timestamp_ms, delta)
            for delta, one in enumerate(mine)
        ]
        assert batch.byte_count == 61 + sum(map(len, encoded))
        assert batch.byte_count <= limit or batch.record_count == 1
        at += batch.record_count
        if at < len(records):
            delta_ms = records[at].timestamp_ms - mine[0].timestamp_ms
            grown = batch.byte_count + record_byte_count(records[at], delta_ms, len(mine))
            assert grown > limit


def test_a_compressed_batch_is_sized_by_its_own_codec() -> None:
    accumulator = Accumulator(10_000, "gzip")
    records = [record(number, 100) for number in range(20)]
    for one in records:
        accumulator.append(0, one)
    (batch,) = accumulator.flush()
    plain = b"".join(encoded_record(one, 50 * i, i) for i, one in enumerate(records))
    packed = zlib.compressobj(-1, zlib.DEFLATED, 31)
    assert batch.plain_byte_count == 61 + len(plain)
    assert batch.byte_count == 61 + len(packed.compress(plain) + packed.flush())


def test_requests_take_partitions_in_turn() -> None:
    accumulator = Accumulator(200, "none")
    for number in range(12):
        accumulator.append(number % 3, record(number, 100))
    accumulator.flush()
    served = []
    while accumulator.has_ready:
        served += [batch.partition for batch in accumulator.drained(1)]
    assert served == [0, 1, 2] * 4


def test_a_request_has_at_most_one_batch_of_a_partition() -> None:
    accumulator = Accumulator(200, "none")
    for number in range(12):
        accumulator.append(number % 3, record(number, 100))
    accumulator.flush()
    assert [batch.partition for batch in accumulator.drained(None)] == [0, 1, 2]

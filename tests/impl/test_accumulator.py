"""When batches leave, under a clock of our own. Source: RecordAccumulatorTest."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl.accumulator import Accumulator, AccumulatorConfig
from iowitness.impl.batch_reader import batches, records
from iowitness.impl.batch_writer import NO_PRODUCER
from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.compression import NO_COMPRESSION
from iowitness.impl.delivery import ManyDelivery
from iowitness.impl.producer_batch import ProducerBatch
from iowitness.impl.sequences import Sequences
from tests.doubles.producer_records import COMPLETIONS, bare, full

_ONE, _TWO, _THREE = (TopicPartition("t", number) for number in range(3))
_LINGER_NS = 5_000_000


def _accumulator(
    *,
    batch_size: int = 200,
    linger_ns: int = _LINGER_NS,
    max_request_size: int = 1_000_000,
    max_batches_per_request: int | None = None,
    keeps_order: bool = False,
    idempotent: bool = False,
) -> Accumulator:
    sequences = Sequences(is_on=idempotent)
    if idempotent:
        sequences.identified(7, 0)
    config = AccumulatorConfig(
        batch_size=batch_size,
        linger_ns=linger_ns,
        max_request_size=max_request_size,
        max_batches_per_request=max_batches_per_request,
        keeps_order=keeps_order,
    )
    return Accumulator(config, sequences, random.Random(1).randrange)


def _fill(accumulator: Accumulator, partition: TopicPartition, batch_count: int) -> None:
    """That many full batches, and an open one with a single record."""
    for _ in range(batch_count + 1):
        accumulator.append(partition, full(bytes(120)), 0)


def _stored(batch: ProducerBatch) -> list[bytes | None]:
    (stored,) = batches(batch.encode(NO_COMPRESSION, NO_PRODUCER))
    return [record.value for record in records(stored)]


def test_a_batch_is_ready_once_a_record_did_not_fit() -> None:
    accumulator = _accumulator()
    accumulator.append(_ONE, full(bytes(100)), 0)
    assert accumulator.ready(0).partitions == ()
    accumulator.append(_ONE, full(bytes(100)), 0)
    assert accumulator.ready(0).partitions == (_ONE,)
    (batch,) = accumulator.drain(1, [_ONE])
    assert _stored(batch) == [bytes(100)]


def test_a_batch_is_ready_once_linger_has_passed_and_says_when() -> None:
    accumulator = _accumulator()
    accumulator.append(_ONE, full(), 10)
    accumulator.append(_TWO, full(), 30)
    waiting = accumulator.ready(10 + _LINGER_NS - 1)
    assert (waiting.partitions, waiting.next_check_ns) == ((), 10 + _LINGER_NS)
    late = accumulator.ready(10 + _LINGER_NS)
    assert (late.partitions, late.next_check_ns) == ((_ONE,), 30 + _LINGER_NS)


def test_everything_is_ready_while_it_is_urgent() -> None:
    accumulator = _accumulator()
    accumulator.append(_ONE, full(), 0)
    accumulator.is_urgent = True
    assert accumulator.ready(0).partitions == (_ONE,)


def test_only_ready_batches_are_drained() -> None:
    accumulator = _accumulator()
    _fill(accumulator, _ONE, 1)
    accumulator.append(_TWO, full(), 0)
    assert accumulator.ready(0).partitions == (_ONE,)


def test_one_batch_of_each_partition_goes_into_a_request() -> None:
    accumulator = _accumulator()
    for partition in (_ONE, _TWO):
        _fill(accumulator, partition, 3)
    drained = accumulator.drain(1, [_ONE, _TWO])
    assert [batch.partition for batch in drained] == [_ONE, _TWO]


def test_draining_stops_at_the_largest_request_and_starts_one_partition_further() -> None:
    accumulator = _accumulator(max_request_size=400)
    for partition in (_ONE, _TWO, _THREE):
        _fill(accumulator, partition, 3)
    served = [
        [batch.partition for batch in accumulator.drain(1, [_ONE, _TWO, _THREE])] for _ in range(3)
    ]
    assert served == [[_ONE, _TWO], [_THREE, _ONE], [_TWO, _THREE]]


def test_an_oversized_batch_is_taken_alone() -> None:
    accumulator = _accumulator(max_request_size=300)
    accumulator.append(_ONE, full(bytes(1_000)), 0)
    accumulator.append(_TWO, full(bytes(1_000)), 0)
    assert [b.partition for b in accumulator.drain(1, [_ONE, _TWO])] == [_ONE]
    assert [b.partition for b in accumulator.drain(1, [_TWO])] == [_TWO]


def test_the_number_of_batches_in_a_request_can_be_limited() -> None:
    accumulator = _accumulator(max_batches_per_request=1)
    for partition in (_ONE, _TWO):
        _fill(accumulator, partition, 2)
    assert len(accumulator.drain(1, [_ONE, _TWO])) == 1


def test_a_record_larger_than_a_batch_gets_one_of_its_own() -> None:
    accumulator = _accumulator()
    for size in (10, 500, 10):
        accumulator.append(_ONE, full(bytes(size)), 0)
    accumulator.is_urgent = True
    assert [_stored(accumulator.drain(1, [_ONE])[0]) for _ in range(3)] == [
        [bytes(10)],
        [bytes(500)],
        [bytes(10)],
    ]


def test_a_batch_that_failed_waits_for_its_time_and_keeps_its_place() -> None:
    accumulator = _accumulator()
    _fill(accumulator, _ONE, 2)
    (first,) = accumulator.drain(1, [_ONE])
    accumulator.put_back(first, not_before_ns=1_000)
    waiting = accumulator.ready(999)
    assert (waiting.partitions, waiting.next_check_ns) == ((), 1_000)
    assert accumulator.ready(1_000).partitions == (_ONE,)
    assert accumulator.drain(1, [_ONE]) == [first]


def test_a_muted_partition_is_not_ready_until_its_batch_is_settled() -> None:
    accumulator = _accumulator(keeps_order=True)
    _fill(accumulator, _ONE, 2)
    accumulator.drain(1, [_ONE])
    assert accumulator.ready(0).partitions == ()
    accumulator.unmute(_ONE)
    assert accumulator.ready(0).partitions == (_ONE,)


def test_batches_whose_time_is_up_are_given_out_in_order() -> None:
    accumulator = _accumulator()
    accumulator.append(_ONE, full(), 0)
    accumulator.append(_TWO, full(), 50)
    assert accumulator.oldest_ns() == 0
    assert [b.partition for b in accumulator.expired(120, 100)] == [_ONE]
    assert [b.partition for b in accumulator.expired(150, 100)] == [_TWO]
    assert accumulator.is_empty


def test_a_split_keeps_order_records_and_owners_and_halves_the_size() -> None:
    accumulator = _accumulator(batch_size=2_000)
    deliveries = [full(b"%04d" % number * 10) for number in range(30)]
    for delivery in deliveries:
        accumulator.append(_ONE, delivery, 0)
    accumulator.is_urgent = True
    (batch,) = accumulator.drain(1, [_ONE])
    before = batch.byte_count
    pieces = accumulator.split(batch)
    assert all(piece.byte_count <= before // 2 for piece in pieces)
    values = [value for piece in pieces for value in _stored(piece)]
    assert values == [delivery.value for delivery in deliveries]
    for offset, piece in zip((100, 115), pieces, strict=False):
        piece.complete(offset, -1, None)
    assert deliveries[0].result(0).offset == 100
    assert batch.is_done


def test_a_flush_waits_for_what_is_there_and_for_the_pieces_of_a_split() -> None:
    accumulator = _accumulator(batch_size=2_000)
    for number in range(10):
        accumulator.append(_ONE, full(b"%04d" % number), 0)
    flush = accumulator.flush([])
    accumulator.append(_TWO, full(), 0)
    accumulator.is_urgent = True
    (batch,) = accumulator.drain(1, [_ONE])
    pieces = accumulator.split(batch)
    assert len(pieces) > 1
    for piece in pieces:
        assert not flush.is_done
        piece.complete(0, -1, None)
    assert flush.is_done


def test_under_idempotence_retried_batches_leave_in_order_and_one_at_a_time() -> None:
    accumulator = _accumulator(idempotent=True)
    sequences = accumulator._sequences
    _fill(accumulator, _ONE, 3)
    under_way = [accumulator.drain(1, [_ONE])[0] for _ in range(3)]
    assert [sequences.stamp(batch).base_sequence for batch in under_way] == [0, 1, 2]
    for batch in (under_way[1], under_way[0]):  # the answers come in any order
        accumulator.put_back(batch, 0)
    assert accumulator.ready(1).partitions == (_ONE,)
    assert accumulator.drain(1, [_ONE]) == [under_way[0]]
    assert accumulator.ready(1).partitions == (), "the second waits for the first"
    sequences.settled(under_way[0])
    assert accumulator.drain(1, [_ONE]) == [under_way[1]]


@given(
    sizes=st.lists(st.integers(0, 150), min_size=1, max_size=60), batch_size=st.integers(70, 500)
)
def test_bare_values_fill_batches_as_single_records_would(
    sizes: list[int], batch_size: int
) -> None:
    values = [bytes(size) for size in sizes]
    together, singly = _accumulator(batch_size=batch_size), _accumulator(batch_size=batch_size)
    together.append_many("t", 1, bare(*values), 1_000, 0)
    for value in values:
        singly.append(_ONE, full(value), 0)
    assert [_stored(b) for b in together.take_all()] == [_stored(b) for b in singly.take_all()]


@given(seed=st.integers(0, 9), batch_size=st.integers(2_000, 40_000))
def test_many_values_of_mixed_sizes_fill_batches_as_single_records_would(
    seed: int, batch_size: int
) -> None:
    chance = random.Random(seed)
    values = [bytes(chance.choice([0, 1, 63, 64, 90, 200, 3_000])) for _ in range(700)]
    together, singly = _accumulator(batch_size=batch_size), _accumulator(batch_size=batch_size)
    for part in (values[:5], values[5:80], values[80:]):
        together.append_many("t", 1, bare(*part), 1_000 + len(part), 0)
        for value in part:
            singly.append(_ONE, full(value, timestamp_ms=1_000 + len(part)), 0)
    assert [_stored(b) for b in together.take_all()] == [_stored(b) for b in singly.take_all()]


@pytest.mark.parametrize("odd", [[], [b"x"]])
def test_tiny_values_fill_a_large_batch_as_single_records_would(odd: list[bytes]) -> None:
    values = odd + [b""] * 20_000  # more than the tables of ready-made heads have
    together, singly = _accumulator(batch_size=100_000), _accumulator(batch_size=100_000)
    together.append_many("t", 1, bare(*values), 1_000, 0)
    for value in values:
        singly.append(_ONE, full(value), 0)
    assert [_stored(b) for b in together.take_all()] == [_stored(b) for b in singly.take_all()]


@given(
    runs=st.lists(st.tuples(st.integers(1, 400), st.sampled_from([0, 10, 100])), max_size=5),
    partition_count=st.integers(1, 4),
)
def test_every_value_lands_once_and_its_owner_learns_where(
    runs: list[tuple[int, int]], partition_count: int
) -> None:
    accumulator = _accumulator(batch_size=1_000)
    owners = []
    for number, (count, size) in enumerate(runs):
        values = [b"%d-%d-" % (number, index) + bytes(size) for index in range(count)]
        many = ManyDelivery(COMPLETIONS, values)
        accumulator.append_many("t", partition_count, many, 1_000, 0)
        owners.append((many, values))
    logs: dict[TopicPartition, list[bytes | None]] = {}
    for batch in accumulator.take_all():
        log = logs.setdefault(batch.partition, [])
        stored = _stored(batch)
        batch.complete(len(log), -1, None)
        log += stored
    for many, values in owners:
        told = many.results(0)
        assert [logs[sent.partition][sent.offset] for sent in told] == values


def test_sticky_partitions_change_only_between_batches() -> None:
    accumulator = _accumulator(batch_size=1_000)
    accumulator.append_many("t", 3, bare(*[bytes(100)] * 100), 1_000, 0)
    counts = [batch.record_count for batch in accumulator.take_all()]
    assert sorted(counts)[1:] == [8] * (len(counts) - 1), "8 records of 100 B fill 1,000 B"


def test_records_without_a_key_but_with_a_timestamp_stick_as_well() -> None:
    accumulator = _accumulator(batch_size=1_000)
    for number in range(100):
        accumulator.append_unkeyed("t", 3, full(bytes(100), timestamp_ms=number), 0)
    taken = accumulator.take_all()
    assert sum(batch.record_count for batch in taken) == 100
    assert len({batch.partition for batch in taken}) == 3
    assert len(taken) <= 16, "few batches are only begun"


@pytest.mark.parametrize("linger_ns", [0, _LINGER_NS])
def test_the_memory_of_a_batch_is_that_of_its_records(linger_ns: int) -> None:
    accumulator = _accumulator(linger_ns=linger_ns, batch_size=500)
    accumulator.append(_ONE, full(b"12345", key=b"123"), 0)
    accumulator.append_many("t", 1, bare(b"1234567"), 1_000, 0)
    (batch,) = accumulator.take_all()
    assert batch.reserved_byte_count == (100 + 8) + (100 + 7)

"""Sequence numbers of an idempotent producer. Source: SenderTest, TransactionManagerTest."""

from iowitness.impl.batch_writer import NO_PRODUCER
from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.producer_batch import FullPart, ProducerBatch
from iowitness.impl.sequences import Sequences
from tests.doubles.producer_records import full

_ONE, _TWO = TopicPartition("t", 0), TopicPartition("t", 1)


def _batch(record_count: int, partition: TopicPartition = _ONE) -> ProducerBatch:
    batch = ProducerBatch(partition, 1_000_000, 0)
    for _ in range(record_count):
        record = full()
        batch.builder.try_append(record.timestamp_ms, None, record.value)
        batch.parts.append(FullPart(record))
    return batch


def _identified() -> Sequences:
    sequences = Sequences(is_on=True)
    sequences.identified(7, 3)
    return sequences


def test_without_idempotence_batches_carry_nothing() -> None:
    sequences = Sequences(is_on=False)
    batch = _batch(3)
    assert sequences.may_send
    assert sequences.may_leave(batch)
    assert sequences.stamp(batch) == NO_PRODUCER


def test_nothing_leaves_before_the_producer_has_an_id() -> None:
    sequences = Sequences(is_on=True)
    assert not sequences.may_leave(_batch(1))
    sequences.identified(7, 0)
    assert sequences.may_leave(_batch(1))


def test_sequences_count_records_by_partition() -> None:
    sequences = _identified()
    stamps = [sequences.stamp(_batch(count, p)) for count, p in ((3, _ONE), (2, _TWO), (4, _ONE))]
    assert [stamp.base_sequence for stamp in stamps] == [0, 0, 3]
    assert {(stamp.producer_id, stamp.producer_epoch) for stamp in stamps} == {(7, 3)}


def test_a_batch_keeps_its_sequence_over_retries() -> None:
    sequences = _identified()
    first, second = _batch(3), _batch(3)
    sequences.stamp(first)
    sequences.stamp(second)
    assert sequences.stamp(first).base_sequence == 0


def test_sequences_wrap_to_zero() -> None:
    sequences = _identified()
    sequences._next[_ONE] = 2**31 - 2
    assert sequences.stamp(_batch(3)).base_sequence == 2**31 - 2
    assert sequences.stamp(_batch(1)).base_sequence == 1


def test_a_retry_leaves_only_as_the_first_that_is_not_settled() -> None:
    sequences = _identified()
    first, second = _batch(1), _batch(1)
    sequences.stamp(first)
    sequences.stamp(second)
    assert sequences.may_leave(first)
    assert not sequences.may_leave(second)
    assert not sequences.is_next(second)
    sequences.settled(first)
    assert sequences.may_leave(second)
    assert sequences.is_next(second)


def test_the_pieces_of_a_split_share_out_the_sequences_before_all_later_ones() -> None:
    sequences = _identified()
    big, later = _batch(5), _batch(2)
    sequences.stamp(big)
    sequences.stamp(later)
    pieces = [_batch(3), _batch(2)]
    sequences.replaced(big, pieces)
    assert [piece.base_sequence for piece in pieces] == [0, 3]
    assert sequences.may_leave(pieces[0])
    assert not sequences.may_leave(pieces[1])
    sequences.settled(pieces[0])
    sequences.settled(pieces[1])
    assert sequences.is_next(later)


def test_a_new_epoch_starts_at_zero() -> None:
    sequences = _identified()
    sequences.stamp(_batch(5))
    sequences.needs_new_epoch = True
    assert not sequences.may_send
    sequences.identified(7, 4)
    assert sequences.may_send
    assert sequences.stamp(_batch(1)).base_sequence == 0
    assert sequences.unsettled_count(_ONE) == 1

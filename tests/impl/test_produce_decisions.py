"""What each answer means for a batch. Source: SenderTest."""

import pytest

from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.produce_decisions import Decision, decided
from iowitness.impl.producer_batch import FullPart, ProducerBatch
from iowitness.impl.sequences import Sequences
from iowitness.impl.wire_errors import ErrorCode
from tests.doubles.producer_records import full


def _batch(record_count: int = 2, attempt_count: int = 1) -> ProducerBatch:
    batch = ProducerBatch(TopicPartition("t", 0), 10_000, 0)
    for _ in range(record_count):
        batch.builder.try_append(0, None, b"v")
        batch.parts.append(FullPart(full()))
    batch.attempt_count = attempt_count
    return batch


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (ErrorCode.NONE, Decision.ACKNOWLEDGE),
        (ErrorCode.DUPLICATE_SEQUENCE_NUMBER, Decision.ACKNOWLEDGE),
        (ErrorCode.NOT_LEADER_OR_FOLLOWER, Decision.RETRY),
        (ErrorCode.KAFKA_STORAGE_ERROR, Decision.RETRY),
        (ErrorCode.CORRUPT_MESSAGE, Decision.RETRY),
        (ErrorCode.MESSAGE_TOO_LARGE, Decision.SPLIT),
        (ErrorCode.INVALID_RECORD, Decision.FAIL),
        (ErrorCode.TOPIC_AUTHORIZATION_FAILED, Decision.FAIL),
        (ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, Decision.FAIL),
        (ErrorCode.UNKNOWN_SERVER_ERROR, Decision.FAIL),
    ],
)
def test_without_idempotence(code: ErrorCode, expected: Decision) -> None:
    assert decided(_batch(), code, 10, Sequences(is_on=False)) is expected


def test_a_single_record_that_is_too_large_fails() -> None:
    off = Sequences(is_on=False)
    assert decided(_batch(1), ErrorCode.MESSAGE_TOO_LARGE, 10, off) is Decision.FAIL


def test_a_split_uses_up_no_retry() -> None:
    off = Sequences(is_on=False)
    assert decided(_batch(2, 99), ErrorCode.MESSAGE_TOO_LARGE, 0, off) is Decision.SPLIT


def test_retries_run_out() -> None:
    off = Sequences(is_on=False)
    assert decided(_batch(2, 3), ErrorCode.REQUEST_TIMED_OUT, 3, off) is Decision.RETRY
    assert decided(_batch(2, 4), ErrorCode.REQUEST_TIMED_OUT, 3, off) is Decision.FAIL


def test_a_sequence_gap_is_retried_behind_an_earlier_batch_and_ends_the_epoch_at_the_front() -> (
    None
):
    sequences = Sequences(is_on=True)
    sequences.identified(1, 0)
    first, second = _batch(), _batch()
    sequences.stamp(first)
    sequences.stamp(second)
    gap = ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert decided(second, gap, 10, sequences) is Decision.RETRY
    assert decided(first, gap, 10, sequences) is Decision.RETRY_WITH_NEW_EPOCH


@pytest.mark.parametrize("code", [ErrorCode.UNKNOWN_PRODUCER_ID, ErrorCode.INVALID_PRODUCER_EPOCH])
def test_a_broker_that_forgot_the_producer_gets_a_new_epoch(code: ErrorCode) -> None:
    sequences = Sequences(is_on=True)
    sequences.identified(1, 0)
    batch = _batch()
    sequences.stamp(batch)
    assert decided(batch, code, 10, sequences) is Decision.RETRY_WITH_NEW_EPOCH

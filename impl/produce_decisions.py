"""What an answer to a batch means for it: done, again, in smaller pieces, or given up. Pure.

Source: Kafka's Sender.completeBatch and canRetry; KIP-360; docs/formats/produce-and-fetch.md.
"""

from enum import Enum
from typing import Final

from iowitness.impl.producer_batch import ProducerBatch
from iowitness.impl.sequences import Sequences
from iowitness.impl.wire_errors import RETRIABLE_CODES, ErrorCode


class Decision(Enum):
    """What to do with a batch that was answered."""

    ACKNOWLEDGE = "acknowledge"
    RETRY = "retry"
    RETRY_WITH_NEW_EPOCH = "retry with new epoch"
    SPLIT = "split"
    FAIL = "fail"


LEADER_CODES: Final = frozenset(
    {
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.LEADER_NOT_AVAILABLE,
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.FENCED_LEADER_EPOCH,
        ErrorCode.UNKNOWN_LEADER_EPOCH,
        ErrorCode.KAFKA_STORAGE_ERROR,
    }
)
"""Codes after which another broker may lead. Source: InvalidMetadataException's subclasses."""

_LANDED_CODES: Final = frozenset({ErrorCode.NONE, ErrorCode.DUPLICATE_SEQUENCE_NUMBER})
_LOST_STATE_CODES: Final = frozenset(
    {ErrorCode.UNKNOWN_PRODUCER_ID, ErrorCode.INVALID_PRODUCER_EPOCH}
)


def decided(batch: ProducerBatch, error_code: int, retries: int, sequences: Sequences) -> Decision:
    """What to do with a batch, given the code it was answered with."""
    if error_code in _LANDED_CODES:
        return Decision.ACKNOWLEDGE
    if batch.is_done:
        return Decision.FAIL
    if error_code == ErrorCode.MESSAGE_TOO_LARGE and batch.record_count > 1:
        return Decision.SPLIT
    if batch.attempt_count > retries:
        return Decision.FAIL
    if sequences.is_on:
        if error_code in _LOST_STATE_CODES:
            return Decision.RETRY_WITH_NEW_EPOCH
        if error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
            is_next = sequences.is_next(batch)
            return Decision.RETRY_WITH_NEW_EPOCH if is_next else Decision.RETRY
    return Decision.RETRY if error_code in RETRIABLE_CODES else Decision.FAIL

"""What a leader refuses in a batch set from a client. Pure.

The heads' rules cost nothing; `check_records` decompresses and walks every record, as Kafka's
leader does. Source: docs/kafka-behaviours.md, item 60; KIP-467; LogValidator.
"""

from typing import Final

from msgspec import Struct

from iowitness.impl.batch_format import NO_TIMESTAMP_MS, BatchHeader, read_header
from iowitness.impl.batch_reader import Batch, records
from iowitness.impl.compression import DEFAULT_LIMITS, ReadLimits
from iowitness.impl.errors import BatchRefused
from iowitness.impl.log_files import Buffer

INVALID_TIMESTAMP: Final = 32
INVALID_TXN_STATE: Final = 48
INVALID_RECORD: Final = 87


class RecordRules(Struct, frozen=True, kw_only=True):
    """A topic's demands on records. Times in ms; None means no bound.

    Timestamps may lie `before_ms` before and `after_ms` after the broker's clock;
    `needs_keys` is for compacted topics.
    """

    needs_keys: bool = False
    before_ms: int | None = None
    after_ms: int | None = 3_600_000
    limits: ReadLimits = DEFAULT_LIMITS


def check_client_set(batch_set: Buffer) -> BatchHeader:
    """The head of the one batch that a client may send for a partition.

    Raises `BatchRefused` for more than one, a base offset other than 0, a count that is not the
    offsets', a control batch, a transaction and log-append time; `CorruptBatch` for no batch.
    """
    header = read_header(batch_set)
    if (
        header.byte_count != len(batch_set)
        or header.base_offset
        or header.record_count != header.last_offset_delta + 1
        or header.is_control
    ):
        raise BatchRefused(_head_fault(header, len(batch_set)), error_code=INVALID_RECORD)
    if header.is_transactional:
        # Nobody would ever end the transaction, and readers of what is committed would wait.
        raise BatchRefused(
            "a transactional batch, expected none: transactions are not coordinated here",
            error_code=INVALID_TXN_STATE,
        )
    if header.has_log_append_time:
        raise BatchRefused("log-append time set by a client", error_code=INVALID_TIMESTAMP)
    return header


def _head_fault(header: BatchHeader, set_byte_count: int) -> str:
    if header.byte_count != set_byte_count:
        return f"{set_byte_count} B, expected one batch of {header.byte_count} B"
    if header.base_offset:
        return f"base offset={header.base_offset}, expected 0"
    if header.is_control:
        return "a control batch, expected data"
    return f"record count={header.record_count}, expected {header.last_offset_delta + 1}"


def check_records(batch: Batch, rules: RecordRules, now_ms: int) -> int:
    """The largest timestamp of a batch's records, after reading every one of them.

    Raises `BatchRefused` with the places of the offending records, `CorruptRecord` for records
    that are not what the head says, and `BatchRefused` for offsets that are not 0, 1, 2, ...
    """
    keyless: list[int] = []
    untimely: list[int] = []
    largest_ms = NO_TIMESTAMP_MS
    base_offset = batch.header.base_offset
    for index, record in enumerate(records(batch, rules.limits)):
        if record.offset != base_offset + index:
            raise BatchRefused(
                f"offset delta={record.offset - base_offset}, expected {index}",
                error_code=INVALID_RECORD,
                record_indexes=(index,),
            )
        if rules.needs_keys and record.key is None:
            keyless.append(index)
        if not _is_timely(record.timestamp_ms, rules, now_ms):
            untimely.append(index)
        largest_ms = max(largest_ms, record.timestamp_ms)
    if keyless:
        raise BatchRefused(
            f"{len(keyless)} records without a key, expected one in each: the topic is compacted",
            error_code=INVALID_RECORD,
            record_indexes=tuple(keyless),
        )
    if untimely:
        raise BatchRefused(
            f"{len(untimely)} timestamps too far from now={now_ms} ms",
            error_code=INVALID_TIMESTAMP,
            record_indexes=tuple(untimely),
        )
    return largest_ms


def _is_timely(timestamp_ms: int, rules: RecordRules, now_ms: int) -> bool:
    if timestamp_ms == NO_TIMESTAMP_MS:
        return True
    is_too_old = rules.before_ms is not None and timestamp_ms < now_ms - rules.before_ms
    is_too_new = rules.after_ms is not None and timestamp_ms > now_ms + rules.after_ms
    return not (is_too_old or is_too_new)

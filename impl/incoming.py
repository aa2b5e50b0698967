"""Batch sets as they arrive, checked before anything is written. Pure.

A leader stamps offsets and epoch into the bytes as it walks them; a follower keeps what is there.
"""

from collections.abc import Iterator
from typing import Final, NoReturn

from iowitness.impl.batch_format import (
    HEADER_BYTE_COUNT,
    NO_PRODUCER_ID,
    BatchHeader,
    read_sound_header,
    sequence_after,
    stamp_offsets,
)
from iowitness.impl.errors import BatchRefused, CorruptBatch
from iowitness.impl.log_files import Buffer
from iowitness.impl.producer_states import (
    OUT_OF_ORDER_SEQUENCE,
    ProducerStates,
    RememberedBatch,
)

MESSAGE_TOO_LARGE: Final = 10
RECORD_LIST_TOO_LARGE: Final = 18
UNKNOWN_ERROR: Final = -1


def stamped_headers(
    view: memoryview, offset: int, leader_epoch: int, most_batch_byte_count: int
) -> list[BatchHeader]:
    """The heads of a set, after giving its batches consecutive offsets from `offset` on, in place.

    Raises `CorruptBatch` for bytes that are not whole, sound batches, and `BatchRefused` for a
    batch above the limit; the bytes are then of no further use.
    """
    headers: list[BatchHeader] = []
    position, end = 0, len(view)
    while position < end:
        if end - position >= HEADER_BYTE_COUNT:
            stamp_offsets(view, offset, leader_epoch, position)
        header = read_sound_header(view, position)
        if header.byte_count > most_batch_byte_count:
            raise BatchRefused(
                f"batch of {header.byte_count} B, expected at most {most_batch_byte_count} B "
                "(max.message.bytes)",
                error_code=MESSAGE_TOO_LARGE,
            )
        offset = header.next_offset
        headers.append(header)
        position += header.byte_count
    return _at_least_one(headers)


def kept_headers(buffer: Buffer, next_offset: int) -> list[BatchHeader]:
    """The heads of a set that keeps its offsets; gaps are accepted.

    Raises `BatchRefused` for an offset below `next_offset` or below the batch before it.
    """
    headers: list[BatchHeader] = []
    for header in _walk(buffer):
        if header.base_offset < next_offset:
            raise BatchRefused(
                f"base offset={header.base_offset}, expected {next_offset} or more",
                error_code=UNKNOWN_ERROR,
            )
        next_offset = header.next_offset
        headers.append(header)
    return _at_least_one(headers)


def _walk(buffer: Buffer) -> Iterator[BatchHeader]:
    position = 0
    while position < len(buffer):
        header = read_sound_header(buffer, position)
        yield header
        position += header.byte_count


def _at_least_one(headers: list[BatchHeader]) -> list[BatchHeader]:
    if not headers:
        raise CorruptBatch("0 B, expected at least one batch")
    return headers


def refuse_set_size(byte_count: int, segment_byte_count: int) -> NoReturn:
    """Raises `BatchRefused` for a set that fits no segment."""
    raise BatchRefused(
        f"batch set of {byte_count} B, expected at most {segment_byte_count} B (segment.bytes)",
        error_code=RECORD_LIST_TOO_LARGE,
    )


def check_sequences(headers: list[BatchHeader], states: ProducerStates) -> RememberedBatch | None:
    """The batch that a set of one repeats, if it does.

    Raises `BatchRefused` for a sequence or epoch out of order, between the set and what is
    remembered or within the set.
    """
    first = headers[0]
    if len(headers) == 1 and (repeated := states.duplicate_of(first)) is not None:
        return repeated
    last_of: dict[int, BatchHeader] = {}
    for header in headers:
        before = last_of.get(header.producer_id)
        if before is None or before.producer_epoch != header.producer_epoch:
            states.check(header)
        elif not header.is_control:
            expected = sequence_after(before.last_sequence, 1)
            if header.producer_id != NO_PRODUCER_ID and header.base_sequence != expected:
                raise BatchRefused(
                    f"producer id={header.producer_id}: base sequence={header.base_sequence}, "
                    f"expected {expected}",
                    error_code=OUT_OF_ORDER_SEQUENCE,
                )
        last_of[header.producer_id] = header
    return None

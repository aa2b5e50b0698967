"""What a leader makes of a client's batch before it appends it. Pure.

Usually nothing: the head is looked at, and the bytes go on as they came. A topic may ask for more:
another codec, the broker's own time, a key in each record. Source: Kafka 4.3, LogValidator;
docs/kafka-behaviours.md, items 53, 60 and 61.
"""

import struct
from typing import Final

from msgspec import Struct

from iowitness.impl.batch_format import (
    CODEC_MASK,
    CRC_START,
    HEADER_BYTE_COUNT,
    LENGTH_END,
    LOG_APPEND_TIME,
    NO_TIMESTAMP_MS,
    BatchHeader,
    Codec,
    read_sound_header,
    stamp_max_timestamp,
    with_crc,
)
from iowitness.impl.batch_reader import Batch
from iowitness.impl.compression import DEFAULT_LIMITS, Compressor, ReadLimits, plain_bytes
from iowitness.impl.errors import BatchRefused
from iowitness.impl.leader_validation import RecordRules, check_client_set, check_records

_LENGTH: Final = struct.Struct(">i")
_ATTRIBUTES: Final = struct.Struct(">h")


class IntakeRules(Struct, frozen=True, kw_only=True):
    """A topic's demands. `codec` None keeps the producer's; `needs_keys` is for compacted topics.

    `stamps_append_time` puts the broker's time in the place of the records'.
    """

    codec: Codec | None = None
    stamps_append_time: bool = False
    needs_keys: bool = False
    limits: ReadLimits = DEFAULT_LIMITS


class TakenIn(Struct, frozen=True):
    """The batch to append, and the time that it was stamped with; -1 if it keeps its own."""

    batch: memoryview
    append_time_ms: int = NO_TIMESTAMP_MS


def taken_in(batch_set: memoryview, rules: IntakeRules, now_ms: int) -> TakenIn:
    """The batch that a client sent as the topic wants it, the same bytes wherever that is so.

    Raises `CorruptBatch` for bytes that are no sound batch, and `BatchRefused` for one that the
    leader must not take. A sound batch that nothing has to be done to is not summed here: the
    append does that.
    """
    try:
        header = check_client_set(batch_set)
    except BatchRefused:
        read_sound_header(batch_set)  # a flipped bit is to be called so: clients send again then
        raise
    codec = header.codec if rules.codec is None else rules.codec
    if codec is header.codec and not rules.needs_keys and not rules.stamps_append_time:
        return TakenIn(batch_set)
    batch = Batch(header, batch_set)
    batch.check()
    if rules.needs_keys:
        check_records(
            batch, RecordRules(needs_keys=True, after_ms=None, limits=rules.limits), now_ms
        )
    if codec is not header.codec:
        batch_set = memoryview(recompressed(batch, codec, rules.limits))
    if not rules.stamps_append_time:
        return TakenIn(batch_set)
    stamped = bytearray(batch_set)
    stamp_max_timestamp(stamped, now_ms, header.attributes & ~CODEC_MASK | codec | LOG_APPEND_TIME)
    return TakenIn(memoryview(stamped), now_ms)


def recompressed(batch: Batch, codec: Codec, limits: ReadLimits = DEFAULT_LIMITS) -> bytearray:
    """The same records, offsets, times and producer in another codec, at its default level.

    Raises `CorruptRecord` and `LimitExceeded` as decompression does.
    """
    header: BatchHeader = batch.header
    plain = plain_bytes(header.codec, bytes(batch.stored[HEADER_BYTE_COUNT:]), limits)
    stored = Compressor(codec).compressed(plain)
    head = bytearray(batch.stored[:HEADER_BYTE_COUNT])
    _LENGTH.pack_into(head, LENGTH_END - _LENGTH.size, HEADER_BYTE_COUNT - LENGTH_END + len(stored))
    _ATTRIBUTES.pack_into(head, CRC_START, header.attributes & ~CODEC_MASK | codec)
    return bytearray(with_crc(head, stored))

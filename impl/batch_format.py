"""The head of a record batch, magic 2: where its fields are and what they mean.

Layout, field by field: docs/formats/record-batch.md. Everything is big-endian. The CRC-32C covers
the attributes to the end, so base offset and leader epoch may be stamped without touching it.
"""

import struct
from enum import IntEnum
from typing import Final

from crc32c import crc32c
from msgspec import Struct

from iowitness.impl.errors import CorruptBatch, CorruptRecord

HEADER_BYTE_COUNT: Final = 61
"""A batch's head, and so the smallest batch: an empty one, as compaction leaves it."""

LENGTH_END: Final = 12
"""Base offset and batch length: the batch's length field counts what comes after these bytes."""

MAGIC: Final = 2
MAGIC_POSITION: Final = 16
CRC_POSITION: Final = 17
CRC_START: Final = 21
NO_TIMESTAMP_MS: Final = -1
NO_PRODUCER_ID: Final = -1
NO_SEQUENCE: Final = -1
MAX_SEQUENCE: Final = 2**31 - 1
_LEAST_LENGTH: Final = HEADER_BYTE_COUNT - LENGTH_END

CODEC_MASK: Final = 0x07
LOG_APPEND_TIME: Final = 0x08
TRANSACTIONAL: Final = 0x10
CONTROL: Final = 0x20
DELETE_HORIZON: Final = 0x40
KNOWN_ATTRIBUTES: Final = 0x7F

HEADER: Final = struct.Struct(">qiibIhiqqqhii")
CHECKED_HEADER: Final = struct.Struct(">hiqqqhii")
"""The head's fields from the attributes on: the checksum's first 40 bytes."""

_STAMP_OFFSET: Final = struct.Struct(">q")
_STAMP_EPOCH: Final = struct.Struct(">i")
_CRC: Final = struct.Struct(">I")
_TIMES: Final = struct.Struct(">hiqq")


class Codec(IntEnum):
    """How the records after the head are compressed; the number is the attributes' low bits."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4

    @classmethod
    def named(cls, name: str) -> "Codec":
        """The codec of a name in Kafka's configuration: `none`, `gzip`, `snappy`, ..."""
        return cls[name.upper()]


_LAST_CODEC: Final = int(Codec.ZSTD)


class BatchHeader(Struct, frozen=True, gc=False):
    """The head of one batch. Times are ms since 1970; `byte_count` is the whole batch's.

    `last_offset_delta` survives compaction, so `record_count` may be less than delta + 1.
    With the delete-horizon attribute `base_timestamp_ms` holds that horizon instead.
    """

    base_offset: int
    byte_count: int
    partition_leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp_ms: int
    max_timestamp_ms: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def codec(self) -> Codec:
        """Raises `CorruptBatch` for the numbers 5 to 7, which no codec has."""
        number = self.attributes & CODEC_MASK
        if number > Codec.ZSTD:
            raise CorruptBatch(f"codec={number}, expected 0..{Codec.ZSTD:d}")
        return Codec(number)

    @property
    def is_control(self) -> bool:
        """It carries a transaction marker, which takes an offset and which consumers skip."""
        return bool(self.attributes & CONTROL)

    @property
    def is_transactional(self) -> bool:
        """It is part of a transaction, or ends one."""
        return bool(self.attributes & TRANSACTIONAL)

    @property
    def has_log_append_time(self) -> bool:
        """Every record's timestamp is the batch's largest: the broker's time of appending."""
        return bool(self.attributes & LOG_APPEND_TIME)

    @property
    def delete_horizon_ms(self) -> int | None:
        """When compaction may drop the batch's tombstones; None where it has not said."""
        return self.base_timestamp_ms if self.attributes & DELETE_HORIZON else None

    @property
    def last_offset(self) -> int:
        """The last offset that the batch takes up, whether or not its record is still there."""
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        """The first offset after the batch."""
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """The sequence of the last record, wrapped from 2**31 - 1 to 0; -1 without a producer."""
        if self.base_sequence == NO_SEQUENCE or self.producer_id == NO_PRODUCER_ID:
            return NO_SEQUENCE
        return sequence_after(self.base_sequence, self.last_offset_delta)


def sequence_after(sequence: int, step_count: int) -> int:
    """The sequence that many records on: sequences wrap from 2**31 - 1 to 0."""
    return (sequence + step_count) & MAX_SEQUENCE


def read_header(buffer: bytes | bytearray | memoryview, offset: int = 0) -> BatchHeader:
    """The head that starts at an offset of a buffer, its records untouched and unchecked.

    Raises `CorruptBatch` if fewer than 61 bytes are there, or if the length, the magic or a
    count cannot be right. The batch may be longer than the buffer: see `byte_count`.
    """
    if len(buffer) - offset < HEADER_BYTE_COUNT:
        raise CorruptBatch(
            f"{len(buffer) - offset} B left, expected a head of {HEADER_BYTE_COUNT} B",
            position=offset,
        )
    base_offset, length, *rest = HEADER.unpack_from(buffer, offset)
    header = BatchHeader(base_offset, length + LENGTH_END, *rest)
    # One condition for the sound head, since every read and append comes through here.
    if not (
        header.magic == MAGIC
        and length >= _LEAST_LENGTH
        and base_offset >= 0
        and 0 <= header.record_count <= header.last_offset_delta + 1
        and header.last_offset_delta >= 0
    ):
        raise CorruptBatch(_head_fault(header), position=offset)
    return header


def _head_fault(header: BatchHeader) -> str:
    if header.magic != MAGIC:
        return f"magic={header.magic}, expected {MAGIC}"
    if header.byte_count < HEADER_BYTE_COUNT:
        return (
            f"batch length={header.byte_count - LENGTH_END} B, expected {_LEAST_LENGTH} B or more"
        )
    if header.last_offset_delta < 0:
        return f"last offset delta={header.last_offset_delta}, expected >= 0"
    if header.base_offset < 0:
        return f"base offset={header.base_offset}, expected >= 0"
    return (
        f"record count={header.record_count}, expected 0..{header.last_offset_delta + 1} "
        f"by its last offset delta"
    )


def read_sound_header(buffer: bytes | bytearray | memoryview, offset: int = 0) -> BatchHeader:
    """The head of a batch that is whole, matches its checksum and does not contradict itself.

    Raises as `read_header`, `check_crc` and `check_sound` do, in that order.
    """
    left_byte_count = len(buffer) - offset
    if left_byte_count >= HEADER_BYTE_COUNT:
        # One condition over plain numbers: the way of every batch that is appended or recovered.
        fields = HEADER.unpack_from(buffer, offset)
        base_offset, length, _, magic, crc, attributes, delta, _, _, producer_id, _, _, count = (
            fields
        )
        byte_count = length + LENGTH_END
        if (
            magic == MAGIC
            and HEADER_BYTE_COUNT <= byte_count <= left_byte_count
            and base_offset >= 0
            and 0 <= count <= delta + 1
            and delta >= 0
            and attributes & CODEC_MASK <= _LAST_CODEC
            and crc32c(memoryview(buffer)[offset + CRC_START : offset + byte_count]) == crc
        ):
            header = BatchHeader(base_offset, byte_count, *fields[2:])
            if producer_id != NO_PRODUCER_ID:
                check_sound(header)
            return header
    header = read_header(buffer, offset)
    check_crc(header, buffer, offset)
    check_sound(header)
    return header


def check_crc(header: BatchHeader, buffer: bytes | bytearray | memoryview, offset: int = 0) -> None:
    """Raises `CorruptBatch` with both checksums unless the batch at `offset` matches its CRC."""
    if len(buffer) - offset < header.byte_count:
        raise CorruptBatch(
            f"{len(buffer) - offset} B left, expected a batch of {header.byte_count} B",
            position=offset,
        )
    computed = crc32c(memoryview(buffer)[offset + CRC_START : offset + header.byte_count])
    if computed != header.crc:
        raise CorruptBatch(
            f"stored crc32c=0x{header.crc:08x}, computed 0x{computed:08x}",
            position=offset,
            stored_crc=header.crc,
            computed_crc=computed,
        )


def stamp_offsets(
    buffer: bytearray | memoryview, base_offset: int, leader_epoch: int, offset: int = 0
) -> None:
    """Writes base offset and leader epoch into the batch at `offset`; the CRC stays valid."""
    _STAMP_OFFSET.pack_into(buffer, offset, base_offset)
    _STAMP_EPOCH.pack_into(buffer, offset + LENGTH_END, leader_epoch)


def stamp_max_timestamp(
    buffer: bytearray | memoryview, max_timestamp_ms: int, attributes: int, offset: int = 0
) -> None:
    """Writes largest timestamp and attributes into the batch at `offset`, and a new CRC."""
    header = read_header(buffer, offset)
    _TIMES.pack_into(
        buffer,
        offset + CRC_START,
        attributes,
        header.last_offset_delta,
        header.base_timestamp_ms,
        max_timestamp_ms,
    )
    checked = memoryview(buffer)[offset + CRC_START : offset + header.byte_count]
    _CRC.pack_into(buffer, offset + CRC_POSITION, crc32c(checked))


def with_crc(head: bytearray, stored: bytes) -> bytes:
    """A whole batch from its head and what comes after, with its checksum filled in."""
    crc = crc32c(stored, crc32c(memoryview(head)[CRC_START:]))
    _CRC.pack_into(head, CRC_POSITION, crc)
    return bytes(head) + stored


def check_sound(header: BatchHeader) -> None:
    """Raises `CorruptRecord` for a head whose fields contradict one another.

    A producer id needs an epoch and, for data, a sequence of at least 0.
    Source: DefaultRecordBatch.writeHeader; docs/kafka-behaviours.md, item 59.
    """
    if header.attributes & CODEC_MASK > Codec.ZSTD:
        raise CorruptBatch(f"codec={header.attributes & CODEC_MASK}, expected 0..{Codec.ZSTD:d}")
    if header.producer_id == NO_PRODUCER_ID:
        return
    if header.producer_epoch < 0:
        raise CorruptRecord(f"producer epoch={header.producer_epoch}, expected >= 0")
    if header.base_sequence < 0 and not header.is_control:
        raise CorruptRecord(f"base sequence={header.base_sequence}, expected >= 0")

"""Record batch v2 by the byte: how long records and batches are, and what a codec makes of them.

Source: Kafka's record format: a batch head of 61 bytes, then records of varint length, attributes,
varlong timestamp delta, varint offset delta, key, value and header count; varints are zigzag.
"""

from dataclasses import dataclass

BATCH_HEAD_BYTE_COUNT = 61
"""From the base offset to the record count."""

_NO_ATTRIBUTES = b"\x00"
_NO_HEADERS = b"\x00"


@dataclass(frozen=True, slots=True)
class Record:
    """One record as the application hands it over; `partition` is None where the key decides."""

    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    partition: int | None


def varint_byte_count(number: int) -> int:
    """Bytes of a signed number as a zigzag varint (7 bits a byte)."""
    zigzag = number << 1 if number >= 0 else (-number << 1) - 1
    return max(1, (zigzag.bit_length() + 6) // 7)


def varint(number: int) -> bytes:
    """A signed number as a zigzag varint, low group first."""
    zigzag = number << 1 if number >= 0 else (-number << 1) - 1
    groups = bytearray()
    while zigzag > 0x7F:
        groups.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    groups.append(zigzag)
    return bytes(groups)


def _field_byte_count(content: bytes | None) -> int:
    """A nullable field: its length as a varint (-1 for null), then its bytes."""
    return 1 if content is None else varint_byte_count(len(content)) + len(content)


def _field(content: bytes | None) -> bytes:
    return varint(-1) if content is None else varint(len(content)) + content


def record_byte_count(record: Record, timestamp_delta_ms: int, offset_delta: int) -> int:
    """Bytes of one record inside a batch, its own length field included."""
    body = (
        len(_NO_ATTRIBUTES)
        + varint_byte_count(timestamp_delta_ms)
        + varint_byte_count(offset_delta)
        + _field_byte_count(record.key)
        + _field_byte_count(record.value)
        + len(_NO_HEADERS)
    )
    return varint_byte_count(body) + body


def encoded_record(record: Record, timestamp_delta_ms: int, offset_delta: int) -> bytes:
    """The bytes of one record inside a batch."""
    body = b"".join(
        (
            _NO_ATTRIBUTES,
            varint(timestamp_delta_ms),
            varint(offset_delta),
            _field(record.key),
            _field(record.value),
            _NO_HEADERS,
        )
    )
    return varint(len(body)) + body

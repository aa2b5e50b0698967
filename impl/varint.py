"""Zigzag varints, as records use them: 7 bits a byte, low group first.

At most 5 bytes carry 32 bits and 10 bytes carry 64. Not the plain unsigned varints of the
protocol's compact lengths. Source: Protocol Buffers encoding; docs/formats/record-batch.md.
"""

from typing import Final

from iowitness.impl.errors import CorruptRecord

TABLE_COUNT: Final = 8192
"""Numbers 0..8191 take one or two bytes and lie ready-made in `ENCODED` and `BYTE_COUNTS`."""

_INT_BYTE_COUNT: Final = 5
_LONG_BYTE_COUNT: Final = 10
_MAX_INT: Final = 2**31 - 1
_MAX_LONG: Final = 2**63 - 1


def _encoded_anew(number: int) -> bytes:
    rest = number << 1 if number >= 0 else (-number << 1) - 1
    groups = bytearray()
    while rest > 0x7F:
        groups.append(rest & 0x7F | 0x80)
        rest >>= 7
    groups.append(rest)
    return bytes(groups)


def encoded(number: int) -> bytes:
    """The varint of a number of up to 64 bits, sign included."""
    if 0 <= number < TABLE_COUNT:
        return ENCODED[number]
    return _encoded_anew(number)


def varint_byte_count(number: int) -> int:
    """How many bytes `encoded` needs."""
    rest = number << 1 if number >= 0 else (-number << 1) - 1
    return max(1, (rest.bit_length() + 6) // 7)


def read_int(buffer: bytes, offset: int, end: int) -> tuple[int, int]:
    """A 32-bit varint and the offset after it. Raises `CorruptRecord` past 5 bytes or `end`."""
    rest, after = _read(buffer, offset, end, _INT_BYTE_COUNT)
    number = (rest >> 1) ^ -(rest & 1)
    if not -_MAX_INT - 1 <= number <= _MAX_INT:
        raise CorruptRecord(f"varint={number} at byte {offset}, expected 32 bits")
    return number, after


def read_long(buffer: bytes, offset: int, end: int) -> tuple[int, int]:
    """A 64-bit varint and the offset after it. Raises `CorruptRecord` past 10 bytes or `end`."""
    rest, after = _read(buffer, offset, end, _LONG_BYTE_COUNT)
    number = (rest >> 1) ^ -(rest & 1)
    if not -_MAX_LONG - 1 <= number <= _MAX_LONG:
        raise CorruptRecord(f"varlong={number} at byte {offset}, expected 64 bits")
    return number, after


def _read(buffer: bytes, offset: int, end: int, limit_byte_count: int) -> tuple[int, int]:
    rest = shift = 0
    for position in range(offset, min(end, offset + limit_byte_count)):
        group = buffer[position]
        rest |= (group & 0x7F) << shift
        if group < 0x80:
            return rest, position + 1
        shift += 7
    if end - offset < limit_byte_count:
        raise CorruptRecord(f"varint at byte {offset} runs past the record's end at byte {end}")
    raise CorruptRecord(f"varint at byte {offset} is longer than {limit_byte_count} bytes")


ENCODED: Final[list[bytes]] = [_encoded_anew(number) for number in range(TABLE_COUNT)]
BYTE_COUNTS: Final[bytes] = bytes(len(varint) for varint in ENCODED)

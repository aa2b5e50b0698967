"""The outline of zstd frames: enough to tell whole ones from cut ones.

The stream decoder gives what it has and no error when its input ends inside a frame, so the
outline is walked first: a head, blocks of 3 B head and a size, perhaps a checksum of 4 B.
Source: RFC 8878, sections 3.1.1 and 3.1.2.
"""

import struct
from typing import Final

from iowitness.impl.errors import CorruptRecord

MAGIC: Final = 0xFD2FB528

_SKIPPABLE_MAGIC: Final = 0x184D2A50
_SKIPPABLE_MASK: Final = 0xFFFFFFF0
_INT: Final = struct.Struct("<I")
_SINGLE_SEGMENT: Final = 0x20
_CHECKSUM: Final = 0x04
_CHECKSUM_BYTE_COUNT: Final = 4
_DICTIONARY_BYTE_COUNTS: Final = (0, 1, 2, 4)
_CONTENT_SIZE_BYTE_COUNTS: Final = (0, 2, 4, 8)
_BLOCK_HEAD_BYTE_COUNT: Final = 3
_RLE_BLOCK: Final = 1
_RESERVED_BLOCK: Final = 3


def check_whole(stored: bytes) -> None:
    """Raises `CorruptRecord` unless the bytes are whole zstd frames, one after another."""
    position = 0
    while True:
        position = _frame_end(stored, position)
        if position == len(stored):
            return


def _frame_end(stored: bytes, start: int) -> int:
    _need(stored, start, _INT.size)
    (magic,) = _INT.unpack_from(stored, start)
    position = start + _INT.size
    if magic & _SKIPPABLE_MASK == _SKIPPABLE_MAGIC:
        _need(stored, position, _INT.size)
        (byte_count,) = _INT.unpack_from(stored, position)
        return _need(stored, position + _INT.size, byte_count)
    if magic != MAGIC:
        raise CorruptRecord(f"zstd magic=0x{magic:08x}, expected 0x{MAGIC:08x}")
    _need(stored, position, 1)
    descriptor = stored[position]
    position = _need(stored, position, _head_byte_count(descriptor))
    position = _blocks_end(stored, position)
    return _need(stored, position, _CHECKSUM_BYTE_COUNT if descriptor & _CHECKSUM else 0)


def _head_byte_count(descriptor: int) -> int:
    single_segment = bool(descriptor & _SINGLE_SEGMENT)
    content_size = _CONTENT_SIZE_BYTE_COUNTS[descriptor >> 6]
    if single_segment and content_size == 0:
        content_size = 1
    window = 0 if single_segment else 1
    return 1 + window + _DICTIONARY_BYTE_COUNTS[descriptor & 3] + content_size


def _blocks_end(stored: bytes, start: int) -> int:
    position = start
    while True:
        _need(stored, position, _BLOCK_HEAD_BYTE_COUNT)
        head = int.from_bytes(stored[position : position + _BLOCK_HEAD_BYTE_COUNT], "little")
        kind = head >> 1 & 3
        if kind == _RESERVED_BLOCK:
            raise CorruptRecord(f"zstd block of the reserved kind at byte {position}")
        byte_count = 1 if kind == _RLE_BLOCK else head >> 3
        position = _need(stored, position + _BLOCK_HEAD_BYTE_COUNT, byte_count)
        if head & 1:
            return position


def _need(stored: bytes, position: int, byte_count: int) -> int:
    if len(stored) - position < byte_count:
        raise CorruptRecord(f"zstd: {len(stored)} B end before the frame does")
    return position + byte_count

"""Messages of the formats before Kafka 0.11, magic 0 and 1, as far as telling them from damage.

Offset int64, size int32, CRC-32 (the other one, of zlib) over the rest, magic int8. They are sound
bytes that nothing here can read, so they must be neither returned nor cut away.
Source: Kafka documentation, "Old Message Format".
"""

import struct
import zlib
from typing import Final

from iowitness.impl.batch_format import LENGTH_END, MAGIC, MAGIC_POSITION

HEAD_BYTE_COUNT: Final = MAGIC_POSITION + 1

_HEAD: Final = struct.Struct(">qiIb")
_LEAST_LENGTH: Final = 14
"""CRC, magic, attributes, key size, value size."""


def old_byte_count(buffer: bytes | bytearray | memoryview, offset: int = 0) -> int | None:
    """The whole size of the old message that may start there, by its head; None if none can."""
    if len(buffer) - offset < HEAD_BYTE_COUNT:
        return None
    base_offset, length, _, magic = _HEAD.unpack_from(buffer, offset)
    is_possible = base_offset >= 0 and length >= _LEAST_LENGTH and 0 <= magic < MAGIC
    return length + LENGTH_END if is_possible else None


def is_old_message(message: bytes | bytearray | memoryview) -> bool:
    """Whether bytes of that size match the checksum of an old message."""
    stored: int = _HEAD.unpack_from(message)[2]
    return zlib.crc32(memoryview(message)[MAGIC_POSITION:]) == stored

"""Snappy as Kafka stores it: the xerial frame, or one raw block without a frame.

A frame is `82 53 4e 41 50 50 59 00`, int32 version, int32 least compatible version, then any
number of [int32 length, raw block]. Java and the Python clients write frames with blocks of
32 KiB, librdkafka one raw block; everybody reads both. Source: xerial/snappy-java, SnappyCodec.
"""

import struct
from collections.abc import Iterator
from typing import Final

import cramjam

from iowitness.impl.errors import CorruptRecord, LimitExceeded

FRAME_MAGIC: Final = b"\x82SNAPPY\x00"
FRAME_HEAD: Final = FRAME_MAGIC + struct.pack(">ii", 1, 1)
BLOCK_BYTE_COUNT: Final = 32 * 1024

_LENGTH: Final = struct.Struct(">i")


def framed(plain: bytes) -> bytes:
    """The xerial frame of some bytes, in blocks of 32 KiB."""
    pieces = [FRAME_HEAD]
    view = memoryview(plain)
    for start in range(0, len(plain), BLOCK_BYTE_COUNT):
        block = bytes(cramjam.snappy.compress_raw(view[start : start + BLOCK_BYTE_COUNT]))
        pieces.append(_LENGTH.pack(len(block)))
        pieces.append(block)
    return b"".join(pieces)


def unframed_blocks(stored: bytes, limit_byte_count: int) -> Iterator[bytes]:
    """The plain bytes of a frame or a raw block, block by block.

    Every block says its plain length first, so the limit on each is checked before anything is
    allocated. Raises `LimitExceeded` for more, and `CorruptRecord` for a frame that ends early and
    for bytes that are no snappy.
    """
    if not stored.startswith(FRAME_MAGIC):
        yield _block(stored, limit_byte_count)
        return
    if len(stored) < len(FRAME_HEAD):
        raise CorruptRecord(f"snappy frame of {len(stored)} B, expected a head of 16 B")
    position = len(FRAME_HEAD)
    while position < len(stored):
        if len(stored) - position < _LENGTH.size:
            raise CorruptRecord(f"{len(stored) - position} B after the last snappy block")
        (byte_count,) = _LENGTH.unpack_from(stored, position)
        position += _LENGTH.size
        if not 0 <= byte_count <= len(stored) - position:
            raise CorruptRecord(
                f"snappy block of {byte_count} B, expected 0..{len(stored) - position} B"
            )
        yield _block(stored[position : position + byte_count], limit_byte_count)
        position += byte_count


def _block(block: bytes, limit_byte_count: int) -> bytes:
    try:
        plain_byte_count = cramjam.snappy.decompress_raw_len(block)
        if plain_byte_count > limit_byte_count:
            raise LimitExceeded(
                f"snappy block says {plain_byte_count} B, expected at most {limit_byte_count} B"
            )
        return bytes(cramjam.snappy.decompress_raw(block))
    except cramjam.DecompressionError as error:
        raise CorruptRecord(f"snappy: {error}") from error

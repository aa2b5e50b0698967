"""What each codec makes of a batch's records: a size that depends on their bytes alone.

The libraries that define the formats are asked, because no formula gives an exact size. Framing
follows the Java client: one gzip member; xerial's snappy frame with blocks of 32 KiB; an LZ4 frame
with independent blocks of 64 KiB and no sums; a zstd stream that does not tell its size.
Source: Kafka's `CompressionType` and the codecs' own formats.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import cramjam
import lz4.frame
import zstandard

Codec: TypeAlias = Literal["none", "gzip", "snappy", "lz4", "zstd"]

_XERIAL_HEAD_BYTE_COUNT = 16
_XERIAL_BLOCK_BYTE_COUNT = 32_768
_ZSTD_LEVEL = 3


def _gzip_byte_count(content: bytes) -> int:
    deflate = zlib.compressobj(-1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return len(deflate.compress(content)) + len(deflate.flush())


def _snappy_byte_count(content: bytes) -> int:
    starts = range(0, len(content), _XERIAL_BLOCK_BYTE_COUNT)
    blocks = (content[start : start + _XERIAL_BLOCK_BYTE_COUNT] for start in starts)
    return _XERIAL_HEAD_BYTE_COUNT + sum(
        4 + len(cramjam.snappy.compress_raw(block)) for block in blocks
    )


def _lz4_byte_count(content: bytes) -> int:
    frame = lz4.frame.compress(
        content, block_size=lz4.frame.BLOCKSIZE_MAX64KB, block_linked=False, store_size=False
    )
    return len(frame)


def _zstd_byte_count(content: bytes) -> int:
    stream = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_content_size=False)
    return len(stream.compress(content))


_BYTE_COUNTS: Mapping[Codec, Callable[[bytes], int]] = {
    "none": len,
    "gzip": _gzip_byte_count,
    "snappy": _snappy_byte_count,
    "lz4": _lz4_byte_count,
    "zstd": _zstd_byte_count,
}


def compressed_byte_count(codec: Codec, content: bytes) -> int:
    """Bytes that `content` takes once compressed, framing included."""
    return _BYTE_COUNTS[codec](content)

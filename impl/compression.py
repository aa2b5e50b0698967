"""The five codecs of a batch: one stream holds all of its records.

Compressed bytes are a pure function of codec, level and input: gzip carries no time, lz4 blocks
are independent (Java refuses linked ones), zstd frames carry no content size, as Java's do.
Reading is by bounded chunks, so a small input cannot ask for a large buffer.
Sources: RFC 1952, lz4_Frame_format.md, RFC 8878; docs/formats/record-batch.md, "Compression".
"""

import zlib
from collections.abc import Iterator
from typing import Final

import lz4.frame
import zstandard
from msgspec import Struct

from iowitness.impl.batch_format import Codec
from iowitness.impl.errors import CorruptRecord, LimitExceeded
from iowitness.impl.lz4_frame_head import check_frame_head
from iowitness.impl.snappy_framing import framed, unframed_blocks
from iowitness.impl.zstd_frames import check_whole

LEVELS: Final = {
    Codec.GZIP: range(-1, 10),
    Codec.LZ4: range(1, 18),
    Codec.ZSTD: range(-131_072, 23),
}
"""The levels that may be asked for; none and snappy have none. Source: KIP-780."""

_DEFAULT_LEVELS: Final = {Codec.GZIP: -1, Codec.LZ4: 9, Codec.ZSTD: 3}
_LZ4_DEFAULT_LEVEL: Final = 9
_GZIP_WINDOW_BITS: Final = 31
_CHUNK_BYTE_COUNT: Final = 64 * 1024
_SLACK_BYTE_COUNT: Final = 64 * 1024


class ReadLimits(Struct, frozen=True, gc=False):
    """How much a batch may decompress to, checked while it does, chunk by chunk.

    `plain_byte_count` bounds the sum, `ratio` the sum against the compressed bytes (64 KiB are
    always allowed), `window_byte_count` the memory that a zstd frame may ask for.
    """

    plain_byte_count: int = 256 * 1024 * 1024
    ratio: int = 20_000
    window_byte_count: int = 1 << 27

    def allowed_byte_count(self, stored_byte_count: int) -> int:
        """The most that this many compressed bytes may become."""
        return min(self.plain_byte_count, self.ratio * stored_byte_count + _SLACK_BYTE_COUNT)


DEFAULT_LIMITS: Final = ReadLimits()


class Compressor(Struct, frozen=True, gc=False):
    """A codec and its level; None is the codec's own default, which for lz4 is the fast one."""

    codec: Codec = Codec.NONE
    level: int | None = None

    def __post_init__(self) -> None:
        if self.level is None:
            return
        allowed = LEVELS.get(self.codec)
        if allowed is None:
            raise ValueError(f"level={self.level}, expected none for {self.codec.name.lower()}")
        if self.level not in allowed or (self.codec is Codec.GZIP and self.level == 0):
            raise ValueError(
                f"level={self.level}, expected {allowed.start}..{allowed.stop - 1} "
                f"for {self.codec.name.lower()}{', 0 excepted' * (self.codec is Codec.GZIP)}"
            )

    def compressed(self, plain: bytes) -> bytes:
        """The stream that stands for some bytes; the bytes themselves for `none`."""
        match self.codec:
            case Codec.NONE:
                return plain
            case Codec.GZIP:
                return self._gzip(plain)
            case Codec.SNAPPY:
                return framed(plain)
            case Codec.LZ4:
                return self._lz4(plain)
            case Codec.ZSTD:
                return zstandard.ZstdCompressor(
                    level=self._effective_level(), write_content_size=False
                ).compress(plain)

    def _effective_level(self) -> int:
        return _DEFAULT_LEVELS[self.codec] if self.level is None else self.level

    def _gzip(self, plain: bytes) -> bytes:
        # zlib's own gzip head has time 0, so equal input gives equal bytes.
        stream = zlib.compressobj(self._effective_level(), zlib.DEFLATED, _GZIP_WINDOW_BITS)
        return stream.compress(plain) + stream.flush()

    def _lz4(self, plain: bytes) -> bytes:
        # Kafka's default, 9, means lz4's fast compressor, which liblz4 calls level 0.
        level = self._effective_level()
        compressed: bytes = lz4.frame.compress(
            plain,
            compression_level=0 if level == _LZ4_DEFAULT_LEVEL else level,
            block_size=lz4.frame.BLOCKSIZE_MAX64KB,
            block_linked=False,
            content_checksum=False,
            store_size=False,
        )
        return compressed


NO_COMPRESSION: Final = Compressor()


def plain_chunks(
    codec: Codec, stored: bytes, limits: ReadLimits = DEFAULT_LIMITS
) -> Iterator[bytes]:
    """What a compressed stream holds, in chunks of 64 KiB or of one block.

    Raises `LimitExceeded` before a chunk past the limits is handed out, and `CorruptRecord` for
    bytes that are not the codec's, a stream that ends early, or bytes after its end.
    """
    allowed = limits.allowed_byte_count(len(stored))
    chunks = {
        Codec.NONE: _stored_chunks,
        Codec.GZIP: _gzip_chunks,
        Codec.SNAPPY: _snappy_chunks,
        Codec.LZ4: _lz4_chunks,
        Codec.ZSTD: _zstd_chunks,
    }[codec](stored, limits)
    plain_byte_count = 0
    for chunk in chunks:
        plain_byte_count += len(chunk)
        if codec is not Codec.NONE and plain_byte_count > allowed:
            raise LimitExceeded(
                f"{len(stored)} B of {codec.name.lower()} become more than {allowed} B"
            )
        yield chunk


def plain_bytes(codec: Codec, stored: bytes, limits: ReadLimits = DEFAULT_LIMITS) -> bytes:
    """What a compressed stream holds, whole. Raises as `plain_chunks` does."""
    return b"".join(plain_chunks(codec, stored, limits))


def _stored_chunks(stored: bytes, _limits: ReadLimits) -> Iterator[bytes]:
    yield stored


def _snappy_chunks(stored: bytes, limits: ReadLimits) -> Iterator[bytes]:
    return unframed_blocks(stored, limits.allowed_byte_count(len(stored)))


def _gzip_chunks(stored: bytes, _limits: ReadLimits) -> Iterator[bytes]:
    """Members follow one another, as java.util.zip.GZIPInputStream reads them."""
    rest = stored
    while rest:
        member = zlib.decompressobj(_GZIP_WINDOW_BITS)
        feed = rest
        while not member.eof:
            try:
                chunk = member.decompress(feed, _CHUNK_BYTE_COUNT)
            except zlib.error as error:
                raise CorruptRecord(f"gzip: {error}") from error
            feed = member.unconsumed_tail
            if not chunk and not feed and not member.eof:
                raise CorruptRecord(f"gzip: {len(stored)} B end before the stream does")
            yield chunk
        rest = member.unused_data


def _lz4_chunks(stored: bytes, _limits: ReadLimits) -> Iterator[bytes]:
    check_frame_head(stored)
    frame = lz4.frame.LZ4FrameDecompressor()
    feed = stored
    while not frame.eof:
        try:
            chunk = frame.decompress(feed, max_length=_CHUNK_BYTE_COUNT)
        except RuntimeError as error:
            raise CorruptRecord(f"lz4: {error}") from error
        if not chunk and not frame.eof:
            raise CorruptRecord(f"lz4: {len(stored)} B end before the frame does")
        feed = b""
        yield chunk
    if frame.unused_data:
        raise CorruptRecord(f"lz4: {len(frame.unused_data)} B after the frame's end")


def _zstd_chunks(stored: bytes, limits: ReadLimits) -> Iterator[bytes]:
    check_whole(stored)
    decompressor = zstandard.ZstdDecompressor(max_window_size=limits.window_byte_count)
    reader = decompressor.stream_reader(stored, read_across_frames=True)
    try:
        while chunk := reader.read(_CHUNK_BYTE_COUNT):
            yield chunk
    except zstandard.ZstdError as error:
        raise CorruptRecord(f"zstd: {error}") from error

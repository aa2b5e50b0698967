"""A batch's decompressed size is held against the limits, whatever the codec says it is."""

import pytest
from crc32c import crc32c

from iowitness.impl.batch_format import Codec
from iowitness.impl.batch_writer import encode_batch
from iowitness.impl.compression import Compressor, ReadLimits
from iowitness.impl.errors import CorruptBatch, LimitExceeded
from iowitness.impl.plain_size import check_plain_size

_CODECS = [codec for codec in Codec if codec is not Codec.NONE]
_LIMITS = ReadLimits(plain_byte_count=100_000)


def _batch(codec: Codec, value: bytes) -> bytes:
    return bytes(encode_batch([(0, None, value, ())], Compressor(codec)))


@pytest.mark.parametrize("codec", _CODECS)
def test_a_batch_within_the_limit_passes_and_one_beyond_is_refused(codec: Codec) -> None:
    check_plain_size(memoryview(_batch(codec, bytes(99_000))), _LIMITS)
    with pytest.raises(LimitExceeded):
        check_plain_size(memoryview(_batch(codec, bytes(101_000))), _LIMITS)


@pytest.mark.parametrize("codec", _CODECS)
def test_a_stream_that_is_not_the_codec_s_is_corrupt(codec: Codec) -> None:
    batch = bytearray(_batch(codec, b"value" * 100))
    batch[61:65] = b"\xff\xff\xff\xff"
    batch[17:21] = crc32c(bytes(batch[21:])).to_bytes(4, "big")
    with pytest.raises(CorruptBatch):
        check_plain_size(memoryview(batch), _LIMITS)


def test_a_batch_that_is_not_compressed_may_be_as_large_as_its_frame() -> None:
    check_plain_size(memoryview(_batch(Codec.NONE, bytes(500_000))), _LIMITS)

"""How much a client's batch becomes when decompressed, found out without keeping any of it. Pure.

Whoever fetches a batch has to decompress it, so a batch that becomes gigabytes must not be stored.
Source: docs/formats/record-batch.md, "Compression".
"""

from typing import Final

from iowitness.impl.batch_format import CODEC_MASK, CRC_START, HEADER_BYTE_COUNT, Codec
from iowitness.impl.batch_reader import batches
from iowitness.impl.compression import ReadLimits, plain_chunks

_CODEC_POSITION: Final = CRC_START + 1
"""The attributes' low byte: the first that the checksum covers is their high one."""


def check_plain_size(batch_set: memoryview, limits: ReadLimits) -> None:
    """Decompress the one batch of a set chunk by chunk, and let each chunk go.

    Raises `LimitExceeded` for more than the limits allow, `CorruptRecord` for a stream that is not
    the codec's, and `CorruptBatch` for what is no batch. One that is not compressed is not looked
    at: that is the common case, and the append checks it.
    """
    if len(batch_set) < HEADER_BYTE_COUNT or not batch_set[_CODEC_POSITION] & CODEC_MASK:
        return
    for batch in batches(batch_set):
        if batch.header.codec is not Codec.NONE:
            stored = bytes(batch.stored[HEADER_BYTE_COUNT:])
            for _chunk in plain_chunks(batch.header.codec, stored, limits):
                pass

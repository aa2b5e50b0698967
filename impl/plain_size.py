"""How much a client's batches become when decompressed, found out without keeping any of it. Pure.

Whoever fetches a batch has to decompress it, so a batch that becomes gigabytes must not be stored.
Source: docs/formats/record-batch.md, "Compression".
"""

from iowitness.impl.batch_format import HEADER_BYTE_COUNT, Codec
from iowitness.impl.batch_reader import batches
from iowitness.impl.compression import ReadLimits, plain_chunks


def check_plain_size(batch_set: memoryview, limits: ReadLimits) -> None:
    """Decompress the batches of a set chunk by chunk, and let each chunk go.

    Raises `LimitExceeded` for more than the limits allow, `CorruptRecord` for a stream that is not
    the codec's, and `CorruptBatch` for what is no batch.
    """
    for batch in batches(batch_set):
        if batch.header.codec is not Codec.NONE:
            stored = bytes(batch.stored[HEADER_BYTE_COUNT:])
            for _chunk in plain_chunks(batch.header.codec, stored, limits):
                pass

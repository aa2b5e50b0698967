"""Record batches and requests of made-up content: only their shape is Kafka's."""

import random

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def batch(
    number: int, byte_count: int = 200, codec: str = "none", base_offset: int = 0, epoch: int = -1
) -> bytes:
    """A batch of `byte_count` bytes; `number` makes its content its own."""
    body = random.Random(number).randbytes(byte_count - 23)
    return (
        base_offset.to_bytes(8, "big")
        + (byte_count - 12).to_bytes(4, "big")
        + epoch.to_bytes(4, "big", signed=True)
        + b"\2"
        + number.to_bytes(4, "big")
        + CODECS.index(codec).to_bytes(2, "big")
        + body
    )


def stamped(sent: bytes, base_offset: int) -> bytes:
    """The batch as a leader stores it: with its base offset and epoch 0."""
    return base_offset.to_bytes(8, "big") + sent[8:12] + bytes(4) + sent[16:]


def request(*batches: bytes, key: int = 0) -> bytes:
    """A request with some bytes before the batches, as topic and partition would be."""
    body = key.to_bytes(2, "big") + b"\0\x09" + b"some head" + b"".join(batches)
    return len(body).to_bytes(4, "big") + body

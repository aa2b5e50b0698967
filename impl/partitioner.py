"""Which partition a record goes to: by its key's murmur2 hash, or in turn. Pure."""

from typing import Final

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """The 32-bit hash of a key, unsigned. Source: MurmurHash2, seeded as in Utils.murmur2."""
    length = len(key)
    whole = length & ~3
    h = _SEED ^ length
    for start in range(0, whole, 4):
        k = int.from_bytes(key[start : start + 4], "little") * _M & _MASK
        k = (k ^ (k >> 24)) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if whole < length:
        h = (h ^ int.from_bytes(key[whole:], "little")) * _M & _MASK
    h = (h ^ (h >> 13)) * _M & _MASK
    return h ^ (h >> 15)


def partition_of_key(key: bytes, partition_count: int) -> int:
    """Where Java, kafka-python and aiokafka put a key; librdkafka differs by default."""
    return (murmur2(key) & 0x7FFFFFFF) % partition_count

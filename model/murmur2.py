"""murmur2 and the choice of a partition by key, as the Java client makes it.

Source: Apache Kafka, `Utils.murmur2` and `BuiltInPartitioner.partitionForKey`; the hash is Austin
Appleby's MurmurHash2, 32 bit, with seed 0x9747b28c.
"""

_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """The 32-bit hash, unsigned."""
    length = len(key)
    state = _SEED ^ length
    whole = length - length % 4
    for start in range(0, whole, 4):
        word = int.from_bytes(key[start : start + 4], "little") * _MULTIPLIER & _MASK
        word = (word ^ word >> 24) * _MULTIPLIER & _MASK
        state = state * _MULTIPLIER & _MASK ^ word
    if whole < length:
        state = (state ^ int.from_bytes(key[whole:], "little")) * _MULTIPLIER & _MASK
    state = (state ^ state >> 13) * _MULTIPLIER & _MASK
    return state ^ state >> 15


def partition_of_key(key: bytes, partition_count: int) -> int:
    """The partition of a keyed record: the hash without its sign bit, modulo the count."""
    return (murmur2(key) & 0x7FFFFFFF) % partition_count

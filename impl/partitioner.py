"""Which partition a record goes to: by its key's murmur2 hash, or in turn. Pure."""

from collections.abc import Callable, Sequence
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


class StickyPartitioner:
    """Where records without a key go: one partition for a batch, then another.

    It changes only where a batch ends, after `batch_size` bytes at least and twice that at most,
    and chooses at random, weighted by how short the partitions' queues are: the weight of one is
    (longest queue + 1 - its own). Source: KIP-794, BuiltInPartitioner.
    """

    def __init__(self, batch_size: int, pick: Callable[[int], int]) -> None:
        """`pick(n)` gives a number from 0 to n - 1."""
        self._batch_size = batch_size
        self._pick = pick
        self._appended_byte_count = 0
        self._current: int | None = None

    def partition(self, queue_lengths: Sequence[int]) -> int:
        """The partition for the next record, given how many batches each one has waiting."""
        if self._current is None or self._current >= len(queue_lengths):
            self._current = self._chosen(queue_lengths)
            self._appended_byte_count = 0
        return self._current

    def appended(self, byte_count: int, *, at_batch_end: bool) -> None:
        """Note what the current partition got, and whether a batch of it ended with that."""
        self._appended_byte_count += byte_count
        enough = self._batch_size if at_batch_end else 2 * self._batch_size
        if self._appended_byte_count >= enough:
            self._current = None

    def _chosen(self, queue_lengths: Sequence[int]) -> int:
        longest = max(queue_lengths)
        weights = [longest + 1 - length for length in queue_lengths]
        left = self._pick(sum(weights))
        for partition, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return partition
        raise AssertionError("pick(n) gave a number outside of 0..n-1")

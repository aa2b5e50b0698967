"""Where records go: by key as the Java client does, without one by batches and queues."""

import random
from collections import Counter

import pytest
from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl.partitioner import StickyPartitioner, murmur2, partition_of_key


@given(key=st.binary(max_size=40))
def test_the_hash_is_that_of_other_clients(key: bytes) -> None:
    assert murmur2(key) == aiokafka_murmur2(key) & 0xFFFFFFFF


@pytest.mark.parametrize(
    ("key", "signed_hash"),
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536)],
)
def test_the_hash_is_that_of_kafkas_own_tests(key: bytes, signed_hash: int) -> None:
    assert murmur2(key) == signed_hash & 0xFFFFFFFF


@given(key=st.binary(max_size=40), count=st.integers(1, 1_000))
def test_a_key_always_goes_to_one_existing_partition(key: bytes, count: int) -> None:
    assert 0 <= partition_of_key(key, count) < count
    assert partition_of_key(key, count) == partition_of_key(key, count)


def _sticky(seed: int = 1) -> StickyPartitioner:
    return StickyPartitioner(1_000, random.Random(seed).randrange)


def test_it_sticks_until_a_batch_ends_after_enough_bytes() -> None:
    sticky = _sticky()
    first = sticky.partition([0] * 50)
    sticky.appended(600, at_batch_end=False)
    sticky.appended(300, at_batch_end=True)
    assert sticky.partition([0] * 50) == first, "900 B are less than batch_size"
    sticky.appended(300, at_batch_end=False)
    assert sticky.partition([0] * 50) == first, "1,200 B, but in the middle of a batch"
    sticky.appended(10, at_batch_end=True)
    assert sticky.partition([0] * 50) != first


def test_it_never_sticks_for_more_than_twice_the_batch_size() -> None:
    sticky = _sticky()
    first = sticky.partition([0] * 50)
    for _ in range(4):
        sticky.appended(500, at_batch_end=False)
    assert sticky.partition([0] * 50) != first


def test_partitions_get_equal_shares_while_their_queues_are_equal() -> None:
    sticky = _sticky()
    shares: Counter[int] = Counter()
    for _ in range(4_000):
        shares[sticky.partition([0, 0, 0, 0])] += 1
        sticky.appended(1_000, at_batch_end=True)
    assert all(800 < shares[partition] < 1_200 for partition in range(4))


def test_short_queues_get_more_weighted_by_how_much_shorter_they_are() -> None:
    """Weights of queues 0, 3 and 1 are 4, 1 and 3. Source: testAdaptiveBuiltInPartitioner."""
    chosen = Counter(
        StickyPartitioner(1, lambda _total, place=place: place).partition([0, 3, 1])
        for place in range(8)
    )
    assert chosen == {0: 4, 1: 1, 2: 3}


def test_a_topic_that_shrinks_loses_its_partition() -> None:
    sticky = StickyPartitioner(1_000, lambda total: total - 1)
    assert sticky.partition([0] * 5) == 4
    assert sticky.partition([0] * 2) == 1

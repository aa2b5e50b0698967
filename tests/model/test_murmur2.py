"""`murmur2`: the values that Kafka's own tests pin."""

import pytest

from iowitness.model.murmur2 import murmur2, partition_of_key


@pytest.mark.parametrize(
    ("key", "signed_hash"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_hashes_are_those_of_the_java_client(key: bytes, signed_hash: int) -> None:
    # Source: UtilsTest.testMurmur2 of Apache Kafka.
    assert murmur2(key) == signed_hash & 0xFFFFFFFF


def test_a_negative_hash_still_names_a_partition() -> None:
    assert partition_of_key(b"21", 7) == (-973932308 & 0x7FFFFFFF) % 7

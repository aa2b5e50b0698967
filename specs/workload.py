"""A workload: what a run does, told once and carried out in both worlds.

Steps follow one another; nothing of two steps overlaps, so that what the broker is asked does not
depend on timing. Everything here is a value; the records are a pure function of the step.
"""

from collections.abc import Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

Codec: TypeAlias = Literal["none", "gzip", "snappy", "lz4", "zstd"]

BASE_TIMESTAMP_MS = 1_700_000_000_000
"""The first record's timestamp: fixed, so that varint lengths repeat from run to run."""


class WorkloadRecord(Struct, frozen=True, gc=False):
    """One record as the application hands it over. `partition` is None where the key decides."""

    timestamp_ms: int
    key: bytes | None
    value: bytes
    partition: int | None


class Produce(Struct, frozen=True, kw_only=True, tag="produce", tag_field="step"):
    """One producer sends `record_count` records to one topic, flushes and closes.

    `value_byte_count` is the size of every value; with `value_byte_spread` sizes run from it to
    it + spread in a fixed pseudo-random order. `key_count` 0 means no keys and partitions in turn;
    above 0, record i has key number (i * 7919) mod key_count, and the key decides.
    `linger_ms` long enough never to fire makes batches size-triggered, and the prediction exact.
    `max_batches_per_request` 1 keeps the number of requests independent of timing; None leaves
    grouping to the sender. Sizes in bytes.
    """

    topic: str
    partition_count: int
    record_count: int
    value_byte_count: int = 100
    value_byte_spread: int = 0
    key_count: int = 0
    codec: Codec = "none"
    batch_size: int = 16_384
    linger_ms: int = 60_000
    acks: Literal[0, 1, -1] = 1
    buffer_memory: int = 33_554_432
    max_batches_per_request: int | None = 1
    max_in_flight: int = 5
    timestamp_step_ms: int = 1

    def records(self) -> Iterator[WorkloadRecord]:
        """The records in the order in which the application sends them."""
        for index in range(self.record_count):
            keyed = self.key_count > 0
            yield WorkloadRecord(
                BASE_TIMESTAMP_MS + index * self.timestamp_step_ms,
                b"key-%06d" % (index * 7919 % self.key_count) if keyed else None,
                _value(index, self._value_byte_count(index)),
                None if keyed else index % self.partition_count,
            )

    def _value_byte_count(self, index: int) -> int:
        if self.value_byte_spread == 0:
            return self.value_byte_count
        return self.value_byte_count + _mixed(index) % (self.value_byte_spread + 1)


class Consume(Struct, frozen=True, kw_only=True, tag="consume", tag_field="step"):
    """One consumer reads every partition of a topic to its end, and closes.

    It starts `start_offset` records after the log's start, at most at its end. Each fetch asks for
    all partitions not yet at their end, in order of number, at most `partition_byte_count` of each
    and `fetch_byte_count` in all, and the next is sent when the answer is in. Sizes in bytes.
    """

    topic: str
    partition_count: int
    start_offset: int = 0
    partition_byte_count: int = 1_048_576
    fetch_byte_count: int = 52_428_800


class Restart(Struct, frozen=True, kw_only=True, tag="restart", tag_field="step"):
    """The broker stops cleanly and is started again on the same folder."""


Step: TypeAlias = Produce | Consume | Restart


class Workload(Struct, frozen=True, kw_only=True):
    """Steps against one broker. Segment and index sizes in bytes, as in Kafka's configuration."""

    steps: tuple[Step, ...]
    segment_byte_count: int = 1_048_576
    index_interval_byte_count: int = 4_096

    @property
    def record_count(self) -> int:
        """Records produced over all steps."""
        return sum(step.record_count for step in self.steps if isinstance(step, Produce))

    @property
    def partitions(self) -> dict[str, int]:
        """Partition counts by topic."""
        return {s.topic: s.partition_count for s in self.steps if not isinstance(s, Restart)}


def _mixed(index: int) -> int:
    """A fixed pseudo-random number below 2**32 for an index (Knuth's multiplicative hash)."""
    return (index * 2_654_435_761 + 40_503) & 0xFFFFFFFF


def _value(index: int, byte_count: int) -> bytes:
    """Text that is unlike from record to record and that codecs still shrink a few times."""
    stem = b"record-%012d-%08x-" % (index, _mixed(index))
    return (stem * (byte_count // len(stem) + 1))[:byte_count]

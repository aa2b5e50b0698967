"""A what-if: hardware, policy and workload, as values.

Byte counts and times carry their units in their names; times are integer nanoseconds wherever the
simulation adds them up.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from iowitness.model.compressed_size import Codec
from iowitness.model.hardware import Hardware
from iowitness.model.record_encoding import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Produce:
    """One producer sends records to one topic, flushes and closes.

    `records` gives them anew at each call, in the order in which the application sends them.
    `max_batches_per_request` None leaves grouping to what is ready. Sizes in bytes.
    """

    topic: str
    partition_count: int
    records: Callable[[], Iterable[Record]]
    codec: Codec = "none"
    batch_size_byte_count: int = 16_384
    linger_ms: int = 60_000
    acks: Literal[0, 1, -1] = 1
    buffer_memory_byte_count: int = 33_554_432
    max_batches_per_request: int | None = 1
    max_in_flight: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Consume:
    """One consumer reads a topic's partitions to their ends.

    It starts `start_offset` records after the start; each fetch asks for all partitions not yet at
    their end, in order of number.
    """

    topic: str
    partition_count: int
    start_offset: int = 0
    partition_byte_count: int = 1_048_576
    fetch_byte_count: int = 52_428_800


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """The broker stops cleanly and starts again on the same folder."""


Step: TypeAlias = Produce | Consume | Restart


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Steps against one broker, one after the other."""

    steps: tuple[Step, ...]

    @property
    def partition_counts(self) -> dict[str, int]:
        """Partition counts by topic; all topics exist from the start."""
        return {s.topic: s.partition_count for s in self.steps if not isinstance(s, Restart)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPolicy:
    """How the broker stores: Kafka's `segment.bytes`, `index.interval.bytes`, `segment.ms`,
    `segment.index.bytes`.
    """

    segment_byte_count: int = 1_048_576
    index_interval_byte_count: int = 4_096
    segment_ms: int = 604_800_000
    index_byte_count: int = 10_485_760


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """The whole question: this workload, on this hardware, under this policy."""

    hardware: Hardware
    workload: Workload
    log_policy: LogPolicy = LogPolicy()

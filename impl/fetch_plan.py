"""What a fetch response consists of: heads as bytes, payload as regions of segment files.

A region is whatever the log returns for a read; only its size matters here. Pure: the server
sends the bytes and hands the regions to the kernel.
"""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from iowitness.impl import fetch_wire, wire
from iowitness.impl.fetch_wire import PartitionHead


class Region(Protocol):
    """A stretch of a file."""

    @property
    def byte_count(self) -> int:
        """How long it is."""


RegionT = TypeVar("RegionT", bound=Region)


class PartitionSlice(Struct, Generic[RegionT], frozen=True):
    """One partition's part of a response; `region` is None where there is nothing to send."""

    topic: str
    head: PartitionHead
    region: RegionT | None


class FetchBudget:
    """How much of each partition may go into one response, in the order they were asked for.

    The total is respected except that the first non-empty partition yields one whole batch.
    Source: ReplicaManager.readFromLog; docs/kafka-behaviours.md, item 66.
    """

    def __init__(self, max_byte_count: int) -> None:
        self._left_byte_count = max_byte_count
        self.taken_byte_count = 0

    @property
    def at_least_one_batch(self) -> bool:
        """True until the first payload is in: then a batch larger than the limits still goes."""
        return self.taken_byte_count == 0

    def limit(self, partition_max_byte_count: int) -> int:
        """What the next partition may yield at most, in bytes, the first batch apart."""
        return max(0, min(self._left_byte_count, partition_max_byte_count))

    def take(self, byte_count: int) -> None:
        """Count a partition's payload."""
        self.taken_byte_count += byte_count
        self._left_byte_count -= byte_count


def response_parts(
    head: bytearray, version: int, error_code: int, slices: Sequence[PartitionSlice[RegionT]]
) -> list[bytearray | RegionT]:
    """A whole frame as bytes and regions, in the order in which they go out.

    `head` is a response header with 4 bytes of room in front for the size, which covers the
    regions too. Slices of one topic stand next to each other.
    """
    topics = _runs_of_topics(slices)
    fetch_wire.write_response_start(head, version, error_code, len(topics))
    parts: list[bytearray | RegionT] = [head]
    text, region_byte_count = head, 0
    text_byte_count = 0
    for topic in topics:
        fetch_wire.write_topic_start(text, version, topic[0].topic, len(topic))
        for piece in topic:
            region = piece.region
            byte_count = 0 if region is None else region.byte_count
            fetch_wire.write_partition_head(text, version, piece.head, byte_count)
            if region is not None:
                text_byte_count += len(text)
                region_byte_count += byte_count
                text = bytearray()
                parts += (region, text)
            fetch_wire.write_struct_end(text, version)
        fetch_wire.write_struct_end(text, version)
    fetch_wire.write_struct_end(text, version)
    text_byte_count += len(text)
    if not text:
        parts.pop()
    wire.stamp_size(head, text_byte_count + region_byte_count - 4)
    return [part for part in parts if not isinstance(part, bytearray) or part]


def _runs_of_topics(
    slices: Sequence[PartitionSlice[RegionT]],
) -> list[list[PartitionSlice[RegionT]]]:
    runs: list[list[PartitionSlice[RegionT]]] = []
    for piece in slices:
        if runs and runs[-1][0].topic == piece.topic:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return runs

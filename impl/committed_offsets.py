"""The offsets that groups have committed, by group and partition. Pure.

Source for expiry: Kafka's OffsetConfig and KIP-211: a group's offsets go a retention time after it
became empty, those committed without membership a retention time after their commit.
"""

from collections.abc import Iterator, Mapping, Set
from typing import TypeAlias

from iowitness.impl.group_records import OffsetKey, OffsetValue

TopicPartition: TypeAlias = tuple[str, int]

_NOTHING: Mapping[TopicPartition, OffsetValue] = {}


class CommittedOffsets:
    """The latest offset of each group and partition."""

    def __init__(self) -> None:
        self._by_group: dict[str, dict[TopicPartition, OffsetValue]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_group.values()))

    def groups(self) -> Set[str]:
        """All groups that have committed something, as they are now and will be."""
        return self._by_group.keys()

    def of(self, group: str) -> Mapping[TopicPartition, OffsetValue]:
        """One group's offsets; empty for an unknown one."""
        return self._by_group.get(group, _NOTHING)

    def put(self, key: OffsetKey, value: OffsetValue | None) -> None:
        """Note a commit; without a value it is forgotten."""
        if value is not None:
            self._by_group.setdefault(key.group, {})[key.topic, key.partition] = value
            return
        offsets = self._by_group.get(key.group, {})
        offsets.pop((key.topic, key.partition), None)
        if not offsets:
            self._by_group.pop(key.group, None)

    def items(self) -> Iterator[tuple[OffsetKey, OffsetValue]]:
        """Every offset with its key."""
        for group in self._by_group:
            yield from self.items_of(group)

    def items_of(self, group: str) -> Iterator[tuple[OffsetKey, OffsetValue]]:
        """One group's offsets with their keys."""
        for (topic, partition), value in self.of(group).items():
            yield OffsetKey(group=group, topic=topic, partition=partition), value

    def topics(self) -> frozenset[str]:
        """All topics for which something was committed."""
        return frozenset(topic for offsets in self._by_group.values() for topic, _ in offsets)

    def of_topic(self, topic: str) -> tuple[OffsetKey, ...]:
        """What was committed for a topic, by any group."""
        return tuple(key for key, _ in self.items() if key.topic == topic)

    def expired(self, group: str, before_ms: int, empty_since_ms: int | None) -> list[OffsetKey]:
        """The offsets of an empty group that are older than a time.

        `empty_since_ms` is when its last member went, None if it never had any.
        """
        return [
            key
            for key, value in self.items_of(group)
            if max(value.commit_timestamp, empty_since_ms or 0) < before_ms
        ]

"""What the members of a consumer group tell one another: subscriptions and assignments. Pure.

The broker carries these bytes and does not look into them. Version 1 is written: a subscription
with the partitions that its member had; any version is read, its later fields left alone.
Source: Kafka 4.3, ConsumerProtocolSubscription.json, ConsumerProtocolAssignment.json, and for the
user data of the sticky assignor StickyAssignor.java (schema V1).
"""

from collections.abc import Iterable

from msgspec import Struct

from iowitness.impl import wire
from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.wire import Cursor
from iowitness.impl.wire_errors import ProtocolViolation

NO_GENERATION = -1
_WRITTEN_VERSION = 1


class Subscription(Struct, frozen=True):
    """What a member wants to read, what it had last, and in which generation."""

    topics: tuple[str, ...]
    owned: tuple[TopicPartition, ...] = ()
    generation: int = NO_GENERATION


def write_subscription(subscription: Subscription) -> bytes:
    """A subscription as it is handed in on joining."""
    out = bytearray()
    wire.write_int16(out, _WRITTEN_VERSION)
    wire.write_count(out, len(subscription.topics), compact=False)
    for topic in subscription.topics:
        wire.write_string(out, topic, compact=False)
    past = bytearray()
    if subscription.owned:
        _write_partitions(past, subscription.owned)
        wire.write_int32(past, subscription.generation)
    wire.write_bytes(out, past or None, compact=False)
    _write_partitions(out, subscription.owned)
    return bytes(out)


def read_subscription(stored: bytes) -> Subscription:
    """A subscription of any version. Raises ProtocolViolation."""
    cursor = Cursor(stored)
    version = cursor.int16()
    topics = tuple([cursor.string(compact=False) for _ in range(cursor.count(compact=False))])
    past = cursor.nullable_bytes(compact=False)
    owned = _read_partitions(cursor) if version >= 1 else ()
    generation = cursor.int32() if version >= 2 else NO_GENERATION
    if past:
        try:
            told = Cursor(past)
            owned, generation = _read_partitions(told), told.int32()
        except ProtocolViolation:  # another assignor's user data, which is its own affair
            pass
    return Subscription(topics, owned, generation)


def write_assignment(partitions: Iterable[TopicPartition]) -> bytes:
    """What the leader gives to one member."""
    out = bytearray()
    wire.write_int16(out, _WRITTEN_VERSION)
    _write_partitions(out, partitions)
    wire.write_bytes(out, None, compact=False)
    return bytes(out)


def read_assignment(stored: bytes) -> tuple[TopicPartition, ...]:
    """One's own assignment; no bytes mean no partitions. Raises ProtocolViolation."""
    if not stored:
        return ()
    cursor = Cursor(stored)
    cursor.int16()
    return _read_partitions(cursor)


def _write_partitions(out: bytearray, partitions: Iterable[TopicPartition]) -> None:
    by_topic: dict[str, list[int]] = {}
    for topic, number in partitions:
        by_topic.setdefault(topic, []).append(number)
    wire.write_count(out, len(by_topic), compact=False)
    for topic, numbers in by_topic.items():
        wire.write_string(out, topic, compact=False)
        wire.write_count(out, len(numbers), compact=False)
        for number in numbers:
            wire.write_int32(out, number)


def _read_partitions(cursor: Cursor) -> tuple[TopicPartition, ...]:
    partitions: list[TopicPartition] = []
    for _ in range(cursor.count(compact=False)):
        topic = cursor.string(compact=False)
        count = cursor.count(compact=False)
        partitions += [TopicPartition(topic, cursor.int32()) for _ in range(count)]
    return tuple(partitions)

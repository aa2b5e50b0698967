"""The records of `__consumer_offsets`: committed offsets and groups, in Kafka's own formats. Pure.

A key's version says what it is: 0 and 1 a committed offset, 2 a group. A record without a value
removes what its key names. Source: Kafka 4.3, group-coordinator/src/main/resources/common/message:
OffsetCommitKey, OffsetCommitValue, GroupMetadataKey, GroupMetadataValue.
"""

from typing import Annotated, Final, TypeAlias

from msgspec import Struct

from iowitness.impl import wire
from iowitness.impl.message_codec import Int32, Int64, between, codec_of, since
from iowitness.impl.wire import Cursor
from iowitness.impl.wire_errors import ProtocolViolation

_OFFSET_KEY_VERSIONS: Final = frozenset({0, 1})
_GROUP_KEY_VERSION: Final = 2
_VALUE_VERSION: Final = 3
_FLEXIBLE_FROM: Final = 4


class OffsetKey(Struct, frozen=True, kw_only=True):
    """Whose offset of which partition."""

    group: str
    topic: str
    partition: Int32


class OffsetValue(Struct, frozen=True, kw_only=True):
    """One committed offset: the next record that is wanted. Times in ms since 1970."""

    offset: Int64
    leader_epoch: Annotated[Int32, since(3)] = -1
    metadata: str = ""
    commit_timestamp: Int64 = -1
    expire_timestamp: Annotated[Int64, between(1, 1)] = -1


class GroupKey(Struct, frozen=True, kw_only=True):
    """Which group."""

    group: str


class SavedMember(Struct, frozen=True, kw_only=True):
    """One member of a stable group; timeouts in ms."""

    member_id: str
    group_instance_id: Annotated[str | None, since(3)] = None
    client_id: str
    client_host: str
    rebalance_timeout: Annotated[Int32, since(1)] = 0
    session_timeout: Int32
    subscription: bytes
    assignment: bytes


class GroupValue(Struct, frozen=True, kw_only=True):
    """A group as of its last generation; without members it is empty."""

    protocol_type: str
    generation: Int32
    protocol: str | None
    leader: str | None
    current_state_timestamp: Annotated[Int64, since(2)] = -1
    members: tuple[SavedMember, ...] = ()


SavedKey: TypeAlias = OffsetKey | GroupKey
SavedValue: TypeAlias = OffsetValue | GroupValue


def encode_key(key: SavedKey) -> bytes:
    """The key as Kafka writes it."""
    out = bytearray()
    version = _GROUP_KEY_VERSION if isinstance(key, GroupKey) else max(_OFFSET_KEY_VERSIONS)
    wire.write_int16(out, version)
    codec_of(type(key), version, flexible=False).write(out, key)
    return bytes(out)


def encode_value(value: SavedValue) -> bytes:
    """The value in version 3, which every Kafka since 2.3 reads."""
    out = bytearray()
    wire.write_int16(out, _VALUE_VERSION)
    codec_of(type(value), _VALUE_VERSION, flexible=False).write(out, value)
    return bytes(out)


def read_key(stored: bytes) -> SavedKey | None:
    """What a key names; None for a kind that is not kept here. Raises ProtocolViolation."""
    cursor = Cursor(memoryview(stored))
    version = cursor.int16()
    if version in _OFFSET_KEY_VERSIONS:
        return codec_of(OffsetKey, version, flexible=False).read(cursor)
    if version == _GROUP_KEY_VERSION:
        return codec_of(GroupKey, version, flexible=False).read(cursor)
    return None


def read_value(key: SavedKey, stored: bytes) -> SavedValue:
    """The value of a key, of any version that Kafka has written. Raises ProtocolViolation."""
    cursor = Cursor(memoryview(stored))
    version = cursor.int16()
    if not 0 <= version <= _FLEXIBLE_FROM:
        raise ProtocolViolation(f"value version={version}, expected 0..{_FLEXIBLE_FROM}")
    flexible = version >= _FLEXIBLE_FROM
    if isinstance(key, OffsetKey):
        return codec_of(OffsetValue, version, flexible=flexible).read(cursor)
    return codec_of(GroupValue, version, flexible=flexible).read(cursor)

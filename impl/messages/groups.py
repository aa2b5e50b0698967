"""Consumer groups by the classic protocol: coordination, membership, committed offsets.

Source: Kafka 4.3, clients/src/main/resources/common/message.
"""

from typing import Annotated

from msgspec import Struct

from iowitness.impl.message_codec import Int8, Int16, Int32, Int64, between, since, until

_NO_OPERATIONS = -(2**31)


class FindCoordinatorRequest(Struct, frozen=True, kw_only=True):
    """Asks who coordinates groups (`key_type` 0) or transactions (1), one or (4+) many keys."""

    key: Annotated[str, until(3)] = ""
    key_type: Annotated[Int8, since(1)] = 0
    coordinator_keys: Annotated[tuple[str, ...], since(4)] = ()


class Coordinator(Struct, frozen=True, kw_only=True):
    """Who coordinates one key."""

    key: str
    node_id: Int32
    host: str
    port: Int32
    error_code: Int16
    error_message: str | None = None


class FindCoordinatorResponse(Struct, frozen=True, kw_only=True):
    """The coordinator of one key, or (4+) of many."""

    throttle_time_ms: Annotated[Int32, since(1)] = 0
    error_code: Annotated[Int16, until(3)] = 0
    error_message: Annotated[str | None, between(1, 3)] = None
    node_id: Annotated[Int32, until(3)] = -1
    host: Annotated[str, until(3)] = ""
    port: Annotated[Int32, until(3)] = -1
    coordinators: Annotated[tuple[Coordinator, ...], since(4)] = ()


class JoinGroupProtocol(Struct, frozen=True, kw_only=True):
    """One way of assigning partitions that a member supports, with what it needs to know."""

    name: str
    metadata: bytes


class JoinGroupRequest(Struct, frozen=True, kw_only=True):
    """Asks to be a member of the next generation; times in ms."""

    group_id: str
    session_timeout_ms: Int32
    rebalance_timeout_ms: Annotated[Int32, since(1)] = -1
    member_id: str
    group_instance_id: Annotated[str | None, since(5)] = None
    protocol_type: str
    protocols: tuple[JoinGroupProtocol, ...]
    reason: Annotated[str | None, since(8)] = None


class JoinGroupMember(Struct, frozen=True, kw_only=True):
    """One member, as its leader is told."""

    member_id: str
    group_instance_id: Annotated[str | None, since(5)] = None
    metadata: bytes


class JoinGroupResponse(Struct, frozen=True, kw_only=True):
    """The generation that was agreed upon; `members` only for its leader."""

    throttle_time_ms: Annotated[Int32, since(2)] = 0
    error_code: Int16
    generation_id: Int32 = -1
    protocol_type: Annotated[str | None, since(7)] = None
    protocol_name: str | None = None
    leader: str = ""
    skip_assignment: Annotated[bool, since(9)] = False
    member_id: str = ""
    members: tuple[JoinGroupMember, ...] = ()


class SyncGroupAssignment(Struct, frozen=True, kw_only=True):
    """What the leader gave to one member."""

    member_id: str
    assignment: bytes


class SyncGroupRequest(Struct, frozen=True, kw_only=True):
    """Hands in the assignments (leader), and asks for one's own."""

    group_id: str
    generation_id: Int32
    member_id: str
    group_instance_id: Annotated[str | None, since(3)] = None
    protocol_type: Annotated[str | None, since(5)] = None
    protocol_name: Annotated[str | None, since(5)] = None
    assignments: tuple[SyncGroupAssignment, ...]


class SyncGroupResponse(Struct, frozen=True, kw_only=True):
    """One member's assignment."""

    throttle_time_ms: Annotated[Int32, since(1)] = 0
    error_code: Int16
    protocol_type: Annotated[str | None, since(5)] = None
    protocol_name: Annotated[str | None, since(5)] = None
    assignment: bytes = b""


class HeartbeatRequest(Struct, frozen=True, kw_only=True):
    """Says that a member is alive."""

    group_id: str
    generation_id: Int32
    member_id: str
    group_instance_id: Annotated[str | None, since(3)] = None


class HeartbeatResponse(Struct, frozen=True, kw_only=True):
    """Whether the generation still stands."""

    throttle_time_ms: Annotated[Int32, since(1)] = 0
    error_code: Int16


class LeavingMember(Struct, frozen=True, kw_only=True):
    """One member that leaves."""

    member_id: str
    group_instance_id: str | None = None
    reason: Annotated[str | None, since(5)] = None


class LeaveGroupRequest(Struct, frozen=True, kw_only=True):
    """Leaves a group, alone or (3+) together."""

    group_id: str
    member_id: Annotated[str, until(2)] = ""
    members: Annotated[tuple[LeavingMember, ...], since(3)] = ()


class LeftMember(Struct, frozen=True, kw_only=True):
    """What became of one leaving member."""

    member_id: str
    group_instance_id: str | None = None
    error_code: Int16


class LeaveGroupResponse(Struct, frozen=True, kw_only=True):
    """What became of those who left."""

    throttle_time_ms: Annotated[Int32, since(1)] = 0
    error_code: Int16
    members: Annotated[tuple[LeftMember, ...], since(3)] = ()


class CommittedPartition(Struct, frozen=True, kw_only=True):
    """The next offset that a group wants of one partition."""

    partition_index: Int32
    committed_offset: Int64
    committed_leader_epoch: Annotated[Int32, since(6)] = -1
    committed_metadata: str | None = None


class CommittedTopic(Struct, frozen=True, kw_only=True):
    """The partitions of one topic."""

    name: str
    partitions: tuple[CommittedPartition, ...]


class OffsetCommitRequest(Struct, frozen=True, kw_only=True):
    """Stores offsets for a group; generation -1 from one that is no member."""

    group_id: str
    generation_id_or_member_epoch: Int32 = -1
    member_id: str = ""
    group_instance_id: Annotated[str | None, since(7)] = None
    retention_time_ms: Annotated[Int64, between(2, 4)] = -1
    topics: tuple[CommittedTopic, ...]


class CommitResult(Struct, frozen=True, kw_only=True):
    """Whether one partition's offset was stored."""

    partition_index: Int32
    error_code: Int16


class CommitTopicResult(Struct, frozen=True, kw_only=True):
    """The partitions of one topic."""

    name: str
    partitions: tuple[CommitResult, ...]


class OffsetCommitResponse(Struct, frozen=True, kw_only=True):
    """Whether each offset was stored."""

    throttle_time_ms: Annotated[Int32, since(3)] = 0
    topics: tuple[CommitTopicResult, ...]


class OffsetFetchTopic(Struct, frozen=True, kw_only=True):
    """The partitions asked for of one topic."""

    name: str
    partition_indexes: tuple[Int32, ...]


class OffsetFetchGroup(Struct, frozen=True, kw_only=True):
    """One group and the partitions asked for; `topics` None is all."""

    group_id: str
    member_id: Annotated[str | None, since(9)] = None
    member_epoch: Annotated[Int32, since(9)] = -1
    topics: tuple[OffsetFetchTopic, ...] | None


class OffsetFetchRequest(Struct, frozen=True, kw_only=True):
    """Asks for stored offsets, of one group or (8+) several; `topics` None is all."""

    group_id: Annotated[str, until(7)] = ""
    topics: Annotated[tuple[OffsetFetchTopic, ...] | None, until(7)] = ()
    groups: Annotated[tuple[OffsetFetchGroup, ...], since(8)] = ()
    require_stable: Annotated[bool, since(7)] = False


class StoredPartition(Struct, frozen=True, kw_only=True):
    """One stored offset; -1 where there is none."""

    partition_index: Int32
    committed_offset: Int64 = -1
    committed_leader_epoch: Annotated[Int32, since(5)] = -1
    metadata: str | None = ""
    error_code: Int16 = 0


class StoredTopic(Struct, frozen=True, kw_only=True):
    """The partitions of one topic."""

    name: str
    partitions: tuple[StoredPartition, ...]


class StoredGroup(Struct, frozen=True, kw_only=True):
    """The offsets of one group."""

    group_id: str
    topics: tuple[StoredTopic, ...]
    error_code: Int16 = 0


class OffsetFetchResponse(Struct, frozen=True, kw_only=True):
    """Stored offsets."""

    throttle_time_ms: Annotated[Int32, since(3)] = 0
    topics: Annotated[tuple[StoredTopic, ...], until(7)] = ()
    error_code: Annotated[Int16, between(2, 7)] = 0
    groups: Annotated[tuple[StoredGroup, ...], since(8)] = ()


class ListGroupsRequest(Struct, frozen=True, kw_only=True):
    """Asks for all groups, or those in some states or of some types."""

    states_filter: Annotated[tuple[str, ...], since(4)] = ()
    types_filter: Annotated[tuple[str, ...], since(5)] = ()


class ListedGroup(Struct, frozen=True, kw_only=True):
    """One group."""

    group_id: str
    protocol_type: str
    group_state: Annotated[str, since(4)] = ""
    group_type: Annotated[str, since(5)] = ""


class ListGroupsResponse(Struct, frozen=True, kw_only=True):
    """Groups."""

    throttle_time_ms: Annotated[Int32, since(1)] = 0
    error_code: Int16
    groups: tuple[ListedGroup, ...] = ()


class DescribeGroupsRequest(Struct, frozen=True, kw_only=True):
    """Asks about groups by name."""

    groups: tuple[str, ...]
    include_authorized_operations: Annotated[bool, since(3)] = False


class DescribedMember(Struct, frozen=True, kw_only=True):
    """One member and what it was given."""

    member_id: str
    group_instance_id: Annotated[str | None, since(4)] = None
    client_id: str
    client_host: str
    member_metadata: bytes
    member_assignment: bytes


class DescribedGroup(Struct, frozen=True, kw_only=True):
    """One group and its members."""

    error_code: Int16
    error_message: Annotated[str | None, since(6)] = None
    group_id: str
    group_state: str = ""
    protocol_type: str = ""
    protocol_data: str = ""
    members: tuple[DescribedMember, ...] = ()
    authorized_operations: Annotated[Int32, since(3)] = _NO_OPERATIONS


class DescribeGroupsResponse(Struct, frozen=True, kw_only=True):
    """Groups and their members."""

    throttle_time_ms: Annotated[Int32, since(1)] = 0
    groups: tuple[DescribedGroup, ...]


class DeleteGroupsRequest(Struct, frozen=True, kw_only=True):
    """Asks for groups to be removed, with their offsets."""

    groups_names: tuple[str, ...]


class DeletedGroup(Struct, frozen=True, kw_only=True):
    """What became of one group."""

    group_id: str
    error_code: Int16


class DeleteGroupsResponse(Struct, frozen=True, kw_only=True):
    """What became of each group."""

    throttle_time_ms: Int32 = 0
    results: tuple[DeletedGroup, ...]


class OffsetDeletePartition(Struct, frozen=True, kw_only=True):
    """One partition whose offset is to go."""

    partition_index: Int32


class OffsetDeleteTopic(Struct, frozen=True, kw_only=True):
    """The partitions of one topic."""

    name: str
    partitions: tuple[OffsetDeletePartition, ...]


class OffsetDeleteRequest(Struct, frozen=True, kw_only=True):
    """Asks for some of a group's offsets to be removed."""

    group_id: str
    topics: tuple[OffsetDeleteTopic, ...]


class OffsetDeletePartitionResult(Struct, frozen=True, kw_only=True):
    """What became of one offset."""

    partition_index: Int32
    error_code: Int16


class OffsetDeleteTopicResult(Struct, frozen=True, kw_only=True):
    """The partitions of one topic."""

    name: str
    partitions: tuple[OffsetDeletePartitionResult, ...]


class OffsetDeleteResponse(Struct, frozen=True, kw_only=True):
    """What became of each offset; the error is the whole group's."""

    error_code: Int16
    throttle_time_ms: Int32 = 0
    topics: tuple[OffsetDeleteTopicResult, ...] = ()

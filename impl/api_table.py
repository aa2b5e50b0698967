"""The APIs: keys, versions, from which version on they are flexible, and their messages.

Ranges follow Kafka 4.3 so that every client keeps its features, but for Produce and Fetch, which
stop before topic ids (version 13), and Produce's minimum, told as 0 and refused below 3:
librdkafka before 2.11.1 silently stops compressing otherwise (KAFKA-18659).
"""

from collections.abc import Mapping
from enum import IntEnum

from msgspec import Struct

from iowitness.impl.messages import admin, cluster, groups, sasl


class ApiKey(IntEnum):
    """Numbers of the APIs. Source: common/protocol/ApiKeys.java."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    JOIN_GROUP = 11
    HEARTBEAT = 12
    LEAVE_GROUP = 13
    SYNC_GROUP = 14
    DESCRIBE_GROUPS = 15
    LIST_GROUPS = 16
    SASL_HANDSHAKE = 17
    API_VERSIONS = 18
    CREATE_TOPICS = 19
    DELETE_TOPICS = 20
    DELETE_RECORDS = 21
    INIT_PRODUCER_ID = 22
    OFFSET_FOR_LEADER_EPOCH = 23
    DESCRIBE_CONFIGS = 32
    ALTER_CONFIGS = 33
    SASL_AUTHENTICATE = 36
    CREATE_PARTITIONS = 37
    DELETE_GROUPS = 42
    INCREMENTAL_ALTER_CONFIGS = 44
    OFFSET_DELETE = 47
    DESCRIBE_CLUSTER = 60


class Api(Struct, frozen=True, kw_only=True):
    """One API: its versions and its messages.

    `told_first` is the lowest version that ApiVersions names, where it is another than the lowest
    that is served. `request` and `response` are None where the codec is made by hand.
    """

    key: ApiKey
    first: int
    last: int
    flexible_from: int
    request: type[Struct] | None = None
    response: type[Struct] | None = None
    told_first: int | None = None

    def flexible(self, version: int) -> bool:
        """True if that version has compact types and tagged fields."""
        return version >= self.flexible_from


_NEVER = 2**15

_APIS = (
    Api(key=ApiKey.PRODUCE, first=3, last=12, flexible_from=9, told_first=0),
    Api(key=ApiKey.FETCH, first=4, last=12, flexible_from=12),
    Api(
        key=ApiKey.LIST_OFFSETS,
        first=1,
        last=11,
        flexible_from=6,
        request=cluster.ListOffsetsRequest,
        response=cluster.ListOffsetsResponse,
    ),
    Api(
        key=ApiKey.METADATA,
        first=0,
        last=13,
        flexible_from=9,
        request=cluster.MetadataRequest,
        response=cluster.MetadataResponse,
    ),
    Api(
        key=ApiKey.OFFSET_COMMIT,
        first=2,
        last=9,
        flexible_from=8,
        request=groups.OffsetCommitRequest,
        response=groups.OffsetCommitResponse,
    ),
    Api(
        key=ApiKey.OFFSET_FETCH,
        first=1,
        last=9,
        flexible_from=6,
        request=groups.OffsetFetchRequest,
        response=groups.OffsetFetchResponse,
    ),
    Api(
        key=ApiKey.FIND_COORDINATOR,
        first=0,
        last=6,
        flexible_from=3,
        request=groups.FindCoordinatorRequest,
        response=groups.FindCoordinatorResponse,
    ),
    Api(
        key=ApiKey.JOIN_GROUP,
        first=0,
        last=9,
        flexible_from=6,
        request=groups.JoinGroupRequest,
        response=groups.JoinGroupResponse,
    ),
    Api(
        key=ApiKey.HEARTBEAT,
        first=0,
        last=4,
        flexible_from=4,
        request=groups.HeartbeatRequest,
        response=groups.HeartbeatResponse,
    ),
    Api(
        key=ApiKey.LEAVE_GROUP,
        first=0,
        last=5,
        flexible_from=4,
        request=groups.LeaveGroupRequest,
        response=groups.LeaveGroupResponse,
    ),
    Api(
        key=ApiKey.SYNC_GROUP,
        first=0,
        last=5,
        flexible_from=4,
        request=groups.SyncGroupRequest,
        response=groups.SyncGroupResponse,
    ),
    Api(
        key=ApiKey.DESCRIBE_GROUPS,
        first=0,
        last=6,
        flexible_from=5,
        request=groups.DescribeGroupsRequest,
        response=groups.DescribeGroupsResponse,
    ),
    Api(
        key=ApiKey.LIST_GROUPS,
        first=0,
        last=5,
        flexible_from=3,
        request=groups.ListGroupsRequest,
        response=groups.ListGroupsResponse,
    ),
    Api(
        key=ApiKey.SASL_HANDSHAKE,
        first=0,
        last=1,
        flexible_from=_NEVER,
        request=sasl.SaslHandshakeRequest,
        response=sasl.SaslHandshakeResponse,
    ),
    Api(
        key=ApiKey.API_VERSIONS,
        first=0,
        last=4,
        flexible_from=3,
        request=cluster.ApiVersionsRequest,
        response=cluster.ApiVersionsResponse,
    ),
    Api(
        key=ApiKey.CREATE_TOPICS,
        first=2,
        last=7,
        flexible_from=5,
        request=admin.CreateTopicsRequest,
        response=admin.CreateTopicsResponse,
    ),
    Api(
        key=ApiKey.DELETE_TOPICS,
        first=1,
        last=6,
        flexible_from=4,
        request=admin.DeleteTopicsRequest,
        response=admin.DeleteTopicsResponse,
    ),
    Api(
        key=ApiKey.DELETE_RECORDS,
        first=0,
        last=2,
        flexible_from=2,
        request=admin.DeleteRecordsRequest,
        response=admin.DeleteRecordsResponse,
    ),
    Api(
        key=ApiKey.INIT_PRODUCER_ID,
        first=0,
        last=5,
        flexible_from=2,
        request=cluster.InitProducerIdRequest,
        response=cluster.InitProducerIdResponse,
    ),
    Api(
        key=ApiKey.OFFSET_FOR_LEADER_EPOCH,
        first=2,
        last=4,
        flexible_from=4,
        request=cluster.OffsetForLeaderEpochRequest,
        response=cluster.OffsetForLeaderEpochResponse,
    ),
    Api(
        key=ApiKey.DESCRIBE_CONFIGS,
        first=1,
        last=4,
        flexible_from=4,
        request=admin.DescribeConfigsRequest,
        response=admin.DescribeConfigsResponse,
    ),
    Api(
        key=ApiKey.ALTER_CONFIGS,
        first=0,
        last=2,
        flexible_from=2,
        request=admin.AlterConfigsRequest,
        response=admin.AlterConfigsResponse,
    ),
    Api(
        key=ApiKey.SASL_AUTHENTICATE,
        first=0,
        last=2,
        flexible_from=2,
        request=sasl.SaslAuthenticateRequest,
        response=sasl.SaslAuthenticateResponse,
    ),
    Api(
        key=ApiKey.CREATE_PARTITIONS,
        first=0,
        last=3,
        flexible_from=2,
        request=admin.CreatePartitionsRequest,
        response=admin.CreatePartitionsResponse,
    ),
    Api(
        key=ApiKey.DELETE_GROUPS,
        first=0,
        last=2,
        flexible_from=2,
        request=groups.DeleteGroupsRequest,
        response=groups.DeleteGroupsResponse,
    ),
    Api(
        key=ApiKey.INCREMENTAL_ALTER_CONFIGS,
        first=0,
        last=1,
        flexible_from=1,
        request=admin.IncrementalAlterConfigsRequest,
        response=admin.AlterConfigsResponse,
    ),
    Api(
        key=ApiKey.OFFSET_DELETE,
        first=0,
        last=0,
        flexible_from=_NEVER,
        request=groups.OffsetDeleteRequest,
        response=groups.OffsetDeleteResponse,
    ),
    Api(
        key=ApiKey.DESCRIBE_CLUSTER,
        first=0,
        last=2,
        flexible_from=0,
        request=admin.DescribeClusterRequest,
        response=admin.DescribeClusterResponse,
    ),
)

APIS: Mapping[int, Api] = {api.key: api for api in _APIS}

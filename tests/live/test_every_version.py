"""Every version that the broker names, asked over a socket by another implementation's encoder."""

from collections.abc import Iterator
from typing import Any

import pytest

from iowitness.impl.api_table import APIS, ApiKey
from iowitness.impl.messages.admin import (
    ConfigResource,
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteTopicsRequest,
    DescribeClusterRequest,
    DescribeConfigsRequest,
    DoomedTopic,
    GrowingTopic,
    WantedTopic,
)
from iowitness.impl.messages.cluster import (
    ApiVersionsRequest,
    InitProducerIdRequest,
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
    MetadataRequest,
    MetadataRequestTopic,
)
from iowitness.impl.messages.groups import (
    CommittedPartition,
    CommittedTopic,
    DeleteGroupsRequest,
    DescribeGroupsRequest,
    FindCoordinatorRequest,
    HeartbeatRequest,
    JoinGroupProtocol,
    JoinGroupRequest,
    LeaveGroupRequest,
    LeavingMember,
    ListGroupsRequest,
    OffsetCommitRequest,
    OffsetFetchGroup,
    OffsetFetchRequest,
    OffsetFetchTopic,
    SyncGroupAssignment,
    SyncGroupRequest,
)
from iowitness.impl.wire_errors import ErrorCode
from tests.doubles.kio_client import KioClient
from tests.doubles.running_broker import running_broker

ROUNDS = range(max(api.last - api.first for api in APIS.values()) + 1)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KioClient]:
    with running_broker(tmp_path_factory.mktemp("broker")) as server:
        client = KioClient(server.port)
        try:
            yield client
        finally:
            client.close()


def version(key: ApiKey, number: int) -> int:
    """The version of one round: rounds together ask every version of every API."""
    return min(APIS[key].first + number, APIS[key].last)


def ask(client: KioClient, key: ApiKey, number: int, request: Any) -> dict[str, Any]:
    answer = client.ask(key, version(key, number), request)
    assert answer.get("error_code", 0) == ErrorCode.NONE, answer
    return answer


@pytest.mark.parametrize("number", ROUNDS)
def test_a_consumers_life(client: KioClient, number: int) -> None:
    group, topic = f"g{number}", f"consumed{number}"
    topics = (MetadataRequestTopic(name=topic),)
    told = ask(client, ApiKey.METADATA, number, MetadataRequest(topics=topics))
    assert [(one["name"], one["error_code"]) for one in told["topics"]] == [(topic, 0)]
    where = FindCoordinatorRequest(key=group, coordinator_keys=(group,))
    ask(client, ApiKey.FIND_COORDINATOR, number, where)

    fields = {
        "group_id": group,
        "session_timeout_ms": 10_000,
        "rebalance_timeout_ms": 20_000,
        "protocol_type": "consumer",
        "protocols": (JoinGroupProtocol(name="range", metadata=b"topics"),),
    }
    join_version = version(ApiKey.JOIN_GROUP, number)
    joined = client.ask(ApiKey.JOIN_GROUP, join_version, JoinGroupRequest(member_id="", **fields))
    if joined["error_code"] == ErrorCode.MEMBER_ID_REQUIRED:
        again = JoinGroupRequest(member_id=joined["member_id"], **fields)
        joined = client.ask(ApiKey.JOIN_GROUP, join_version, again)
    assert (joined["error_code"], joined["generation_id"]) == (ErrorCode.NONE, 1)
    member_id = joined["member_id"]

    all_of_it = (SyncGroupAssignment(member_id=member_id, assignment=b"all"),)
    sync = SyncGroupRequest(
        group_id=group, generation_id=1, member_id=member_id, assignments=all_of_it
    )
    assert ask(client, ApiKey.SYNC_GROUP, number, sync)["assignment"] == b"all"
    beat = HeartbeatRequest(group_id=group, generation_id=1, member_id=member_id)
    ask(client, ApiKey.HEARTBEAT, number, beat)
    committed = CommittedPartition(partition_index=0, committed_offset=42)
    commit = OffsetCommitRequest(
        group_id=group,
        generation_id_or_member_epoch=1,
        member_id=member_id,
        topics=(CommittedTopic(name=topic, partitions=(committed,)),),
    )
    answer = ask(client, ApiKey.OFFSET_COMMIT, number, commit)
    assert answer["topics"][0]["partitions"][0]["error_code"] == ErrorCode.NONE
    wanted = (OffsetFetchTopic(name=topic, partition_indexes=(0,)),)
    fetch = OffsetFetchRequest(
        group_id=group, topics=wanted, groups=(OffsetFetchGroup(group_id=group, topics=wanted),)
    )
    answer = ask(client, ApiKey.OFFSET_FETCH, number, fetch)
    own = answer["groups"][0] if "groups" in answer else answer
    assert own["topics"][0]["partitions"][0]["committed_offset"] == 42

    described = ask(client, ApiKey.DESCRIBE_GROUPS, number, DescribeGroupsRequest(groups=(group,)))
    assert described["groups"][0]["group_state"] == "Stable"
    listed = ask(client, ApiKey.LIST_GROUPS, number, ListGroupsRequest())
    assert group in {one["group_id"] for one in listed["groups"]}
    leave = LeaveGroupRequest(
        group_id=group, member_id=member_id, members=(LeavingMember(member_id=member_id),)
    )
    ask(client, ApiKey.LEAVE_GROUP, number, leave)
    deleted = ask(client, ApiKey.DELETE_GROUPS, number, DeleteGroupsRequest(groups_names=(group,)))
    assert deleted["results"][0]["error_code"] == ErrorCode.NONE


@pytest.mark.parametrize("number", ROUNDS)
def test_a_topics_life(client: KioClient, number: int) -> None:
    topic = f"made{number}"
    wanted = WantedTopic(name=topic, num_partitions=2, replication_factor=1)
    made = ask(client, ApiKey.CREATE_TOPICS, number, CreateTopicsRequest(topics=(wanted,)))
    assert [(one["name"], one["error_code"]) for one in made["topics"]] == [(topic, 0)]
    growing = (GrowingTopic(name=topic, count=3),)
    grown = ask(client, ApiKey.CREATE_PARTITIONS, number, CreatePartitionsRequest(topics=growing))
    assert grown["results"][0]["error_code"] == ErrorCode.NONE
    resource = ConfigResource(
        resource_type=2, resource_name=topic, configuration_keys=("segment.bytes",)
    )
    settings = ask(
        client, ApiKey.DESCRIBE_CONFIGS, number, DescribeConfigsRequest(resources=(resource,))
    )
    assert settings["results"][0]["configs"][0]["value"] == "1073741824"
    at_end = ListOffsetsPartition(partition_index=2, timestamp=-1)
    places = ListOffsetsRequest(topics=(ListOffsetsTopic(name=topic, partitions=(at_end,)),))
    found = ask(client, ApiKey.LIST_OFFSETS, number, places)
    assert found["topics"][0]["partitions"][0]["offset"] == 0
    doomed = DeleteTopicsRequest(topics=(DoomedTopic(name=topic),), topic_names=(topic,))
    removed = ask(client, ApiKey.DELETE_TOPICS, number, doomed)
    assert removed["responses"][0]["error_code"] == ErrorCode.NONE


@pytest.mark.parametrize("number", ROUNDS)
def test_what_a_client_asks_before_it_works(client: KioClient, number: int) -> None:
    software = ApiVersionsRequest(client_software_name="kio", client_software_version="1.0")
    told = ask(client, ApiKey.API_VERSIONS, number, software)
    ranges = {one["api_key"]: (one["min_version"], one["max_version"]) for one in told["api_keys"]}
    assert ranges[ApiKey.PRODUCE] == (0, 12), "librdkafka stops compressing otherwise"
    assert ranges[ApiKey.JOIN_GROUP] == (0, 9)
    cluster = ask(client, ApiKey.DESCRIBE_CLUSTER, number, DescribeClusterRequest())
    assert [one["broker_id"] for one in cluster["brokers"]] == [1]
    producer = ask(client, ApiKey.INIT_PRODUCER_ID, number, InitProducerIdRequest())
    assert (producer["producer_id"] >= 0, producer["producer_epoch"]) == (True, 0)


def test_all_that_groups_and_administrators_need_is_named(client: KioClient) -> None:
    told = ask(client, ApiKey.API_VERSIONS, 0, ApiVersionsRequest())
    named = {one["api_key"] for one in told["api_keys"]}
    groups = {8, 9, 10, 11, 12, 13, 14, 15, 16, 42, 47}
    topics = {19, 20, 21, 32, 33, 37, 44, 60}
    assert groups | topics | {0, 1, 2, 3, 18, 22, 23} <= named

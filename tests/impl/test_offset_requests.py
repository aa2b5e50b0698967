"""Committed offsets: who may commit, every form of asking for them, what survives and what goes."""

import contextlib
from typing import Any

import pytest

from iowitness.impl.api_table import APIS, ApiKey
from iowitness.impl.messages.admin import DeleteTopicsRequest, DeleteTopicsResponse, DoomedTopic
from iowitness.impl.messages.groups import (
    CommittedPartition,
    CommittedTopic,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
    ListGroupsRequest,
    ListGroupsResponse,
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetDeletePartition,
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteTopic,
    OffsetFetchGroup,
    OffsetFetchRequest,
    OffsetFetchResponse,
    OffsetFetchTopic,
    StoredTopic,
)
from iowitness.impl.wire_errors import ErrorCode
from tests.doubles.asked_broker import AskedBroker
from tests.doubles.forgetting_files import Crashed
from tests.impl.test_group_requests import join_request, joined, stable, sync_request

DAY_MS = 86_400_000


def broker_with_topics() -> AskedBroker:
    broker = AskedBroker()
    for name, count in (("t", 3), ("u", 1)):
        broker.topics.create(name, count, now_ms=1)
    return broker


def commit(
    broker: AskedBroker, offsets: dict[tuple[str, int], int], version: int = 9, **fields: Any
) -> dict[tuple[str, int], int]:
    """The error code of each partition."""
    topics = tuple(
        CommittedTopic(
            name=name,
            partitions=tuple(
                CommittedPartition(
                    partition_index=number,
                    committed_offset=offset,
                    committed_leader_epoch=3,
                    committed_metadata=f"at {offset}",
                )
                for (topic, number), offset in offsets.items()
                if topic == name
            ),
        )
        for name in dict.fromkeys(topic for topic, _ in offsets)
    )
    request = OffsetCommitRequest(**{"group_id": "g", "topics": topics, **fields})
    response = broker.ask(OffsetCommitResponse, ApiKey.OFFSET_COMMIT, version, request)
    return {
        (topic.name, one.partition_index): one.error_code
        for topic in response.topics
        for one in topic.partitions
    }


def told(topics: tuple[StoredTopic, ...]) -> dict[tuple[str, int], int]:
    return {
        (topic.name, one.partition_index): one.committed_offset
        for topic in topics
        for one in topic.partitions
    }


def stored(broker: AskedBroker, group: str = "g") -> dict[tuple[str, int], int]:
    """All offsets of a group."""
    request = OffsetFetchRequest(groups=(OffsetFetchGroup(group_id=group, topics=None),))
    response = broker.ask(OffsetFetchResponse, ApiKey.OFFSET_FETCH, 9, request)
    return told(response.groups[0].topics)


@pytest.mark.parametrize(
    "version",
    range(APIS[ApiKey.OFFSET_COMMIT].first, APIS[ApiKey.OFFSET_COMMIT].last + 1),
)
def test_offsets_are_committed_by_any_version(version: int) -> None:
    broker = broker_with_topics()
    assert commit(broker, {("t", 0): 7, ("u", 0): 8}, version) == {("t", 0): 0, ("u", 0): 0}
    assert stored(broker) == {("t", 0): 7, ("u", 0): 8}


@pytest.mark.parametrize(
    "version",
    range(APIS[ApiKey.OFFSET_FETCH].first, APIS[ApiKey.OFFSET_FETCH].last + 1),
)
def test_offsets_are_told_to_any_version(version: int) -> None:
    broker = broker_with_topics()
    commit(broker, {("t", 0): 7})
    topics = (OffsetFetchTopic(name="t", partition_indexes=(0, 1)),)
    request = OffsetFetchRequest(
        group_id="g",
        topics=topics,
        groups=(
            OffsetFetchGroup(group_id="g", topics=topics),
            OffsetFetchGroup(group_id="other", topics=topics),
        ),
    )
    response = broker.ask(OffsetFetchResponse, ApiKey.OFFSET_FETCH, version, request)
    own = response.topics if version < 8 else response.groups[0].topics
    (known, unknown) = own[0].partitions
    assert (known.committed_offset, known.metadata) == (7, "at 7")
    assert known.committed_leader_epoch == (3 if version >= 5 else -1)
    assert (unknown.committed_offset, unknown.metadata, unknown.error_code) == (-1, "", 0)
    if version >= 8:
        assert told(response.groups[1].topics) == {("t", 0): -1, ("t", 1): -1}


@pytest.mark.parametrize("version", [2, 5, 7, 8])
def test_all_offsets_are_told_where_no_topics_are_named(version: int) -> None:
    broker = broker_with_topics()
    commit(broker, {("t", 0): 7, ("t", 2): 9, ("u", 0): 8})
    request = OffsetFetchRequest(
        group_id="g", topics=None, groups=(OffsetFetchGroup(group_id="g", topics=None),)
    )
    response = broker.ask(OffsetFetchResponse, ApiKey.OFFSET_FETCH, version, request)
    own = response.topics if version < 8 else response.groups[0].topics
    assert told(own) == {("t", 0): 7, ("t", 2): 9, ("u", 0): 8}


def test_each_partition_is_refused_by_itself() -> None:
    broker = broker_with_topics()
    errors = commit(broker, {("t", 0): 1, ("t", 3): 1, ("unknown", 0): 1})
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert errors == {("t", 0): 0, ("t", 3): unknown, ("unknown", 0): unknown}
    long_one = CommittedPartition(
        partition_index=1, committed_offset=1, committed_metadata="x" * 4_097
    )
    topics = (CommittedTopic(name="t", partitions=(long_one,)),)
    assert commit(broker, {}, topics=topics) == {("t", 1): ErrorCode.OFFSET_METADATA_TOO_LARGE}
    assert stored(broker) == {("t", 0): 1}


class TestWhoMayCommit:
    OFFSETS = {("t", 0): 7}  # noqa: RUF012 - never changed

    def error(self, broker: AskedBroker, **fields: Any) -> int:
        return commit(broker, self.OFFSETS, **fields)["t", 0]

    def test_a_member_of_the_present_generation(self) -> None:
        broker = broker_with_topics()
        place = stable(broker)
        member = {"member_id": place.member_id, "generation_id_or_member_epoch": 1}
        assert self.error(broker, **member) == ErrorCode.NONE
        older = {**member, "generation_id_or_member_epoch": 0}
        assert self.error(broker, **older) == ErrorCode.ILLEGAL_GENERATION
        stranger = {**member, "member_id": "stranger"}
        assert self.error(broker, **stranger) == ErrorCode.UNKNOWN_MEMBER_ID
        assert self.error(broker) == ErrorCode.UNKNOWN_MEMBER_ID
        static = {**member, "group_instance_id": "one"}
        assert self.error(broker, **static) == ErrorCode.UNKNOWN_MEMBER_ID

    def test_anybody_while_the_group_has_no_members(self) -> None:
        broker = broker_with_topics()
        assert self.error(broker) == ErrorCode.NONE
        unknown = {"member_id": "m", "generation_id_or_member_epoch": 3}
        assert self.error(broker, group_id="new", **unknown) == ErrorCode.ILLEGAL_GENERATION
        stable(broker)
        broker.wait(20_000)
        assert self.error(broker) == ErrorCode.NONE

    def test_nobody_while_assignments_are_awaited(self) -> None:
        broker = broker_with_topics()
        place = joined(broker)
        member = {"member_id": place.member_id, "generation_id_or_member_epoch": 1}
        assert self.error(broker, **member) == ErrorCode.REBALANCE_IN_PROGRESS

    def test_a_member_that_is_about_to_join_again(self) -> None:
        broker = broker_with_topics()
        place = stable(broker)
        broker.call(ApiKey.JOIN_GROUP, 3, join_request())
        member = {"member_id": place.member_id, "generation_id_or_member_epoch": 1}
        assert self.error(broker, **member) == ErrorCode.NONE

    def test_a_commit_keeps_a_session_alive(self) -> None:
        broker = broker_with_topics()
        place = stable(broker)
        member = {"member_id": place.member_id, "generation_id_or_member_epoch": 1}
        for _ in range(5):
            broker.wait(9_000)
            assert self.error(broker, **member) == ErrorCode.NONE


class TestSurviving:
    @pytest.mark.parametrize("stop", ["restart", "kill"])
    def test_the_latest_offsets_survive_a_stop_of_the_process(self, stop: str) -> None:
        broker = broker_with_topics()
        for offset in range(5):
            commit(broker, {("t", 0): offset, ("t", 1): 10 * offset})
        getattr(broker, stop)()
        assert stored(broker) == {("t", 0): 4, ("t", 1): 40}

    def test_after_a_crash_of_the_machine_some_commit_is_the_latest(self) -> None:
        for seed in range(20):
            broker = broker_with_topics()
            for offset in range(20):
                commit(broker, {("t", 0): offset, ("t", 1): offset})
            broker.crash(seed)
            survived = stored(broker)
            assert len(set(survived.values())) <= 1
            assert survived in ({}, *({("t", 0): one, ("t", 1): one} for one in range(20)))

    def test_nothing_is_noted_that_could_not_be_written(self) -> None:
        broker = broker_with_topics()
        commit(broker, {("t", 0): 1})
        broker.files.free_byte_count = 0
        refused = commit(broker, {("t", 0): 2})
        assert refused == {("t", 0): ErrorCode.COORDINATOR_NOT_AVAILABLE}
        assert stored(broker) == {("t", 0): 1}
        broker.files.free_byte_count = None
        broker.kill()
        assert stored(broker) == {("t", 0): 1}


class TestGoing:
    def test_a_group_that_is_not_used_any_more_is_forgotten_after_the_retention(self) -> None:
        broker = broker_with_topics()
        place = stable(broker)
        member = {"member_id": place.member_id, "generation_id_or_member_epoch": 1}
        commit(broker, {("t", 0): 7}, **member)
        broker.wait(6 * DAY_MS)
        assert stored(broker) == {("t", 0): 7}
        broker.wait(2 * DAY_MS)
        for _ in range(2):
            assert stored(broker) == {}
            request = ListGroupsRequest()
            assert not broker.ask(ListGroupsResponse, ApiKey.LIST_GROUPS, 5, request).groups
            broker.kill()

    def test_the_retention_counts_on_over_restarts(self) -> None:
        broker = broker_with_topics()
        commit(broker, {("t", 0): 7})
        broker.wait(4 * DAY_MS)
        commit(broker, {("t", 1): 8})
        broker.restart()
        broker.wait(4 * DAY_MS)
        assert stored(broker) == {("t", 1): 8}

    def test_offsets_of_a_group_with_members_stay(self) -> None:
        broker = broker_with_topics()
        place = stable(broker, session_timeout_ms=1_800_000)
        member = {"member_id": place.member_id, "generation_id_or_member_epoch": 1}
        commit(broker, {("t", 0): 7}, **member)
        group = broker.state.groups.groups["g"]
        for _ in range(9 * 72):
            broker.wait(DAY_MS // 72)
            (one,) = group.members
            group.heartbeat(one, now_ns=broker.now_ms * 1_000_000)
        assert stored(broker) == {("t", 0): 7}

    def test_a_removed_topics_offsets_go_with_it(self) -> None:
        broker = broker_with_topics()
        commit(broker, {("t", 0): 7, ("u", 0): 8})
        request = DeleteTopicsRequest(topics=(DoomedTopic(name="t"),))
        broker.ask(DeleteTopicsResponse, ApiKey.DELETE_TOPICS, 6, request)
        for _ in range(2):
            assert stored(broker) == {("u", 0): 8}
            broker.kill()

    @pytest.mark.parametrize("calls", range(0, 40, 3))
    def test_they_go_too_where_the_broker_stopped_on_the_way(self, calls: int) -> None:
        broker = broker_with_topics()
        commit(broker, {("t", 0): 7, ("u", 0): 8})
        broker.files.calls_until_crash = calls
        request = DeleteTopicsRequest(topics=(DoomedTopic(name="t"),))
        with contextlib.suppress(Crashed):
            broker.ask(DeleteTopicsResponse, ApiKey.DELETE_TOPICS, 6, request)
        broker.kill()
        for _ in range(2):
            assert (("t", 0) in stored(broker)) == ("t" in broker.topics.by_name)
            assert stored(broker)["u", 0] == 8
            broker.kill()

    def test_single_offsets_are_deleted_while_the_group_has_no_members(self) -> None:
        broker = broker_with_topics()

        def delete(group: str = "g") -> tuple[int, list[int]]:
            topic = OffsetDeleteTopic(
                name="t",
                partitions=tuple(OffsetDeletePartition(partition_index=n) for n in (0, 2)),
            )
            request = OffsetDeleteRequest(group_id=group, topics=(topic,))
            response = broker.ask(OffsetDeleteResponse, ApiKey.OFFSET_DELETE, 0, request)
            codes = [one.error_code for topic in response.topics for one in topic.partitions]
            return response.error_code, codes

        commit(broker, {("t", 0): 7, ("t", 1): 8})
        assert delete("unknown") == (ErrorCode.GROUP_ID_NOT_FOUND, [])
        assert delete() == (ErrorCode.NONE, [0, 0])
        assert stored(broker) == {("t", 1): 8}
        broker.call(ApiKey.SYNC_GROUP, 5, sync_request(joined(broker)))
        assert delete() == (ErrorCode.NON_EMPTY_GROUP, [])

    def test_a_group_of_offsets_alone_is_an_empty_one(self) -> None:
        broker = broker_with_topics()
        commit(broker, {("t", 0): 7})
        request = DescribeGroupsRequest(groups=("g",))
        (told_,) = broker.ask(DescribeGroupsResponse, ApiKey.DESCRIBE_GROUPS, 6, request).groups
        assert (told_.error_code, told_.group_state) == (ErrorCode.NONE, "Empty")

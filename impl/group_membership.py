"""One member of a consumer group as it talks to the coordinator: joins, beats, commits, leaves."""

import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import TypeVar

from msgspec import Struct

from iowitness.impl.api_table import ApiKey
from iowitness.impl.assignors import ASSIGNORS
from iowitness.impl.blocking_connection import BlockingConnection
from iowitness.impl.cluster_client import RETRY_PAUSE_S, ClusterClient
from iowitness.impl.cluster_view import Node, TopicPartition
from iowitness.impl.consumer_config import GroupConfig
from iowitness.impl.membership_steps import Step, step_after
from iowitness.impl.messages import groups
from iowitness.impl.subscription_format import (
    NO_GENERATION,
    Subscription,
    read_assignment,
    read_subscription,
    write_assignment,
    write_subscription,
)
from iowitness.impl.wire_errors import BrokerUnreachable, ErrorCode, named

_PROTOCOL_TYPE = "consumer"
_JOIN_SLACK_S = 5.0
MessageT = TypeVar("MessageT", bound=Struct)


class GroupFailed(Exception):
    """The coordinator refused for good; `error_code` says why."""

    def __init__(self, group_id: str, doing: str, error_code: int) -> None:
        super().__init__(f"group={group_id}: {doing}: the coordinator answered {named(error_code)}")
        self.error_code = error_code


class GroupMembership:
    """A place in a group. One thread at a time. `generation` is -1 while it is no member."""

    def __init__(
        self, cluster: ClusterClient, config: GroupConfig, topics: Iterable[str], timeout_s: float
    ) -> None:
        self._cluster = cluster
        self._config = config
        self._topics = tuple(sorted(topics))
        self._timeout_s = timeout_s
        self._coordinator: BlockingConnection | None = None
        self._member_id = ""
        self._owned: tuple[TopicPartition, ...] = ()
        self._owned_generation = NO_GENERATION
        self.generation = NO_GENERATION

    def join(self) -> tuple[TopicPartition, ...]:
        """Become a member of the next generation; the partitions that it gives.

        Takes as long as the other members need to come, `rebalance_timeout_ms` at most. Raises
        `GroupFailed`, and `BrokerUnreachable` where no coordinator is found in time.
        """
        deadline_s = self._deadline_s()
        while True:
            try:
                joined = self._asked(ApiKey.JOIN_GROUP, self._request(), groups.JoinGroupResponse)
                if joined.error_code == ErrorCode.MEMBER_ID_REQUIRED:
                    self._member_id = joined.member_id
                    continue
                if not self._must_retry("joining", joined.error_code, deadline_s):
                    assigned = self._synced(joined, deadline_s)
                    if assigned is not None:
                        return assigned
            except BrokerUnreachable as error:
                self._lost_coordinator(error, deadline_s)

    def _request(self) -> groups.JoinGroupRequest:
        subscription = Subscription(self._topics, self._owned, self._owned_generation)
        metadata = write_subscription(subscription)
        return groups.JoinGroupRequest(
            group_id=self._config.group_id,
            session_timeout_ms=self._config.session_timeout_ms,
            rebalance_timeout_ms=self._config.rebalance_timeout_ms,
            member_id=self._member_id,
            group_instance_id=self._config.instance_id,
            protocol_type=_PROTOCOL_TYPE,
            protocols=tuple(
                groups.JoinGroupProtocol(name=name, metadata=metadata)
                for name in self._config.assignors
            ),
        )

    def _synced(
        self, joined: groups.JoinGroupResponse, deadline_s: float
    ) -> tuple[TopicPartition, ...] | None:
        """Hand in what the leader computed, or nothing; None if it has to join again."""
        self._member_id = joined.member_id
        assignments: tuple[groups.SyncGroupAssignment, ...] = ()
        if joined.leader == joined.member_id:
            assignments = self._computed(joined)
        request = groups.SyncGroupRequest(
            group_id=self._config.group_id,
            generation_id=joined.generation_id,
            member_id=self._member_id,
            group_instance_id=self._config.instance_id,
            assignments=assignments,
        )
        answer = self._asked(ApiKey.SYNC_GROUP, request, groups.SyncGroupResponse)
        if self._must_retry("synchronising", answer.error_code, deadline_s):
            return None
        self.generation = self._owned_generation = joined.generation_id
        self._owned = read_assignment(answer.assignment)
        return self._owned

    def _computed(self, joined: groups.JoinGroupResponse) -> tuple[groups.SyncGroupAssignment, ...]:
        members = {one.member_id: read_subscription(one.metadata) for one in joined.members}
        topics = sorted({topic for one in members.values() for topic in one.topics})
        self._cluster.refresh(tuple(topics))
        counts = self._cluster.view.partition_counts
        there = {topic: counts[topic] for topic in topics if topic in counts}
        assigned = ASSIGNORS[joined.protocol_name or ""](there, members)
        return tuple(
            groups.SyncGroupAssignment(member_id=one, assignment=write_assignment(partitions))
            for one, partitions in assigned.items()
        )

    def beat(self) -> bool:
        """Tell that we are alive; False if we have to join again. Raises `GroupFailed`."""
        request = groups.HeartbeatRequest(
            group_id=self._config.group_id,
            generation_id=self.generation,
            member_id=self._member_id,
            group_instance_id=self._config.instance_id,
        )
        try:
            answer = self._asked(ApiKey.HEARTBEAT, request, groups.HeartbeatResponse)
        except BrokerUnreachable:
            self._drop_coordinator()
            return True  # the next one tells
        return self._still_stands("heartbeat", answer.error_code)

    def commit(self, offsets: Mapping[TopicPartition, int]) -> bool:
        """Store the next offset of each partition; False if they belong to an older generation.

        Raises `GroupFailed`, and `BrokerUnreachable` where no coordinator is found in time.
        """
        deadline_s = self._deadline_s()
        request = groups.OffsetCommitRequest(
            group_id=self._config.group_id,
            generation_id_or_member_epoch=self.generation,
            member_id=self._member_id,
            group_instance_id=self._config.instance_id,
            topics=_committed(offsets),
        )
        while offsets:
            try:
                answer = self._asked(ApiKey.OFFSET_COMMIT, request, groups.OffsetCommitResponse)
            except BrokerUnreachable as error:
                self._lost_coordinator(error, deadline_s)
                continue
            code = _first_error(
                one.error_code for topic in answer.topics for one in topic.partitions
            )
            if step_after(code) in {Step.FIND_COORDINATOR, Step.WAIT}:
                self._must_retry("committing", code, deadline_s)
                continue
            return self._still_stands("committing", code)
        return True

    def committed(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The stored offset of each partition that has one."""
        topics: dict[str, list[int]] = {}
        for topic, number in partitions:
            topics.setdefault(topic, []).append(number)
        request = groups.OffsetFetchRequest(
            group_id=self._config.group_id,
            topics=tuple(
                groups.OffsetFetchTopic(name=name, partition_indexes=tuple(numbers))
                for name, numbers in topics.items()
            ),
        )
        deadline_s = self._deadline_s()
        while topics:
            try:
                answer = self._asked(ApiKey.OFFSET_FETCH, request, groups.OffsetFetchResponse)
            except BrokerUnreachable as error:
                self._lost_coordinator(error, deadline_s)
                continue
            code = answer.error_code or _first_error(
                one.error_code for topic in answer.topics for one in topic.partitions
            )
            if not self._must_retry("asking for offsets", code, deadline_s):
                return {
                    TopicPartition(topic.name, one.partition_index): one.committed_offset
                    for topic in answer.topics
                    for one in topic.partitions
                    if one.committed_offset >= 0
                }
        return {}

    def leave(self) -> None:
        """Give the place up, so that others get the partitions; a static member keeps it."""
        if self._member_id and self._config.instance_id is None:
            request = groups.LeaveGroupRequest(
                group_id=self._config.group_id,
                member_id=self._member_id,
                members=(groups.LeavingMember(member_id=self._member_id),),
            )
            with contextlib.suppress(BrokerUnreachable):  # the session timeout does it then
                self._asked(ApiKey.LEAVE_GROUP, request, groups.LeaveGroupResponse)
        self._drop_coordinator()
        self.generation = NO_GENERATION

    def _still_stands(self, doing: str, code: int) -> bool:
        match step_after(code):
            case Step.GO_ON | Step.WAIT:
                return True
            case Step.FIND_COORDINATOR:
                self._drop_coordinator()
                return True
            case Step.REJOIN:
                return False
            case Step.REJOIN_AS_NEW:
                self._forget_place()
                return False
            case Step.FAIL:
                raise GroupFailed(self._config.group_id, doing, code)

    def _must_retry(self, doing: str, code: int, deadline_s: float) -> bool:
        """Whether to do the same again, after whatever that code asks for."""
        match step_after(code):
            case Step.GO_ON:
                return False
            case Step.REJOIN_AS_NEW:
                self._forget_place()
            case Step.FIND_COORDINATOR:
                self._drop_coordinator()
                time.sleep(RETRY_PAUSE_S)
            case Step.WAIT:
                time.sleep(RETRY_PAUSE_S)
            case Step.REJOIN:
                pass
            case Step.FAIL:
                raise GroupFailed(self._config.group_id, doing, code)
        if time.monotonic() > deadline_s:
            raise GroupFailed(self._config.group_id, doing, code)
        return True

    def _forget_place(self) -> None:
        self._member_id = ""
        self._owned, self._owned_generation = (), NO_GENERATION
        self.generation = NO_GENERATION

    def _asked(self, api_key: ApiKey, request: Struct, response: type[MessageT]) -> MessageT:
        if self._coordinator is None:
            self._coordinator = self._found_coordinator()
        return self._coordinator.ask(api_key, request, response)

    def _found_coordinator(self) -> BlockingConnection:
        """A connection of our own: joining takes as long as the slowest member."""
        request = groups.FindCoordinatorRequest(key=self._config.group_id)
        answer = self._cluster.any_connection().ask(
            ApiKey.FIND_COORDINATOR, request, groups.FindCoordinatorResponse
        )
        if answer.error_code:
            if step_after(answer.error_code) is Step.FAIL:
                raise GroupFailed(
                    self._config.group_id, "looking for the coordinator", answer.error_code
                )
            raise BrokerUnreachable(f"no coordinator yet: {named(answer.error_code)}")
        node = Node(answer.node_id, answer.host, answer.port)
        longest_s = self._config.rebalance_timeout_ms / 1_000 + _JOIN_SLACK_S
        return self._cluster.opened(node, max(self._timeout_s, longest_s))

    def _lost_coordinator(self, error: BrokerUnreachable, deadline_s: float) -> None:
        """Look for it anew after a pause; raises the error once time is up."""
        self._drop_coordinator()
        self._cluster.forget()
        if time.monotonic() > deadline_s:
            raise error
        time.sleep(RETRY_PAUSE_S)

    def _drop_coordinator(self) -> None:
        if self._coordinator is not None:
            self._coordinator.close()
            self._coordinator = None

    def _deadline_s(self) -> float:
        return time.monotonic() + self._timeout_s


def _first_error(codes: Iterable[int]) -> int:
    return next((code for code in codes if code), ErrorCode.NONE)


def _committed(offsets: Mapping[TopicPartition, int]) -> tuple[groups.CommittedTopic, ...]:
    topics: dict[str, list[groups.CommittedPartition]] = {}
    for (topic, number), offset in offsets.items():
        one = groups.CommittedPartition(
            partition_index=number, committed_offset=offset, committed_metadata=""
        )
        topics.setdefault(topic, []).append(one)
    return tuple(
        groups.CommittedTopic(name=name, partitions=tuple(partitions))
        for name, partitions in topics.items()
    )

"""Consumer groups asked by request: every version's form, errors, and what survives."""

from collections.abc import Iterable
from typing import Any

import pytest

from iowitness.impl.api_table import APIS, ApiKey
from iowitness.impl.broker_state import ParkedCall
from iowitness.impl.group_config import GroupConfig
from iowitness.impl.messages.groups import (
    DeleteGroupsRequest,
    DeleteGroupsResponse,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
    HeartbeatRequest,
    HeartbeatResponse,
    JoinGroupProtocol,
    JoinGroupRequest,
    JoinGroupResponse,
    LeaveGroupRequest,
    LeaveGroupResponse,
    LeavingMember,
    ListGroupsRequest,
    ListGroupsResponse,
    SyncGroupAssignment,
    SyncGroupRequest,
    SyncGroupResponse,
)
from iowitness.impl.server_config import ServerConfig
from iowitness.impl.wire_errors import ErrorCode
from tests.doubles.asked_broker import AskedBroker


def join_request(member_id: str = "", **fields: Any) -> JoinGroupRequest:
    return JoinGroupRequest(
        **{
            "group_id": "g",
            "session_timeout_ms": 10_000,
            "rebalance_timeout_ms": 20_000,
            "member_id": member_id,
            "protocol_type": "consumer",
            "protocols": (JoinGroupProtocol(name="range", metadata=b"topics"),),
            **fields,
        }
    )


def answered(broker: AskedBroker, call: ParkedCall) -> Any:
    response = broker.answer(call)
    assert response is not None
    return response


def joined(broker: AskedBroker, version: int = 9, **fields: Any) -> JoinGroupResponse:
    """A newcomer's place in the group, whichever way its version takes."""
    call = broker.call(ApiKey.JOIN_GROUP, version, join_request(**fields))
    response: JoinGroupResponse = answered(broker, call)
    if response.error_code == ErrorCode.MEMBER_ID_REQUIRED:
        again = join_request(response.member_id, **fields)
        response = answered(broker, broker.call(ApiKey.JOIN_GROUP, version, again))
    assert response.error_code == ErrorCode.NONE
    return response


def sync_request(place: JoinGroupResponse, **fields: Any) -> SyncGroupRequest:
    return SyncGroupRequest(
        **{
            "group_id": "g",
            "generation_id": place.generation_id,
            "member_id": place.member_id,
            "assignments": tuple(
                SyncGroupAssignment(member_id=one.member_id, assignment=b"all of it")
                for one in place.members
            ),
            **fields,
        }
    )


def stable(broker: AskedBroker, **fields: Any) -> JoinGroupResponse:
    """The place of the only member of a stable group."""
    place = joined(broker, **fields)
    group = {"group_id": fields.get("group_id", "g")}
    synced = broker.call(ApiKey.SYNC_GROUP, 5, sync_request(place, **group))
    assert answered(broker, synced).assignment == b"all of it"
    return place


def heartbeat(broker: AskedBroker, place: JoinGroupResponse, **fields: Any) -> int:
    request = HeartbeatRequest(
        **{
            "group_id": "g",
            "generation_id": place.generation_id,
            "member_id": place.member_id,
            **fields,
        }
    )
    return broker.ask(HeartbeatResponse, ApiKey.HEARTBEAT, 4, request).error_code


def versions(key: ApiKey) -> Iterable[int]:
    return range(APIS[key].first, APIS[key].last + 1)


class TestFindingTheCoordinator:
    @pytest.mark.parametrize("version", versions(ApiKey.FIND_COORDINATOR))
    def test_it_is_this_broker(self, version: int) -> None:
        request = FindCoordinatorRequest(key="g", coordinator_keys=("g", "h"))
        found = AskedBroker().ask(
            FindCoordinatorResponse, ApiKey.FIND_COORDINATOR, version, request
        )
        if version < 4:
            assert (found.error_code, found.node_id, found.port) == (0, 1, 9_092)
        else:
            assert [(one.key, one.node_id) for one in found.coordinators] == [("g", 1), ("h", 1)]

    @pytest.mark.parametrize("version", [1, 6])
    def test_transactions_have_none(self, version: int) -> None:
        request = FindCoordinatorRequest(key="t", coordinator_keys=("t",), key_type=1)
        found = AskedBroker().ask(
            FindCoordinatorResponse, ApiKey.FIND_COORDINATOR, version, request
        )
        told: Any = found if version < 4 else found.coordinators[0]
        assert told.error_code == ErrorCode.INVALID_REQUEST
        assert "transactions" in str(told.error_message)

    def test_there_is_none_while_nothing_can_be_stored(self) -> None:
        broker = AskedBroker()
        broker.files.free_byte_count = 0
        request = FindCoordinatorRequest(coordinator_keys=("g",))
        found = broker.ask(FindCoordinatorResponse, ApiKey.FIND_COORDINATOR, 6, request)
        assert found.coordinators[0].error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
        broker.files.free_byte_count = None
        found = broker.ask(FindCoordinatorResponse, ApiKey.FIND_COORDINATOR, 6, request)
        assert found.coordinators[0].error_code == ErrorCode.NONE


class TestMembership:
    @pytest.mark.parametrize("version", versions(ApiKey.JOIN_GROUP))
    def test_a_member_of_any_version_joins_alone_and_leads(self, version: int) -> None:
        broker = AskedBroker()
        call = broker.call(ApiKey.JOIN_GROUP, version, join_request())
        first = answered(broker, call)
        if version >= 4:
            assert first.error_code == ErrorCode.MEMBER_ID_REQUIRED
            assert first.member_id.startswith("client-")
            again = join_request(first.member_id)
            first = answered(broker, broker.call(ApiKey.JOIN_GROUP, version, again))
        assert (first.error_code, first.generation_id, first.leader) == (0, 1, first.member_id)
        assert [one.metadata for one in first.members] == [b"topics"]

    @pytest.mark.parametrize("version", versions(ApiKey.SYNC_GROUP))
    def test_a_member_of_any_version_is_given_its_assignment(self, version: int) -> None:
        broker = AskedBroker()
        place = joined(broker)
        call = broker.call(ApiKey.SYNC_GROUP, version, sync_request(place))
        assert answered(broker, call).assignment == b"all of it"

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"group_id": ""}, ErrorCode.INVALID_GROUP_ID),
            ({"session_timeout_ms": 5_999}, ErrorCode.INVALID_SESSION_TIMEOUT),
            ({"session_timeout_ms": 1_800_001}, ErrorCode.INVALID_SESSION_TIMEOUT),
            ({"protocols": ()}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
            ({"protocol_type": ""}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
            ({"member_id": "stranger"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ],
    )
    def test_what_no_group_takes_is_refused_and_leaves_no_group(
        self, fields: dict[str, Any], error: ErrorCode
    ) -> None:
        broker = AskedBroker()
        for version in (3, 6, 9):
            call = broker.call(ApiKey.JOIN_GROUP, version, join_request(**fields))
            response = answered(broker, call)
            assert (response.error_code, response.generation_id) == (error, -1)
            assert response.protocol_name is not None
        assert not broker.state.groups.groups

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"group_id": ""}, ErrorCode.INVALID_GROUP_ID),
            ({"group_id": "other"}, ErrorCode.UNKNOWN_MEMBER_ID),
            ({"member_id": "stranger"}, ErrorCode.UNKNOWN_MEMBER_ID),
            ({"generation_id": 7}, ErrorCode.ILLEGAL_GENERATION),
            ({"group_instance_id": "one"}, ErrorCode.UNKNOWN_MEMBER_ID),
            ({"protocol_type": "connect"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
            ({"protocol_name": "sticky"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ],
    )
    def test_a_sync_that_does_not_fit_is_refused(
        self, fields: dict[str, Any], error: ErrorCode
    ) -> None:
        broker = AskedBroker()
        place = joined(broker)
        call = broker.call(ApiKey.SYNC_GROUP, 5, sync_request(place, **fields))
        assert answered(broker, call).error_code == error

    def test_a_heartbeat_says_whether_the_generation_stands(self) -> None:
        broker = AskedBroker()
        place = stable(broker)
        assert heartbeat(broker, place) == ErrorCode.NONE
        assert heartbeat(broker, place, group_id="other") == ErrorCode.UNKNOWN_MEMBER_ID
        assert heartbeat(broker, place, member_id="stranger") == ErrorCode.UNKNOWN_MEMBER_ID
        assert heartbeat(broker, place, generation_id=9) == ErrorCode.ILLEGAL_GENERATION
        broker.call(ApiKey.JOIN_GROUP, 3, join_request())
        assert heartbeat(broker, place) == ErrorCode.REBALANCE_IN_PROGRESS
        broker.wait(400_000)
        assert heartbeat(broker, place) == ErrorCode.UNKNOWN_MEMBER_ID

    def test_members_wait_for_each_other(self) -> None:
        broker = AskedBroker()
        place = stable(broker)
        newcomer = broker.call(ApiKey.JOIN_GROUP, 3, join_request())
        assert broker.answer(newcomer) is None
        again = broker.call(ApiKey.JOIN_GROUP, 9, join_request(place.member_id))
        leading, following = answered(broker, again), answered(broker, newcomer)
        assert (leading.generation_id, following.generation_id) == (2, 2)
        waits = broker.call(ApiKey.SYNC_GROUP, 5, sync_request(following))
        assert broker.answer(waits) is None
        broker.call(ApiKey.SYNC_GROUP, 5, sync_request(leading))
        assert answered(broker, waits).assignment == b"all of it"

    @pytest.mark.parametrize("version", versions(ApiKey.LEAVE_GROUP))
    def test_members_leave_alone_or_together(self, version: int) -> None:
        broker = AskedBroker()
        place = stable(broker)
        leaving = (place.member_id, "stranger")
        request = LeaveGroupRequest(
            group_id="g",
            member_id=place.member_id,
            members=tuple(LeavingMember(member_id=one) for one in leaving),
        )
        left = broker.ask(LeaveGroupResponse, ApiKey.LEAVE_GROUP, version, request)
        assert left.error_code == ErrorCode.NONE
        if version >= 3:
            results = [(one.member_id, one.error_code) for one in left.members]
            assert results == list(zip(leaving, (0, ErrorCode.UNKNOWN_MEMBER_ID), strict=True))
        again = broker.ask(LeaveGroupResponse, ApiKey.LEAVE_GROUP, version, request)
        told = again.error_code if version < 3 else again.members[0].error_code
        assert told == ErrorCode.UNKNOWN_MEMBER_ID

    def test_nobody_is_assigned_what_cannot_be_saved(self) -> None:
        broker = AskedBroker()
        place = joined(broker)
        broker.files.free_byte_count = 0
        call = broker.call(ApiKey.SYNC_GROUP, 5, sync_request(place))
        assert answered(broker, call).error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE


def test_only_so_many_groups_are_kept_and_old_ones_go_on() -> None:
    groups = GroupConfig(initial_rebalance_delay_ms=0, most_group_count=3)
    broker = AskedBroker(ServerConfig(groups=groups))
    places = [stable(broker, group_id=f"g{number}") for number in range(3)]
    call = broker.call(ApiKey.JOIN_GROUP, 9, join_request(group_id="one too many"))
    assert answered(broker, call).error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
    again = join_request(places[0].member_id, group_id="g0")
    assert answered(broker, broker.call(ApiKey.JOIN_GROUP, 9, again)).generation_id == 2


class TestSurviving:
    @pytest.mark.parametrize("stop", ["restart", "kill"])
    def test_members_go_on_in_their_generation_with_a_fresh_session(self, stop: str) -> None:
        broker = AskedBroker()
        place = stable(broker)
        broker.wait(9_000)
        getattr(broker, stop)()
        broker.wait(9_000)
        assert heartbeat(broker, place) == ErrorCode.NONE
        synced = broker.call(ApiKey.SYNC_GROUP, 5, sync_request(place, assignments=()))
        assert answered(broker, synced).assignment == b"all of it"
        broker.wait(10_000)
        assert heartbeat(broker, place) == ErrorCode.UNKNOWN_MEMBER_ID

    def test_a_rebalance_that_was_under_way_begins_anew(self) -> None:
        broker = AskedBroker()
        place = stable(broker)
        broker.call(ApiKey.JOIN_GROUP, 3, join_request())
        broker.kill()
        assert heartbeat(broker, place) == ErrorCode.NONE
        assert joined_again(broker, place).generation_id == 2

    def test_static_members_keep_their_names(self) -> None:
        broker = AskedBroker()
        place = stable(broker, group_instance_id="one")
        broker.kill()
        back = joined(broker, group_instance_id="one")
        assert (back.generation_id, back.skip_assignment) == (1, True)
        assert back.member_id != place.member_id
        fenced = heartbeat(broker, place, group_instance_id="one")
        assert fenced == ErrorCode.FENCED_INSTANCE_ID
        broker.kill()
        assert heartbeat(broker, back, group_instance_id="one") == ErrorCode.NONE

    def test_an_empty_groups_generations_go_on(self) -> None:
        broker = AskedBroker()
        stable(broker)
        broker.wait(20_000)
        broker.kill()
        assert joined(broker).generation_id == 3


def joined_again(broker: AskedBroker, place: JoinGroupResponse) -> JoinGroupResponse:
    call = broker.call(ApiKey.JOIN_GROUP, 9, join_request(place.member_id))
    response: JoinGroupResponse = answered(broker, call)
    return response


class TestLookingAtGroups:
    def test_a_group_is_listed_with_its_state(self) -> None:
        broker = AskedBroker()
        stable(broker)

        def listed(*states: str, types: tuple[str, ...] = ()) -> list[tuple[str, str, str]]:
            request = ListGroupsRequest(states_filter=states, types_filter=types)
            response = broker.ask(ListGroupsResponse, ApiKey.LIST_GROUPS, 5, request)
            return [(one.group_id, one.group_state, one.protocol_type) for one in response.groups]

        assert listed() == listed("stable", "Dead") == [("g", "Stable", "consumer")]
        assert listed(types=("Classic",)) == listed()
        assert listed("Empty") == listed(types=("consumer",)) == []
        broker.call(ApiKey.JOIN_GROUP, 3, join_request())
        assert listed() == [("g", "PreparingRebalance", "consumer")]

    @pytest.mark.parametrize("version", versions(ApiKey.DESCRIBE_GROUPS))
    def test_a_group_is_described_with_its_members(self, version: int) -> None:
        broker = AskedBroker()
        place = stable(broker)
        request = DescribeGroupsRequest(groups=("g", "unknown"))
        response = broker.ask(DescribeGroupsResponse, ApiKey.DESCRIBE_GROUPS, version, request)
        known, unknown = response.groups
        assert (known.group_state, known.protocol_type, known.protocol_data) == (
            "Stable",
            "consumer",
            "range",
        )
        (member,) = known.members
        assert (member.member_id, member.client_id, member.client_host) == (
            place.member_id,
            "client",
            "/10.0.0.7",
        )
        assert (member.member_metadata, member.member_assignment) == (b"topics", b"all of it")
        expected = ErrorCode.GROUP_ID_NOT_FOUND if version >= 6 else ErrorCode.NONE
        assert (unknown.group_state, unknown.error_code) == ("Dead", expected)

    def test_only_a_group_without_members_is_deleted_and_stays_so(self) -> None:
        broker = AskedBroker()
        stable(broker)

        def delete() -> list[int]:
            request = DeleteGroupsRequest(groups_names=("g", "unknown"))
            response = broker.ask(DeleteGroupsResponse, ApiKey.DELETE_GROUPS, 2, request)
            return [one.error_code for one in response.results]

        assert delete() == [ErrorCode.NON_EMPTY_GROUP, ErrorCode.GROUP_ID_NOT_FOUND]
        broker.wait(20_000)
        assert delete()[0] == ErrorCode.NONE
        for _ in range(2):
            assert delete()[0] == ErrorCode.GROUP_ID_NOT_FOUND
            broker.kill()


def test_an_answer_that_nobody_waits_for_does_no_harm() -> None:
    broker = AskedBroker()
    place = stable(broker)
    lost = broker.call(ApiKey.JOIN_GROUP, 3, join_request())
    broker.wait(20_000)
    response = broker.answer(lost)
    assert isinstance(response, JoinGroupResponse)
    assert response.generation_id == place.generation_id + 1
    assert isinstance(
        broker.answer(broker.call(ApiKey.SYNC_GROUP, 5, sync_request(place))), SyncGroupResponse
    )

"""Requests about consumer groups: finding the coordinator, membership, what groups there are."""

from iowitness.impl.broker_state import BrokerState, ParkedCall, Session
from iowitness.impl.group import Group
from iowitness.impl.group_members import Joining
from iowitness.impl.group_state import GroupState
from iowitness.impl.messages.groups import (
    Coordinator,
    DeletedGroup,
    DeleteGroupsRequest,
    DeleteGroupsResponse,
    DescribedGroup,
    DescribedMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
    HeartbeatRequest,
    HeartbeatResponse,
    JoinGroupRequest,
    LeaveGroupRequest,
    LeaveGroupResponse,
    LeavingMember,
    LeftMember,
    ListedGroup,
    ListGroupsRequest,
    ListGroupsResponse,
    SyncGroupRequest,
)
from iowitness.impl.request_header import RequestHeader
from iowitness.impl.wire_errors import ErrorCode

_GROUP_KEY = 0
_TYPE = "classic"
_NS_PER_MS = 1_000_000


def find_coordinator(
    state: BrokerState, session: Session, header: RequestHeader, request: FindCoordinatorRequest
) -> FindCoordinatorResponse:
    """Every group is coordinated here, and no transaction."""
    del session
    keys = request.coordinator_keys if header.version >= 4 else (request.key,)
    found = tuple(_coordinator(state, request.key_type, key) for key in keys)
    if header.version >= 4:
        return FindCoordinatorResponse(coordinators=found)
    (one,) = found
    return FindCoordinatorResponse(
        error_code=one.error_code,
        error_message=one.error_message,
        node_id=one.node_id,
        host=one.host,
        port=one.port,
    )


def _coordinator(state: BrokerState, key_type: int, key: str) -> Coordinator:
    if key_type != _GROUP_KEY:
        return _no_coordinator(
            key,
            ErrorCode.INVALID_REQUEST,
            f"key_type={key_type}, expected 0 (groups): transactions are not coordinated here",
        )
    if not state.groups.is_available():
        return _no_coordinator(
            key, ErrorCode.COORDINATOR_NOT_AVAILABLE, "committed offsets cannot be stored"
        )
    return Coordinator(
        key=key,
        node_id=state.config.node_id,
        host=state.host,
        port=state.port,
        error_code=ErrorCode.NONE,
    )


def _no_coordinator(key: str, error: ErrorCode, message: str) -> Coordinator:
    return Coordinator(
        key=key, node_id=-1, host="", port=-1, error_code=error, error_message=message
    )


def join_group(
    state: BrokerState, session: Session, header: RequestHeader, request: JoinGroupRequest
) -> ParkedCall:
    """The answer comes once the generation is agreed upon."""
    session_timeout_ns = request.session_timeout_ms * _NS_PER_MS
    rebalance_timeout_ns = max(request.rebalance_timeout_ms, 0) * _NS_PER_MS
    said = Joining(
        client_id=header.client_id or "",
        client_host=f"/{session.host}",
        instance_id=request.group_instance_id,
        session_timeout_ns=session_timeout_ns,
        rebalance_timeout_ns=rebalance_timeout_ns if header.version >= 1 else session_timeout_ns,
        protocol_type=request.protocol_type,
        protocols=request.protocols,
        knows_ids_first=header.version >= 4,
        may_skip_assignment=header.version >= 9,
    )
    call = ParkedCall(header)
    state.groups.join(call, request.group_id, request.member_id, said, now_ns=state.now_ns())
    return call


def sync_group(
    state: BrokerState, session: Session, header: RequestHeader, request: SyncGroupRequest
) -> ParkedCall:
    """The answer comes once the leader has handed in the assignments."""
    del session
    call = ParkedCall(header)
    state.groups.sync(call, request, now_ns=state.now_ns())
    return call


def heartbeat(
    state: BrokerState, session: Session, header: RequestHeader, request: HeartbeatRequest
) -> HeartbeatResponse:
    """Whether the member's generation still stands."""
    del session, header
    error = state.groups.heartbeat(
        request.group_id,
        request.member_id,
        request.group_instance_id,
        request.generation_id,
        now_ns=state.now_ns(),
    )
    return HeartbeatResponse(error_code=error)


def leave_group(
    state: BrokerState, session: Session, header: RequestHeader, request: LeaveGroupRequest
) -> LeaveGroupResponse:
    """Members go, each with its own result."""
    del session
    leaving = request.members
    if header.version < 3:
        leaving = (LeavingMember(member_id=request.member_id),)
    now_ns = state.now_ns()
    left = tuple(
        LeftMember(
            member_id=one.member_id,
            group_instance_id=one.group_instance_id,
            error_code=state.groups.leave(
                request.group_id, one.member_id, one.group_instance_id, now_ns=now_ns
            ),
        )
        for one in leaving
    )
    error_code = left[0].error_code if header.version < 3 else ErrorCode.NONE
    return LeaveGroupResponse(error_code=error_code, members=left)


def list_groups(
    state: BrokerState, session: Session, header: RequestHeader, request: ListGroupsRequest
) -> ListGroupsResponse:
    """All groups, or those in some states; those that only hold offsets are empty ones."""
    del session, header
    states = {name.lower() for name in request.states_filter}
    types = {name.lower() for name in request.types_filter}
    groups = state.groups.groups
    names = sorted(groups.keys() | state.groups.offsets.committed.groups())
    listed = tuple(_listed(name, groups.get(name)) for name in names)
    return ListGroupsResponse(
        error_code=ErrorCode.NONE,
        groups=tuple(
            one
            for one in listed
            if (not states or one.group_state.lower() in states) and (not types or _TYPE in types)
        ),
    )


def _listed(name: str, group: Group[ParkedCall] | None) -> ListedGroup:
    return ListedGroup(
        group_id=name,
        protocol_type="" if group is None else group.protocol_type,
        group_state=(GroupState.EMPTY if group is None else group.state).value,
        group_type=_TYPE,
    )


def describe_groups(
    state: BrokerState, session: Session, header: RequestHeader, request: DescribeGroupsRequest
) -> DescribeGroupsResponse:
    """Groups and their members; an unknown one is dead, and since version 6 an error."""
    del session
    return DescribeGroupsResponse(
        groups=tuple(_described(state, header.version, name) for name in request.groups)
    )


def _described(state: BrokerState, version: int, name: str) -> DescribedGroup:
    group = state.groups.groups.get(name)
    if group is None and name not in state.groups.offsets.committed.groups():
        is_told = version >= 6
        return DescribedGroup(
            error_code=ErrorCode.GROUP_ID_NOT_FOUND if is_told else ErrorCode.NONE,
            error_message=f"Group {name} not found." if is_told else None,
            group_id=name,
            group_state=GroupState.DEAD.value,
        )
    if group is None:
        return DescribedGroup(
            error_code=ErrorCode.NONE, group_id=name, group_state=GroupState.EMPTY.value
        )
    # What was agreed upon is told only while it stands.
    protocol = group.protocol_name if group.state is GroupState.STABLE else None
    return DescribedGroup(
        error_code=ErrorCode.NONE,
        group_id=name,
        group_state=group.state.value,
        protocol_type=group.protocol_type,
        protocol_data=protocol or "",
        members=tuple(
            DescribedMember(
                member_id=member.member_id,
                group_instance_id=member.instance_id,
                client_id=member.said.client_id,
                client_host=member.said.client_host,
                member_metadata=member.metadata(protocol),
                member_assignment=b"" if protocol is None else member.assignment,
            )
            for member in group.members
        ),
    )


def delete_groups(
    state: BrokerState, session: Session, header: RequestHeader, request: DeleteGroupsRequest
) -> DeleteGroupsResponse:
    """Groups without members go, with their offsets."""
    del session, header
    return DeleteGroupsResponse(
        results=tuple(
            DeletedGroup(group_id=name, error_code=state.groups.delete(name))
            for name in request.groups_names
        )
    )

"""Groups as they are saved, and made of what was saved. Pure.

A saved group is stable, or without members: a rebalance that was under way is not kept, its members
join again.
"""

from iowitness.impl.group import Group
from iowitness.impl.group_config import GroupConfig
from iowitness.impl.group_members import CallT, Joining, Member
from iowitness.impl.group_records import GroupValue, SavedMember
from iowitness.impl.messages.groups import JoinGroupProtocol

_NS_PER_MS = 1_000_000


def saved_value(group: Group[CallT], now_ms: int) -> GroupValue:
    """What has to be known of a group after a restart."""
    return GroupValue(
        protocol_type=group.protocol_type,
        generation=group.generation,
        protocol=group.protocol_name,
        leader=group.members.leader_id,
        current_state_timestamp=now_ms,
        members=tuple(
            SavedMember(
                member_id=member.member_id,
                group_instance_id=member.instance_id,
                client_id=member.said.client_id,
                client_host=member.said.client_host,
                rebalance_timeout=member.said.rebalance_timeout_ns // _NS_PER_MS,
                session_timeout=member.said.session_timeout_ns // _NS_PER_MS,
                subscription=member.metadata(group.protocol_name),
                assignment=member.assignment,
            )
            for member in group.members
        ),
    )


def restored_group(config: GroupConfig, value: GroupValue, now_ns: int) -> Group[CallT]:
    """The group, with fresh sessions. Of a member's protocols only the chosen one is known."""
    group: Group[CallT] = Group(config)
    group.generation = value.generation
    group.protocol_type = value.protocol_type
    group.protocol_name = value.protocol
    group.restore([_member(value, one) for one in value.members], value.leader, now_ns=now_ns)
    return group


def _member(value: GroupValue, saved: SavedMember) -> Member[CallT]:
    member: Member[CallT] = Member(
        saved.member_id,
        Joining(
            client_id=saved.client_id,
            client_host=saved.client_host,
            instance_id=saved.group_instance_id,
            session_timeout_ns=saved.session_timeout * _NS_PER_MS,
            rebalance_timeout_ns=saved.rebalance_timeout * _NS_PER_MS,
            protocol_type=value.protocol_type,
            protocols=(JoinGroupProtocol(name=value.protocol or "", metadata=saved.subscription),),
        ),
    )
    member.assignment = saved.assignment
    return member

"""One consumer group by the classic protocol: who is in, which generation, who is waited for. Pure.

Answers to requests that wait collect in `answered`. A change that has to outlive the broker sets
`needs_save`; whoever saved it says so by `saved`. The clock is an argument, in ns.
Source: Kafka's ClassicGroup and GroupMetadataManager; KIP-62, 134, 345, 394, 814.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Generic, TypeAlias

from iowitness.impl.group_config import GroupConfig
from iowitness.impl.group_members import NEW_MEMBER_JOIN_NS, CallT, Joining, Member, Members
from iowitness.impl.group_state import GroupState
from iowitness.impl.join_window import JoinWindow
from iowitness.impl.messages.groups import JoinGroupResponse, SyncGroupResponse
from iowitness.impl.wire_errors import ErrorCode

GroupAnswer: TypeAlias = JoinGroupResponse | SyncGroupResponse

_CAN_REBALANCE: Final = frozenset(
    {GroupState.EMPTY, GroupState.COMPLETING_REBALANCE, GroupState.STABLE}
)


def join_refusal(member_id: str, error: ErrorCode) -> JoinGroupResponse:
    """The answer to one that may not join."""
    return JoinGroupResponse(error_code=error, protocol_name="", member_id=member_id)


class Group(Generic[CallT]):
    """See the module. A member's session ends if nothing is heard of it until its timeout."""

    def __init__(self, config: GroupConfig) -> None:
        self._config = config
        self.state = GroupState.EMPTY
        self.generation = 0
        self.protocol_type = ""
        self.protocol_name: str | None = None
        self.members: Members[CallT] = Members()
        self.answered: list[tuple[CallT, GroupAnswer]] = []
        self.needs_save = False
        self._pending: dict[str, int] = {}
        self._handed_in: Mapping[str, bytes] | None = None
        self._window = JoinWindow(config.initial_rebalance_delay_ms * 1_000_000)
        self._sync_ends_ns: int | None = None
        self._unsynced: set[str] = set()

    @property
    def is_unused(self) -> bool:
        """Whether nobody is, was or is about to be a member."""
        return not (self.members or self._pending or self.generation) and (
            self.state is GroupState.EMPTY
        )

    # What clients ask

    def join(self, call: CallT, member_id: str, said: Joining, new_id: str, *, now_ns: int) -> None:
        """A member asks for the next generation; `new_id` is for one that has no id yet."""
        if not self._takes(said):
            self._refuse_join(call, member_id, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
        elif member_id:
            self._join_known(call, member_id, said, now_ns)
        else:
            self._join_unknown(call, said, new_id, now_ns)

    def sync(
        self,
        call: CallT,
        member: Member[CallT],
        assignments: Mapping[str, bytes],
        *,
        now_ns: int,
    ) -> None:
        """A member asks for its assignment; the leader hands in everybody's."""
        if self.state is GroupState.PREPARING_REBALANCE:
            self._answer_sync(call, ErrorCode.REBALANCE_IN_PROGRESS)
            return
        self._unsynced.discard(member.member_id)
        if self.state is GroupState.STABLE:
            self._extend(member, now_ns)
            self._answer_sync(call, ErrorCode.NONE, member.assignment)
            return
        if member.syncing is not None:  # a repetition: only the newest connection is still there
            self._answer_sync(member.syncing, ErrorCode.UNKNOWN_MEMBER_ID)
        member.syncing = call
        member.session_ends_ns = None
        if member.member_id == self.members.leader_id and self._handed_in is None:
            self._handed_in = dict(assignments)
            for other in self.members:
                other.assignment = self._handed_in.get(other.member_id, b"")
            self.needs_save = True

    def heartbeat(self, member: Member[CallT], *, now_ns: int) -> ErrorCode:
        """A member is alive; it hears if it has to join again."""
        if member.joining is None and member.syncing is None:
            self._extend(member, now_ns)
        if self.state is GroupState.PREPARING_REBALANCE:
            return ErrorCode.REBALANCE_IN_PROGRESS
        return ErrorCode.NONE

    def leave(self, member_id: str, instance_id: str | None, *, now_ns: int) -> ErrorCode:
        """A member goes; a static one may be named by its instance alone."""
        if instance_id is None and self._pending.pop(member_id, None) is not None:
            self._complete_join_if_all_came(now_ns)
            return ErrorCode.NONE
        found: str | None = member_id
        if instance_id is not None:
            found = self.members.id_of_instance(instance_id)
            if found is not None and member_id and found != member_id:
                return ErrorCode.FENCED_INSTANCE_ID
        member = self.members.get(found or "")
        if member is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        self._remove(member, now_ns)
        return ErrorCode.NONE

    def check_member(self, member_id: str, instance_id: str | None) -> ErrorCode:
        """Whether someone is the member it says it is."""
        if instance_id is not None:
            current = self.members.id_of_instance(instance_id)
            if current is None:
                return ErrorCode.UNKNOWN_MEMBER_ID
            return ErrorCode.NONE if current == member_id else ErrorCode.FENCED_INSTANCE_ID
        return ErrorCode.NONE if member_id in self.members else ErrorCode.UNKNOWN_MEMBER_ID

    def restore(
        self, members: Sequence[Member[CallT]], leader_id: str | None, *, now_ns: int
    ) -> None:
        """Members as they were saved, each with a fresh session; without any the group is empty."""
        for member in members:
            self.members.add(member)
            self._extend(member, now_ns)
        if leader_id in self.members:
            self.members.leader_id = leader_id
        self.state = GroupState.STABLE if members else GroupState.EMPTY

    def saved(self, error: ErrorCode, *, now_ns: int) -> None:
        """What was to be saved is, or could not be: then nobody gets an assignment."""
        self.needs_save = False
        if self._handed_in is None:
            return
        self._handed_in = None
        if error is not ErrorCode.NONE:
            self._fail_syncs(error, now_ns)
            self._prepare_rebalance(now_ns)
            return
        self.state = GroupState.STABLE
        for member in self.members:
            self._extend(member, now_ns)
            if member.syncing is not None:
                self._answer_sync(member.syncing, ErrorCode.NONE, member.assignment)
                member.syncing = None

    def next_deadline_ns(self) -> int | None:
        """When `tick` next has something to do; None if it never has."""
        deadlines = [
            deadline
            for deadline in (self._window.ends_ns, self._sync_ends_ns)
            if deadline is not None
        ]
        deadlines += self._pending.values()
        deadlines += [m.session_ends_ns for m in self.members if m.session_ends_ns is not None]
        return min(deadlines, default=None)

    def tick(self, *, now_ns: int) -> None:
        """What time makes due: sessions end, a rebalance goes on without those who did not come."""
        silent = [
            member
            for member in self.members
            if member.session_ends_ns is not None and member.session_ends_ns <= now_ns
        ]
        for member_id in [name for name, ends_ns in self._pending.items() if ends_ns <= now_ns]:
            del self._pending[member_id]
            self._complete_join_if_all_came(now_ns)
        for member in silent:
            # The removal of one may have ended a rebalance, which removes or extends others.
            ends_ns = member.session_ends_ns
            if member.member_id in self.members and ends_ns is not None and ends_ns <= now_ns:
                self._remove(member, now_ns)
        if self._window.is_over(now_ns):
            self._complete_join(now_ns)
        if self._sync_ends_ns is not None and self._sync_ends_ns <= now_ns:
            self._sync_ends_ns = None
            for member in [m for m in self.members if m.member_id in self._unsynced]:
                if member.member_id in self.members:
                    self._remove(member, now_ns)

    # Joining

    def _takes(self, said: Joining) -> bool:
        if not said.protocol_type or not said.protocols:
            return False
        if not self.members:
            return True
        return said.protocol_type == self.protocol_type and self.members.can_take(said)

    def _join_unknown(self, call: CallT, said: Joining, new_id: str, now_ns: int) -> None:
        if said.instance_id is not None:
            old_id = self.members.id_of_instance(said.instance_id)
            if old_id is not None:
                self._come_back(call, old_id, said, new_id, now_ns)
                return
        if len(self.members) + len(self._pending) >= self._config.most_member_count:
            self._refuse_join(call, "", ErrorCode.GROUP_MAX_SIZE_REACHED)
        elif said.instance_id is None and said.knows_ids_first:
            self._pending[new_id] = now_ns + said.session_timeout_ns
            self._refuse_join(call, new_id, ErrorCode.MEMBER_ID_REQUIRED)
        else:
            self._add(call, new_id, said, now_ns)

    def _join_known(self, call: CallT, member_id: str, said: Joining, now_ns: int) -> None:
        if said.instance_id is None and self._pending.pop(member_id, None) is not None:
            self._add(call, member_id, said, now_ns)
            return
        error = self.check_member(member_id, said.instance_id)
        member = self.members.get(member_id)
        if error is not ErrorCode.NONE or member is None:
            self._refuse_join(call, member_id, error)
            return
        has_same_protocols = member.said.protocols == said.protocols
        is_leader = member_id == self.members.leader_id
        # The same member with the same wishes lost its answer, or only asks where the group stands.
        if (self.state is GroupState.COMPLETING_REBALANCE and has_same_protocols) or (
            self.state is GroupState.STABLE and has_same_protocols and not is_leader
        ):
            self._extend(member, now_ns)
            self._answer_join(call, member, with_members=is_leader)
            return
        self._join_again(call, member, said, now_ns)

    def _add(self, call: CallT, member_id: str, said: Joining, now_ns: int) -> None:
        member: Member[CallT] = Member(member_id, said)
        member.is_new = True
        member.joining = call
        member.session_ends_ns = now_ns + NEW_MEMBER_JOIN_NS
        self.protocol_type = said.protocol_type
        self.members.add(member)
        self._window.somebody_came()
        self._rebalance(now_ns)

    def _join_again(self, call: CallT, member: Member[CallT], said: Joining, now_ns: int) -> None:
        if member.joining is not None:
            self._refuse_join(member.joining, member.member_id, ErrorCode.UNKNOWN_MEMBER_ID)
        self.members.hear(member, said)
        member.joining = call
        if not member.is_new:
            member.session_ends_ns = None
        self._rebalance(now_ns)

    def _come_back(self, call: CallT, old_id: str, said: Joining, new_id: str, now_ns: int) -> None:
        """A static member restarted: it keeps its assignment, and the group its generation."""
        old = self.members.get(old_id)
        assert old is not None
        old_leader_id = self.members.leader_id
        new = self.members.replace(old, new_id)
        if old.joining is not None:
            self._refuse_join(old.joining, old_id, ErrorCode.FENCED_INSTANCE_ID)
        if old.syncing is not None:
            self._answer_sync(old.syncing, ErrorCode.FENCED_INSTANCE_ID)
        if old_id in self._unsynced:
            self._unsynced.discard(old_id)
            self._unsynced.add(new_id)
        self.members.hear(new, said)
        if self.state is GroupState.STABLE and self.members.selected_protocol() == (
            self.protocol_name
        ):
            self.needs_save = True
            self._extend(new, now_ns)
            is_leader = new_id == self.members.leader_id
            if said.may_skip_assignment:
                self._answer_join(call, new, with_members=is_leader, skip_assignment=is_leader)
            else:
                # A stable group takes no new assignment: a leader that goes by another name
                # does not begin to make one.
                self._answer_join(call, new, leader_id=old_leader_id)
            return
        new.joining = call
        self._rebalance(now_ns)

    # Rebalancing

    def _rebalance(self, now_ns: int) -> None:
        if self.state in _CAN_REBALANCE:
            self._prepare_rebalance(now_ns)
        else:
            self._complete_join_if_all_came(now_ns)

    def _prepare_rebalance(self, now_ns: int) -> None:
        if self.state is GroupState.COMPLETING_REBALANCE:
            self._fail_syncs(ErrorCode.REBALANCE_IN_PROGRESS, now_ns)
        was_empty = self.state is GroupState.EMPTY
        self.state = GroupState.PREPARING_REBALANCE
        self._sync_ends_ns = None
        self._unsynced.clear()
        timeout_ns = self.members.rebalance_timeout_ns()
        if was_empty:
            self._window.open_initially(timeout_ns, now_ns)
            if self._window.is_over(now_ns):
                self._complete_join(now_ns)
        else:
            self._window.open(timeout_ns, now_ns)
            self._complete_join_if_all_came(now_ns)

    def _complete_join_if_all_came(self, now_ns: int) -> None:
        """An empty group waits for its whole initial delay, others only until everybody came."""
        if (
            self.state is GroupState.PREPARING_REBALANCE
            and not self._window.is_initial
            and not self._pending
            and self.members.have_all_joined
        ):
            self._complete_join(now_ns)

    def _complete_join(self, now_ns: int) -> None:
        for member in self.members:
            if member.joining is None and member.instance_id is None:
                self.members.remove(member)
        self.members.elect()
        if self.members and not any(member.joining is not None for member in self.members):
            # Only static members that are away: their sessions decide how long that goes on.
            self._window.open(max(self.members.rebalance_timeout_ns(), 1_000_000), now_ns)
            return
        self._window.close()
        self.generation += 1
        if not self.members:
            self.state = GroupState.EMPTY
            self.protocol_name = None
            self.needs_save = True
            return
        self.state = GroupState.COMPLETING_REBALANCE
        self.protocol_name = self.members.selected_protocol()
        self._sync_ends_ns = now_ns + self.members.rebalance_timeout_ns()
        self._unsynced = {member.member_id for member in self.members}
        for member in self.members:
            call, member.joining, member.is_new = member.joining, None, False
            self._extend(member, now_ns)
            if call is not None:
                is_leader = member.member_id == self.members.leader_id
                self._answer_join(call, member, with_members=is_leader)

    def _remove(self, member: Member[CallT], now_ns: int) -> None:
        if member.joining is not None:
            self._refuse_join(member.joining, member.member_id, ErrorCode.UNKNOWN_MEMBER_ID)
        if member.syncing is not None:
            self._answer_sync(member.syncing, ErrorCode.UNKNOWN_MEMBER_ID)
        member.joining = member.syncing = None
        self.members.remove(member)
        self._unsynced.discard(member.member_id)
        self._rebalance(now_ns)

    def _fail_syncs(self, error: ErrorCode, now_ns: int) -> None:
        self._handed_in = None
        self.needs_save = False
        for member in self.members:
            member.assignment = b""
            if member.syncing is not None:
                self._answer_sync(member.syncing, error)
                member.syncing = None
                self._extend(member, now_ns)

    def _extend(self, member: Member[CallT], now_ns: int) -> None:
        member.session_ends_ns = now_ns + member.said.session_timeout_ns

    # Answers

    def _answer_join(
        self,
        call: CallT,
        member: Member[CallT],
        *,
        with_members: bool = False,
        skip_assignment: bool = False,
        leader_id: str | None = None,
    ) -> None:
        members = self.members.told_to_leader(self.protocol_name) if with_members else ()
        answer = JoinGroupResponse(
            error_code=ErrorCode.NONE,
            generation_id=self.generation,
            protocol_type=self.protocol_type,
            protocol_name=self.protocol_name,
            leader=leader_id or self.members.leader_id or "",
            skip_assignment=skip_assignment,
            member_id=member.member_id,
            members=members,
        )
        self.answered.append((call, answer))

    def _refuse_join(self, call: CallT, member_id: str, error: ErrorCode) -> None:
        self.answered.append((call, join_refusal(member_id, error)))

    def _answer_sync(self, call: CallT, error: ErrorCode, assignment: bytes = b"") -> None:
        is_told = error is ErrorCode.NONE
        answer = SyncGroupResponse(
            error_code=error,
            protocol_type=self.protocol_type if is_told else None,
            protocol_name=self.protocol_name if is_told else None,
            assignment=assignment,
        )
        self.answered.append((call, answer))

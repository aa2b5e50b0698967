"""A consumer group under whatever members do and leave undone, drawn by hypothesis."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from iowitness.impl.group_config import GroupConfig
from iowitness.impl.group_members import NEW_MEMBER_JOIN_NS
from iowitness.impl.group_state import GroupState
from iowitness.impl.messages.groups import JoinGroupResponse, SyncGroupResponse
from iowitness.impl.wire_errors import ErrorCode
from tests.doubles.group_clients import MS, GroupUnderTest, said

LONGEST_REBALANCE_MS = 20_000
INITIAL_DELAY_MS = 3_000

timeouts_ms = st.sampled_from([6_000, 10_000, LONGEST_REBALANCE_MS])


class GroupMachine(RuleBasedStateMachine):
    """Clients join, sync, go silent, come back and leave; some are lost with their requests."""

    def __init__(self) -> None:
        super().__init__()
        config = GroupConfig(initial_rebalance_delay_ms=INITIAL_DELAY_MS, most_member_count=6)
        self.clients = GroupUnderTest(config)
        self.waiting_since_ms: dict[str, int] = {}
        self.generation = 0
        self.leaders: dict[int, str] = {}
        self.assigned: dict[int, dict[str, bytes]] = {}
        self.sync_generation: dict[str, int] = {}
        self.call_count = 0

    def new_call(self) -> str:
        self.call_count += 1
        call = f"call{self.call_count}"
        self.waiting_since_ms[call] = self.clients.now_ms
        return call

    def member_ids(self) -> list[str]:
        return [member.member_id for member in self.clients.group.members]

    @rule(
        session_ms=timeouts_ms,
        rebalance_ms=timeouts_ms,
        knows=st.booleans(),
        instance_id=st.sampled_from([None, None, "one", "two"]),
        protocols=st.sampled_from([("range",), ("range", "sticky"), ("sticky", "range")]),
    )
    def newcomer(
        self,
        session_ms: int,
        rebalance_ms: int,
        knows: bool,
        instance_id: str | None,
        protocols: tuple[str, ...],
    ) -> None:
        joining = said(
            *protocols,
            session_ms=session_ms,
            rebalance_ms=rebalance_ms,
            knows_ids_first=knows,
            instance_id=instance_id,
        )
        call = self.new_call()
        self.clients.join(call, joining=joining)
        answer = self.clients.answers.get(call)
        if isinstance(answer, JoinGroupResponse) and (
            answer.error_code == ErrorCode.MEMBER_ID_REQUIRED
        ):
            self.clients.join(self.new_call(), answer.member_id, joining)

    @precondition(lambda self: self.member_ids())
    @rule(data=st.data(), metadata=st.sampled_from([b"", b"", b"new wishes"]))
    def join_again(self, data: st.DataObject, metadata: bytes) -> None:
        self.join_as_before(data.draw(st.sampled_from(self.member_ids())), metadata)

    def join_as_before(self, member_id: str, metadata: bytes) -> None:
        member = self.clients.member(member_id)
        joining = said(
            instance_id=member.instance_id,
            session_ms=member.said.session_timeout_ns // MS,
            rebalance_ms=member.said.rebalance_timeout_ns // MS,
            metadata=metadata,
        )
        self.clients.join(self.new_call(), member.member_id, joining)

    @precondition(
        lambda self: self.member_ids() and self.clients.group.state is not GroupState.EMPTY
    )
    @rule(data=st.data())
    def sync(self, data: st.DataObject) -> None:
        self.sync_as(data.draw(st.sampled_from(self.member_ids())))

    @precondition(lambda self: self.member_ids())
    @rule(patient=st.booleans())
    def everybody_does_its_part(self, patient: bool) -> None:
        """All join again where they have to, and ask for what they are to do."""
        for member_id in self.member_ids():
            if self.clients.group.state is GroupState.PREPARING_REBALANCE and (
                self.clients.member(member_id).joining is None
            ):
                self.join_as_before(member_id, b"")
        if patient:
            self.clients.wait(INITIAL_DELAY_MS)
        if self.clients.group.state is GroupState.COMPLETING_REBALANCE:
            for member_id in self.member_ids():
                self.sync_as(member_id)

    def sync_as(self, member_id: str) -> None:
        group = self.clients.group
        assignments: dict[str, bytes] = {}
        if member_id == group.members.leader_id:
            assignments = {
                one: f"{one} in {group.generation}".encode() for one in self.member_ids()
            }
        call = self.new_call()
        self.sync_generation[call] = group.generation
        self.clients.sync(call, member_id, **assignments)

    @precondition(lambda self: self.member_ids())
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        member_id = data.draw(st.sampled_from(self.member_ids()))
        assert self.clients.leave(member_id) == ErrorCode.NONE

    @rule(ms=st.sampled_from([1, 500, 2_900, 5_900, 10_000, 20_000]), alive=st.booleans())
    def time_passes(self, ms: int, alive: bool) -> None:
        self.clients.wait(ms)
        if alive:
            for member_id in self.member_ids():
                self.clients.heartbeat(member_id)

    @rule(fails=st.booleans())
    def disk(self, fails: bool) -> None:
        self.clients.save_error = ErrorCode.COORDINATOR_NOT_AVAILABLE if fails else ErrorCode.NONE

    @invariant()
    def generations_only_rise(self) -> None:
        assert self.clients.group.generation >= self.generation
        self.generation = self.clients.group.generation

    @invariant()
    def a_generation_has_one_leader_and_all_are_told_the_same(self) -> None:
        for answer in self.clients.answers.values():
            if isinstance(answer, JoinGroupResponse) and answer.error_code == ErrorCode.NONE:
                if answer.members:
                    assert answer.leader == answer.member_id
                    known = self.leaders.setdefault(answer.generation_id, answer.leader)
                    # A static leader may come back under another id within its generation.
                    assert known == answer.leader or answer.skip_assignment
                assert answer.generation_id <= self.clients.group.generation

    @invariant()
    def an_assignment_is_of_the_generation_that_was_asked_for(self) -> None:
        for call, generation in self.sync_generation.items():
            answer = self.clients.answers.get(call)
            if isinstance(answer, SyncGroupResponse) and answer.assignment:
                assert answer.assignment.endswith(f" in {generation}".encode())

    @invariant()
    def nobody_waits_longer_than_the_longest_rebalance(self) -> None:
        for call, since_ms in self.waiting_since_ms.items():
            if call not in self.clients.answers:
                waited_ms = self.clients.now_ms - since_ms
                assert waited_ms <= LONGEST_REBALANCE_MS, f"{call} waits for {waited_ms} ms"

    @invariant()
    def the_state_fits_the_members(self) -> None:
        group = self.clients.group
        members = list(group.members)
        assert len(members) <= 6
        assert (group.members.leader_id in group.members) == bool(members)
        if group.state is GroupState.EMPTY:
            assert not members
        if group.state is GroupState.STABLE:
            assert members
            assert all(one.joining is None and one.syncing is None for one in members)
        if group.state is GroupState.COMPLETING_REBALANCE:
            assert all(one.joining is None for one in members)
        if group.state is not GroupState.PREPARING_REBALANCE and members:
            assert all(group.protocol_name in one.protocol_names for one in members)
            assert group.members.all_support(group.protocol_name or "")

    @invariant()
    def everybody_who_is_silent_goes_in_time(self) -> None:
        for member in self.clients.group.members:
            if member.joining is None and member.syncing is None:
                assert member.session_ends_ns is not None
                assert member.session_ends_ns > self.clients.now_ns - MS
            if member.session_ends_ns is not None:
                assert member.session_ends_ns <= self.clients.now_ns + NEW_MEMBER_JOIN_NS

    def teardown(self) -> None:
        """In the end everybody goes silent, and nothing is left but an empty group."""
        self.clients.save_error = ErrorCode.NONE
        self.clients.wait(400_000)
        assert not self.member_ids()
        assert set(self.waiting_since_ms) <= set(self.clients.answers)
        assert self.clients.group.next_deadline_ns() is None


TestGroupMachine = GroupMachine.TestCase
TestGroupMachine.settings = settings(stateful_step_count=40)

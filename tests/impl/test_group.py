"""One consumer group: who is in, which generation, who waits for whom, under a simulated clock."""

import msgspec
import pytest

from iowitness.impl.group_config import GroupConfig
from iowitness.impl.group_state import GroupState
from iowitness.impl.wire_errors import ErrorCode
from tests.doubles.group_clients import GroupUnderTest, said


def stable_pair() -> GroupUnderTest:
    """Members a (the leader) and b, generation 2, each with an assignment."""
    clients = GroupUnderTest()
    clients.join("a")
    clients.join("b")
    clients.join("a2", "a")
    clients.sync("sync-b", "b")
    clients.sync("sync-a", "a", a=b"for a", b=b"for b")
    assert clients.group.state is GroupState.STABLE
    return clients


def test_the_first_to_come_leads_and_is_told_of_all_members() -> None:
    clients = stable_pair()
    assert clients.joined("a").generation_id == 1
    leading, following = clients.joined("a2"), clients.joined("b")
    assert (leading.generation_id, leading.leader, leading.protocol_name) == (2, "a", "range")
    assert [member.member_id for member in leading.members] == ["a", "b"]
    assert (following.generation_id, following.leader, following.members) == (2, "a", ())


def test_everybody_gets_what_the_leader_handed_in() -> None:
    clients = stable_pair()
    assert clients.synced("sync-a").assignment == b"for a"
    assert clients.synced("sync-b").assignment == b"for b"
    clients.sync("again", "b")
    assert clients.synced("again").assignment == b"for b"


def test_members_that_start_together_share_the_first_generation() -> None:
    clients = GroupUnderTest(GroupConfig(initial_rebalance_delay_ms=3_000))
    clients.join("a")
    clients.wait(2_900)
    clients.join("b")
    clients.wait(2_900)
    assert not clients.answers
    clients.wait(200)
    assert clients.joined("a").generation_id == clients.joined("b").generation_id == 1


def test_newcomers_put_the_first_generation_off_until_the_rebalance_timeout() -> None:
    clients = GroupUnderTest(GroupConfig(initial_rebalance_delay_ms=3_000))
    clients.join("a", joining=said(rebalance_ms=7_000))
    for number in range(6):
        clients.wait(1_100)
        clients.join(f"late{number}", joining=said(rebalance_ms=7_000))
    assert not clients.answers
    clients.wait(7_000 - 6 * 1_100)
    assert clients.joined("a").generation_id == 1
    assert len(clients.group.members) == 7


def test_a_newcomer_is_told_its_id_first_and_comes_again_with_it() -> None:
    clients = GroupUnderTest()
    clients.join("new", joining=said(knows_ids_first=True))
    told = clients.joined("new")
    assert (told.error_code, told.member_id) == (ErrorCode.MEMBER_ID_REQUIRED, "new")
    assert not clients.group.members
    clients.join("again", "new")
    assert clients.joined("again").generation_id == 1


def test_an_id_that_nobody_comes_back_with_is_forgotten() -> None:
    clients = GroupUnderTest()
    clients.join("new", joining=said(knows_ids_first=True, session_ms=10_000))
    clients.wait(10_000)
    assert clients.group.is_unused
    clients.join("again", "new")
    assert clients.joined("again").error_code == ErrorCode.UNKNOWN_MEMBER_ID


def test_a_rebalance_waits_for_an_id_that_was_given_out() -> None:
    clients = stable_pair()
    clients.join("c", joining=said(knows_ids_first=True))
    clients.leave("b")
    clients.join("a3", "a")
    assert "a3" not in clients.answers
    clients.join("c2", "c")
    assert clients.joined("a3").generation_id == clients.joined("c2").generation_id == 3


def test_the_protocol_with_most_votes_among_those_that_all_have_is_chosen() -> None:
    clients = GroupUnderTest(GroupConfig(initial_rebalance_delay_ms=1_000))
    clients.join("a", joining=said("range", "sticky", "odd"))
    clients.join("b", joining=said("sticky", "range"))
    clients.join("c", joining=said("sticky", "range"))
    clients.wait(5_000)
    assert {clients.joined(call).protocol_name for call in "abc"} == {"sticky"}


def test_one_without_a_common_protocol_or_of_another_type_is_refused() -> None:
    clients = stable_pair()
    clients.join("other", joining=said("roundrobin"))
    clients.join("connect", joining=msgspec.structs.replace(said(), protocol_type="connect"))
    clients.join("none", joining=msgspec.structs.replace(said(), protocols=()))
    refused = [clients.joined(call).error_code for call in ("other", "connect", "none")]
    assert refused == [ErrorCode.INCONSISTENT_GROUP_PROTOCOL] * 3


def test_members_hear_of_a_rebalance_by_heartbeat_and_join_again() -> None:
    clients = stable_pair()
    assert clients.heartbeat("b") == ErrorCode.NONE
    clients.join("c")
    assert clients.heartbeat("b") == ErrorCode.REBALANCE_IN_PROGRESS
    clients.sync("too-late", "b")
    assert clients.synced("too-late").error_code == ErrorCode.REBALANCE_IN_PROGRESS
    clients.join("a3", "a")
    assert "c" not in clients.answers
    clients.join("b3", "b")
    assert {clients.joined(call).generation_id for call in ("a3", "b3", "c")} == {3}


def test_a_rebalance_goes_on_without_those_who_do_not_come_in_time() -> None:
    clients = stable_pair()
    clients.join("c")
    clients.wait(9_000)
    assert clients.heartbeat("b") == ErrorCode.REBALANCE_IN_PROGRESS  # alive, but busy
    clients.join("a3", "a")
    clients.wait(9_000)
    clients.heartbeat("b")
    clients.wait(2_000)
    assert clients.joined("a3").generation_id == 3
    assert [member.member_id for member in clients.joined("a3").members] == ["a", "c"]
    assert "b" not in clients.group.members


def test_a_silent_member_goes_when_its_session_ends() -> None:
    clients = stable_pair()
    clients.wait(6_000)
    clients.heartbeat("a")
    clients.wait(4_000)
    assert "b" not in clients.group.members
    assert clients.heartbeat("a") == ErrorCode.REBALANCE_IN_PROGRESS


def test_all_sessions_may_end_at_once() -> None:
    clients = stable_pair()
    clients.wait(10_000)
    assert clients.group.state is GroupState.EMPTY
    assert clients.group.generation == 3
    assert clients.group.next_deadline_ns() is None


def test_leaving_at_once_starts_the_next_generation_for_the_others() -> None:
    clients = stable_pair()
    assert clients.leave("a") == ErrorCode.NONE
    assert clients.leave("a") == ErrorCode.UNKNOWN_MEMBER_ID
    clients.join("b3", "b")
    assert clients.joined("b3").leader == "b"
    assert clients.joined("b3").generation_id == 3
    assert clients.leave("b") == ErrorCode.NONE
    assert clients.group.state is GroupState.EMPTY


def test_another_leads_where_the_leader_does_not_come_back() -> None:
    clients = stable_pair()
    clients.join("b3", "b", said(metadata=b"more topics"))
    clients.wait(20_000)
    assert clients.joined("b3").leader == "b"


def test_an_unchanged_member_that_joins_again_learns_where_the_group_stands() -> None:
    clients = stable_pair()
    clients.join("b3", "b")
    assert clients.joined("b3").generation_id == 2
    assert clients.group.state is GroupState.STABLE
    clients.join("a3", "a")
    assert clients.group.state is GroupState.PREPARING_REBALANCE  # the leader asks for a new one


def test_a_member_with_new_wishes_starts_a_rebalance() -> None:
    clients = stable_pair()
    clients.join("b3", "b", said(metadata=b"more topics"))
    clients.join("a3", "a")
    assert clients.joined("a3").members[1].metadata == b"more topics"


def test_those_who_wait_for_a_leader_that_never_hands_in_are_sent_to_join_again() -> None:
    clients = GroupUnderTest()
    clients.join("a")
    clients.join("b")
    clients.join("a2", "a")
    clients.sync("sync-b", "b")
    for _ in range(4):
        clients.wait(4_999)
        clients.heartbeat("a")
    assert "sync-b" not in clients.answers
    clients.wait(4)
    assert clients.synced("sync-b").error_code == ErrorCode.REBALANCE_IN_PROGRESS
    assert [member.member_id for member in clients.group.members] == ["b"]


def test_one_that_joined_and_never_asks_for_its_assignment_goes() -> None:
    clients = GroupUnderTest()
    clients.join("a")
    clients.join("b")
    clients.join("a2", "a")
    clients.sync("sync-a", "a", a=b"all")
    assert clients.group.state is GroupState.STABLE
    for _ in range(5):
        clients.wait(4_000)
        for member_id in ("a", "b"):
            if member_id in clients.group.members:
                clients.heartbeat(member_id)
    assert [member.member_id for member in clients.group.members] == ["a"]


def test_a_rebalance_while_assignments_are_awaited_sends_everybody_back() -> None:
    clients = GroupUnderTest()
    clients.join("a")
    clients.join("b")
    clients.join("a2", "a")
    clients.sync("sync-b", "b")
    clients.join("c")
    assert clients.synced("sync-b").error_code == ErrorCode.REBALANCE_IN_PROGRESS


def test_nobody_gets_an_assignment_that_could_not_be_saved() -> None:
    clients = GroupUnderTest()
    clients.save_error = ErrorCode.COORDINATOR_NOT_AVAILABLE
    clients.join("a")
    clients.sync("sync-a", "a", a=b"all")
    assert clients.synced("sync-a").error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert clients.group.state is GroupState.PREPARING_REBALANCE
    clients.save_error = ErrorCode.NONE
    clients.join("a2", "a")
    clients.sync("sync-a2", "a", a=b"all")
    assert clients.synced("sync-a2").assignment == b"all"


def test_a_group_takes_only_so_many_members() -> None:
    clients = GroupUnderTest(GroupConfig(initial_rebalance_delay_ms=0, most_member_count=2))
    clients.join("a")
    clients.join("b")
    clients.join("c")
    assert clients.joined("c").error_code == ErrorCode.GROUP_MAX_SIZE_REACHED


class TestStaticMembers:
    """KIP-345: one that is known by its instance may come and go without a rebalance."""

    def stable(self, *protocols: str) -> GroupUnderTest:
        clients = GroupUnderTest()
        clients.join("a", joining=said(*protocols, instance_id="one"))
        clients.join("b", joining=said(*protocols, instance_id="two"))
        clients.join("a2", "a", said(*protocols, instance_id="one"))
        clients.sync("sync-b", "b")
        clients.sync("sync-a", "a", a=b"for one", b=b"for two")
        return clients

    def test_one_that_comes_back_keeps_its_assignment_and_the_generation(self) -> None:
        clients = self.stable()
        clients.join("b2", joining=said(instance_id="two"))
        back = clients.joined("b2")
        assert (back.generation_id, back.member_id, back.leader) == (2, "b2", "a")
        clients.sync("sync-b2", "b2")
        assert clients.synced("sync-b2").assignment == b"for two"
        assert clients.group.state is GroupState.STABLE

    def test_its_old_self_is_fenced(self) -> None:
        clients = self.stable()
        clients.join("b2", joining=said(instance_id="two"))
        assert clients.group.check_member("b", "two") == ErrorCode.FENCED_INSTANCE_ID
        assert clients.leave("b", "two") == ErrorCode.FENCED_INSTANCE_ID
        clients.join("b3", "b", said(instance_id="two"))
        assert clients.joined("b3").error_code == ErrorCode.FENCED_INSTANCE_ID

    @pytest.mark.parametrize("may_skip", [True, False])
    def test_a_leader_that_comes_back_makes_no_new_assignment(self, may_skip: bool) -> None:
        clients = self.stable()
        clients.join("new", joining=said(instance_id="one", may_skip_assignment=may_skip))
        back = clients.joined("new")
        assert back.skip_assignment is may_skip
        assert back.leader == ("new" if may_skip else "a")
        assert len(back.members) == (2 if may_skip else 0)

    def test_it_may_be_away_for_a_session_but_not_longer(self) -> None:
        clients = self.stable()
        clients.wait(9_000)
        clients.heartbeat("a")
        assert len(clients.group.members) == 2
        clients.wait(1_000)
        assert len(clients.group.members) == 1

    def test_it_is_waited_for_without_being_dropped_from_a_generation(self) -> None:
        clients = self.stable()
        clients.join("c")
        clients.join("a3", "a", said(instance_id="one"))
        clients.wait(9_999)
        assert "a3" not in clients.answers
        clients.wait(10_001)
        assert clients.joined("a3").generation_id == 3

    def test_an_administrator_may_remove_it_by_its_instance_alone(self) -> None:
        clients = self.stable()
        assert clients.leave("", "two") == ErrorCode.NONE
        assert clients.leave("", "two") == ErrorCode.UNKNOWN_MEMBER_ID
        assert clients.group.state is GroupState.PREPARING_REBALANCE

    def test_one_that_comes_back_while_its_old_self_waits_ends_that_wait(self) -> None:
        clients = self.stable()
        clients.join("b2", "b", said(instance_id="two", metadata=b"more"))
        clients.join("b3", joining=said(instance_id="two"))
        assert clients.joined("b2").error_code == ErrorCode.FENCED_INSTANCE_ID
        clients.join("a3", "a", said(instance_id="one"))
        assert clients.joined("b3").generation_id == clients.joined("a3").generation_id == 3

    def test_one_that_comes_back_with_another_protocol_starts_a_rebalance(self) -> None:
        clients = self.stable("range", "sticky")
        clients.join("b2", joining=said("sticky", instance_id="two"))
        assert clients.group.state is GroupState.PREPARING_REBALANCE
        clients.join("a3", "a", said("range", "sticky", instance_id="one"))
        assert clients.joined("b2").protocol_name == "sticky"

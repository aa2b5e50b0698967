"""One consumer group under a simulated clock, asked as clients ask it."""

from dataclasses import dataclass, field

from iowitness.impl.group import Group, GroupAnswer
from iowitness.impl.group_config import GroupConfig
from iowitness.impl.group_members import Joining, Member
from iowitness.impl.messages.groups import (
    JoinGroupProtocol,
    JoinGroupResponse,
    SyncGroupResponse,
)
from iowitness.impl.wire_errors import ErrorCode

MS = 1_000_000
AT_ONCE = GroupConfig(initial_rebalance_delay_ms=0)


def said(
    *protocols: str,
    instance_id: str | None = None,
    session_ms: int = 10_000,
    rebalance_ms: int = 20_000,
    metadata: bytes = b"",
    may_skip_assignment: bool = True,
    knows_ids_first: bool = False,
) -> Joining:
    return Joining(
        client_id="client",
        client_host="/127.0.0.1",
        instance_id=instance_id,
        session_timeout_ns=session_ms * MS,
        rebalance_timeout_ns=rebalance_ms * MS,
        protocol_type="consumer",
        protocols=tuple(
            JoinGroupProtocol(name=name, metadata=metadata) for name in protocols or ("range",)
        ),
        knows_ids_first=knows_ids_first,
        may_skip_assignment=may_skip_assignment,
    )


@dataclass
class GroupUnderTest:
    """The group, its clock in ms, and every answer by the name of the call."""

    config: GroupConfig = AT_ONCE
    now_ms: int = 0
    answers: dict[str, GroupAnswer] = field(default_factory=dict)
    save_error: ErrorCode = ErrorCode.NONE
    save_count: int = 0

    def __post_init__(self) -> None:
        self.group: Group[str] = Group(self.config)

    @property
    def now_ns(self) -> int:
        return self.now_ms * MS

    def join(self, call: str, member_id: str = "", joining: Joining | None = None) -> None:
        """Ask to join; a newcomer's id is its call's name."""
        self.group.join(call, member_id, joining or said(), call, now_ns=self.now_ns)
        self.settle()

    def sync(self, call: str, member_id: str, **assignments: bytes) -> None:
        self.group.sync(call, self.member(member_id), assignments, now_ns=self.now_ns)
        self.settle()

    def leave(self, member_id: str, instance_id: str | None = None) -> ErrorCode:
        error = self.group.leave(member_id, instance_id, now_ns=self.now_ns)
        self.settle()
        return error

    def heartbeat(self, member_id: str) -> ErrorCode:
        return self.group.heartbeat(self.member(member_id), now_ns=self.now_ns)

    def wait(self, ms: int) -> None:
        """Let time pass, with a tick whenever one is due."""
        until_ns = self.now_ns + ms * MS
        while (due_ns := self.group.next_deadline_ns()) is not None and due_ns <= until_ns:
            self.now_ms = max(self.now_ms, -(-due_ns // MS))
            self.group.tick(now_ns=self.now_ns)
            self.settle()
        self.now_ms = until_ns // MS

    def settle(self) -> None:
        while self.group.needs_save:
            self.save_count += 1
            self.group.saved(self.save_error, now_ns=self.now_ns)
        for call, answer in self.group.answered:
            assert call not in self.answers, f"{call} is answered twice"
            self.answers[call] = answer
        self.group.answered.clear()

    def member(self, member_id: str) -> Member[str]:
        member = self.group.members.get(member_id)
        assert member is not None
        return member

    def joined(self, call: str) -> JoinGroupResponse:
        answer = self.answers[call]
        assert isinstance(answer, JoinGroupResponse)
        return answer

    def synced(self, call: str) -> SyncGroupResponse:
        answer = self.answers[call]
        assert isinstance(answer, SyncGroupResponse)
        return answer

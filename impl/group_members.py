"""The members of one consumer group, and what they agree upon. Pure.

`CallT` is whatever stands for a request that waits for its answer.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from msgspec import Struct

from iowitness.impl.messages.groups import JoinGroupMember, JoinGroupProtocol

CallT = TypeVar("CallT")

NEW_MEMBER_JOIN_NS: Final = 300_000_000_000
"""How long a member that joins for the first time may wait: its client cannot tell us if it died,
so retries would pile up. Source: NewMemberJoinTimeoutMs."""


class Joining(Struct, frozen=True, kw_only=True):
    """What a client says of itself when it joins. Times in ns; `protocols` by preference.

    `knows_ids_first` says that it can be told its id and asked to come again with it (KIP-394),
    `may_skip_assignment` that it understands a leader's place without a leader's work (KIP-814).
    """

    client_id: str
    client_host: str
    instance_id: str | None
    session_timeout_ns: int
    rebalance_timeout_ns: int
    protocol_type: str
    protocols: tuple[JoinGroupProtocol, ...]
    knows_ids_first: bool = True
    may_skip_assignment: bool = True


class Member(Generic[CallT]):
    """One member. `joining` and `syncing` are its requests that wait.

    `session_ends_ns` is None while one of them does: who waits for us need not say it is alive.
    """

    __slots__ = (
        "assignment",
        "instance_id",
        "is_new",
        "joining",
        "member_id",
        "said",
        "session_ends_ns",
        "syncing",
    )

    def __init__(self, member_id: str, said: Joining) -> None:
        self.member_id = member_id
        self.instance_id = said.instance_id
        self.said = said
        self.assignment = b""
        self.joining: CallT | None = None
        self.syncing: CallT | None = None
        self.is_new = False
        self.session_ends_ns: int | None = None

    def metadata(self, protocol_name: str | None) -> bytes:
        """What it said about one protocol; empty for one that it does not support."""
        for protocol in self.said.protocols:
            if protocol.name == protocol_name:
                return protocol.metadata
        return b""

    @property
    def protocol_names(self) -> frozenset[str]:
        """The protocols that it supports."""
        return frozenset(protocol.name for protocol in self.said.protocols)


class Members(Generic[CallT]):
    """All members, in the order in which they came. The first one leads, until it goes."""

    def __init__(self) -> None:
        self._by_id: dict[str, Member[CallT]] = {}
        self._static: dict[str, str] = {}
        self._support: Counter[str] = Counter()
        self.leader_id: str | None = None

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Member[CallT]]:
        return iter(tuple(self._by_id.values()))

    def __contains__(self, member_id: object) -> bool:
        return member_id in self._by_id

    def get(self, member_id: str) -> Member[CallT] | None:
        """The member of that id."""
        return self._by_id.get(member_id)

    def id_of_instance(self, instance_id: str) -> str | None:
        """The id that a static member has at present (KIP-345)."""
        return self._static.get(instance_id)

    def add(self, member: Member[CallT]) -> None:
        """A member of a new id."""
        assert member.member_id not in self._by_id
        self._by_id[member.member_id] = member
        self._support.update(member.protocol_names)
        if member.instance_id is not None:
            self._static[member.instance_id] = member.member_id
        if self.leader_id is None:
            self.leader_id = member.member_id

    def remove(self, member: Member[CallT]) -> None:
        """Forget a member; another one leads if it did."""
        del self._by_id[member.member_id]
        self._take_back_support(member)
        if member.instance_id is not None:
            del self._static[member.instance_id]
        if self.leader_id == member.member_id:
            self.leader_id = next(iter(self._by_id), None)

    def hear(self, member: Member[CallT], said: Joining) -> None:
        """A member says something else of itself."""
        self._take_back_support(member)
        member.said = said
        self._support.update(member.protocol_names)

    def _take_back_support(self, member: Member[CallT]) -> None:
        for name in member.protocol_names:
            self._support[name] -= 1
            if not self._support[name]:
                del self._support[name]

    def replace(self, old: Member[CallT], new_id: str) -> Member[CallT]:
        """A static member that came back under another id, in the old one's place."""
        assert old.instance_id is not None
        new: Member[CallT] = Member(new_id, old.said)
        new.assignment = old.assignment
        self._by_id = {
            new.member_id if member_id == old.member_id else member_id: (
                new if member is old else member
            )
            for member_id, member in self._by_id.items()
        }
        self._static[old.instance_id] = new_id
        if self.leader_id == old.member_id:
            self.leader_id = new_id
        return new

    def elect(self) -> None:
        """If the leader did not join again, one of those who did leads."""
        leader = self._by_id.get(self.leader_id or "")
        if leader is None or leader.joining is None:
            for member in self._by_id.values():
                if member.joining is not None:
                    self.leader_id = member.member_id
                    return

    @property
    def have_all_joined(self) -> bool:
        """Whether a join request of every member waits."""
        return all(member.joining is not None for member in self._by_id.values())

    def rebalance_timeout_ns(self) -> int:
        """The longest that any member needs to join again; 0 without members."""
        return max((m.said.rebalance_timeout_ns for m in self._by_id.values()), default=0)

    def can_take(self, said: Joining) -> bool:
        """Whether one of the newcomer's protocols is supported by every member."""
        return any(self.all_support(protocol.name) for protocol in said.protocols)

    def all_support(self, protocol_name: str) -> bool:
        """Whether every member has this protocol."""
        return self._support[protocol_name] == len(self._by_id)

    def selected_protocol(self) -> str:
        """The protocol with most votes: each member votes for the first of its own that all have.

        Among equals the one that the earliest member likes best. Source: Kafka's selectProtocol.
        """
        votes: Counter[str] = Counter()
        for member in self._by_id.values():
            names = (protocol.name for protocol in member.said.protocols)
            votes[next(filter(self.all_support, names))] += 1
        return votes.most_common(1)[0][0]

    def told_to_leader(self, protocol_name: str | None) -> tuple[JoinGroupMember, ...]:
        """What the leader needs to hand out partitions."""
        return tuple(
            JoinGroupMember(
                member_id=member.member_id,
                group_instance_id=member.instance_id,
                metadata=member.metadata(protocol_name),
            )
            for member in self._by_id.values()
        )

"""All consumer groups of the broker: looked up, saved, loaded, and woken when their time comes.

`CallT` stands for a request whose answer comes later; answers collect in `finished`. The monotonic
clock in ns runs the groups, the wall clock in ms goes into what is saved.
"""

import heapq
import uuid
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Generic

from iowitness.impl.group import Group, GroupAnswer, join_refusal
from iowitness.impl.group_config import GroupConfig
from iowitness.impl.group_journal import GroupJournal, SavedRecord
from iowitness.impl.group_members import CallT, Joining
from iowitness.impl.group_offsets import GroupOffsets
from iowitness.impl.group_records import GroupKey, GroupValue, OffsetKey, OffsetValue
from iowitness.impl.group_state import GroupState
from iowitness.impl.messages.groups import SyncGroupRequest, SyncGroupResponse
from iowitness.impl.saved_groups import restored_group, saved_value
from iowitness.impl.wire_errors import ErrorCode


class GroupCoordinator(Generic[CallT]):
    """See the module."""

    def __init__(
        self,
        config: GroupConfig,
        journal: GroupJournal,
        wall_ms: Callable[[], int],
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self.offsets = GroupOffsets(journal, wall_ms)
        self.finished: list[tuple[CallT, GroupAnswer]] = []
        self._config = config
        self._journal = journal
        self._wall_ms = wall_ms
        self._new_id = new_id
        self._groups: dict[str, Group[CallT]] = {}
        self._saved: dict[str, GroupValue] = {}
        self._alarms: list[tuple[int, str]] = []
        self._alarm_of: dict[str, int] = {}
        self._next_check_ns: int | None = None

    def load(self, *, now_ns: int) -> None:
        """What was saved, after a start: members get a fresh session."""
        for key, value in self._journal.load():
            if isinstance(key, OffsetKey):
                assert not isinstance(value, GroupValue)
                self.offsets.committed.put(key, value)
            elif isinstance(value, GroupValue):
                self._saved[key.group] = value
            else:
                self._saved.pop(key.group, None)
        for name, value in self._saved.items():
            group = self._groups[name] = restored_group(self._config, value, now_ns)
            self._set_alarm(name, group)
        if self._has_something:
            self._check_later(now_ns)

    def is_available(self) -> bool:
        """Whether groups can be kept at all; makes room for them if need be."""
        return self._journal.is_ready(now_ms=self._wall_ms())

    @property
    def groups(self) -> Mapping[str, Group[CallT]]:
        """The groups that have members or had some."""
        return self._groups

    def join(self, call: CallT, name: str, member_id: str, said: Joining, *, now_ns: int) -> None:
        """A member asks for the next generation of a group, which is made if need be."""
        group = self._groups.get(name)
        error = self._join_error(name, member_id, said, group)
        if error is not ErrorCode.NONE:
            self.finished.append((call, join_refusal(member_id, error)))
            return
        if group is None:
            group = self._groups[name] = Group(self._config)
            self._check_later(now_ns)
        prefix = said.client_id if said.instance_id is None else said.instance_id
        group.join(call, member_id, said, f"{prefix}-{self._new_id()}", now_ns=now_ns)
        self._settle(name, group, now_ns)

    def sync(self, call: CallT, request: SyncGroupRequest, *, now_ns: int) -> None:
        """A member asks for its assignment."""
        group = self._groups.get(request.group_id)
        error = self._sync_error(group, request)
        if group is None or error is not ErrorCode.NONE:
            self.finished.append((call, SyncGroupResponse(error_code=error)))
            return
        member = group.members.get(request.member_id)
        assert member is not None
        assignments = {one.member_id: one.assignment for one in request.assignments}
        group.sync(call, member, assignments, now_ns=now_ns)
        self._settle(request.group_id, group, now_ns)

    def heartbeat(
        self, name: str, member_id: str, instance_id: str | None, generation: int, *, now_ns: int
    ) -> ErrorCode:
        """A member is alive; whether its generation still stands."""
        group = self._groups.get(name)
        error = _member_error(group, member_id, instance_id, generation)
        member = None if group is None else group.members.get(member_id)
        if group is None or member is None or error is not ErrorCode.NONE:
            return error
        return group.heartbeat(member, now_ns=now_ns)

    def leave(
        self, name: str, member_id: str, instance_id: str | None, *, now_ns: int
    ) -> ErrorCode:
        """A member goes."""
        group = self._groups.get(name)
        if group is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        error = group.leave(member_id, instance_id, now_ns=now_ns)
        self._settle(name, group, now_ns)
        return error

    def commit_error(
        self, name: str, member_id: str, instance_id: str | None, generation: int, *, now_ns: int
    ) -> ErrorCode:
        """Whether someone may commit offsets for a group at present.

        One that is no member may while the group has none. Source: validateOffsetCommit.
        """
        group = self._groups.get(name)
        if group is None:
            if generation >= 0:
                return ErrorCode.ILLEGAL_GENERATION
            is_full = self._is_full(name)
            return ErrorCode.COORDINATOR_NOT_AVAILABLE if is_full else ErrorCode.NONE
        if generation < 0 and group.state is GroupState.EMPTY:
            return ErrorCode.NONE
        error = group.check_member(member_id, instance_id)
        member = group.members.get(member_id)
        if error is not ErrorCode.NONE or member is None:
            return error
        if generation != group.generation:
            return ErrorCode.ILLEGAL_GENERATION
        if group.state is GroupState.COMPLETING_REBALANCE:
            return ErrorCode.REBALANCE_IN_PROGRESS
        group.heartbeat(member, now_ns=now_ns)
        return ErrorCode.NONE

    def commit(
        self, name: str, values: Mapping[OffsetKey, OffsetValue], *, now_ns: int
    ) -> ErrorCode:
        """Save offsets of one group; all of them or none."""
        error = self.offsets.commit(name, values)
        self._check_later(now_ns)
        self._compact()
        return error

    def forget_topic(self, topic: str) -> None:
        """A topic is gone: so are the offsets committed for it."""
        self.offsets.forget(self.offsets.committed.of_topic(topic))

    def forget_topics_except(self, present: Container[str]) -> None:
        """After a start: a stop may have come between a topic's removal and that of its offsets."""
        for topic in self.offsets.committed.topics():
            if topic not in present:
                self.forget_topic(topic)

    def delete(self, name: str) -> ErrorCode:
        """A group goes with its offsets, if it has no members."""
        group = self._groups.get(name)
        if group is None and name not in self.offsets.committed.groups():
            return ErrorCode.GROUP_ID_NOT_FOUND
        if group is not None and group.state is not GroupState.EMPTY:
            return ErrorCode.NON_EMPTY_GROUP
        return self._remove_group(name)

    def next_deadline_ns(self) -> int | None:
        """When `tick` next has something to do; it may come too early, never too late."""
        first = self._alarms[0][0] if self._alarms else None
        check = self._next_check_ns
        if first is None or check is None:
            return first if check is None else check
        return min(first, check)

    def tick(self, *, now_ns: int) -> None:
        """What time makes due in any group."""
        while self._alarms and self._alarms[0][0] <= now_ns:
            alarm_ns, name = heapq.heappop(self._alarms)
            if self._alarm_of.get(name) == alarm_ns:
                del self._alarm_of[name]
                group = self._groups[name]
                group.tick(now_ns=now_ns)
                self._settle(name, group, now_ns)
        if self._next_check_ns is not None and self._next_check_ns <= now_ns:
            self._next_check_ns = None
            self._expire_offsets()
            if self._has_something:
                self._check_later(now_ns)

    @property
    def _has_something(self) -> bool:
        return bool(self._groups) or len(self.offsets.committed) > 0

    def _join_error(
        self, name: str, member_id: str, said: Joining, group: Group[CallT] | None
    ) -> ErrorCode:
        timeout_ms = said.session_timeout_ns // 1_000_000
        least_ms = self._config.least_session_timeout_ms
        if not name:
            return ErrorCode.INVALID_GROUP_ID
        if not least_ms <= timeout_ms <= self._config.most_session_timeout_ms:
            return ErrorCode.INVALID_SESSION_TIMEOUT
        if group is None and member_id:
            return ErrorCode.UNKNOWN_MEMBER_ID
        if group is None and (self._is_full(name) or not self.is_available()):
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        return ErrorCode.NONE

    def _is_full(self, name: str) -> bool:
        """Whether a group would be one too many."""
        known = self.offsets.committed.groups()
        return name not in known and len(known | self._groups.keys()) >= (
            self._config.most_group_count
        )

    def _sync_error(self, group: Group[CallT] | None, request: SyncGroupRequest) -> ErrorCode:
        if not request.group_id:
            return ErrorCode.INVALID_GROUP_ID
        error = _member_error(
            group, request.member_id, request.group_instance_id, request.generation_id
        )
        if group is None or error is not ErrorCode.NONE:
            return error
        is_other_type = request.protocol_type not in {None, group.protocol_type}
        is_other_name = request.protocol_name not in {None, group.protocol_name}
        if is_other_type or is_other_name:
            return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
        return ErrorCode.NONE

    def _settle(self, name: str, group: Group[CallT], now_ns: int) -> None:
        """After any change of a group: save it, hand its answers on, set its alarm."""
        while group.needs_save:
            now_ms = self._wall_ms()
            value = saved_value(group, now_ms)
            error = self._journal.write(name, [(GroupKey(group=name), value)], now_ms=now_ms)
            if error is ErrorCode.NONE:
                self._saved[name] = value
            group.saved(error, now_ns=now_ns)
        self.finished += group.answered
        group.answered.clear()
        if group.is_unused:
            self._drop(name)
        else:
            self._set_alarm(name, group)
        self._compact()

    def _set_alarm(self, name: str, group: Group[CallT]) -> None:
        """One alarm a group counts, the earliest; extended sessions make it come early."""
        deadline_ns = group.next_deadline_ns()
        if deadline_ns is not None and deadline_ns < self._alarm_of.get(name, deadline_ns + 1):
            self._alarm_of[name] = deadline_ns
            heapq.heappush(self._alarms, (deadline_ns, name))

    def _drop(self, name: str) -> None:
        self._groups.pop(name, None)
        self._alarm_of.pop(name, None)
        self._saved.pop(name, None)

    def _check_later(self, now_ns: int) -> None:
        if self._next_check_ns is None:
            self._next_check_ns = now_ns + self._config.offset_check_interval_ms * 1_000_000

    def _expire_offsets(self) -> None:
        """Offsets of groups without members that are too old go, and groups that have none left."""
        before_ms = self._wall_ms() - self._config.offset_retention_ms
        for name in self.offsets.committed.groups() | self._groups.keys():
            group = self._groups.get(name)
            if group is not None and group.state is not GroupState.EMPTY:
                continue
            saved = self._saved.get(name)
            since_ms = None if saved is None else saved.current_state_timestamp
            self.offsets.expire(name, before_ms, since_ms)
            if group is not None and not self.offsets.committed.of(name):
                self._remove_group(name)

    def _remove_group(self, name: str) -> ErrorCode:
        error = self.offsets.forget_group(name)
        if error is ErrorCode.NONE and name in self._saved:
            removal = (GroupKey(group=name), None)
            error = self._journal.write(name, [removal], now_ms=self._wall_ms())
        if error is ErrorCode.NONE:
            self._drop(name)
        return error

    def _compact(self) -> None:
        for number in self._journal.outgrown:
            self._journal.rewrite(number, self._everything(), now_ms=self._wall_ms())

    def _everything(self) -> Iterator[SavedRecord]:
        for name, value in self._saved.items():
            yield GroupKey(group=name), value
        yield from self.offsets.committed.items()


def _member_error(
    group: Group[CallT] | None, member_id: str, instance_id: str | None, generation: int
) -> ErrorCode:
    """Whether someone is a member of the present generation."""
    if group is None or group.state is GroupState.EMPTY:
        return ErrorCode.UNKNOWN_MEMBER_ID
    error = group.check_member(member_id, instance_id)
    if error is ErrorCode.NONE and generation != group.generation:
        return ErrorCode.ILLEGAL_GENERATION
    return error

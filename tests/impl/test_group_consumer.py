"""Members of a group against our broker's coordinator: sharing, leaving, commits, restarts."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from iowitness.impl.consumer_config import ConsumerConfig, GroupConfig
from iowitness.impl.group_consumer import GroupConsumer
from iowitness.impl.group_membership import GroupFailed
from iowitness.impl.producer import Producer
from iowitness.impl.server import Server
from iowitness.impl.server_config import ServerConfig
from tests.doubles.running_broker import GROUPS_AT_ONCE, address, running_broker

_CONFIG = ServerConfig(default_partition_count=4, groups=GROUPS_AT_ONCE)
_WAITS = ConsumerConfig(max_wait_ms=20, request_timeout_ms=10_000)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_broker(tmp_path, _CONFIG) as server:
        yield server


def _member(server: Server, **settings: object) -> GroupConsumer:
    group = GroupConfig(
        group_id="g",
        reset="earliest",
        heartbeat_interval_ms=20,
        **settings,  # type: ignore[arg-type]
    )
    return GroupConsumer(address(server), group, ("t",), _WAITS)


def _produce(server: Server, first: int, count: int) -> list[bytes]:
    values = [b"%03d" % number for number in range(first, first + count)]
    with Producer(address(server)) as producer:
        for value in values:
            producer.send("t", value, key=value)
    return values


def _taken(member: GroupConsumer, count: int) -> list[bytes]:
    values: list[bytes] = []
    deadline_s = time.monotonic() + 20
    while len(values) < count and time.monotonic() < deadline_s:
        values += _polled(member)
    return sorted(values)


def _polled(member: GroupConsumer) -> list[bytes]:
    return [one.value or b"" for came in member.poll() for one in came.records()]


class _Polling(threading.Thread):
    """A member that polls until it is told to leave."""

    def __init__(self, member: GroupConsumer) -> None:
        super().__init__()
        self.member = member
        self.values: list[bytes] = []
        self.leaves = threading.Event()
        self.start()

    def run(self) -> None:
        while not self.leaves.is_set():
            self.values += _polled(self.member)
        self.member.close()


def _wait_until_shared(*polling: _Polling) -> None:
    deadline_s = time.monotonic() + 20
    while True:
        counts = [len(one.member.assigned) for one in polling]
        if all(counts) and sum(counts) == 4:
            return
        assert time.monotonic() < deadline_s, counts
        time.sleep(0.01)


@pytest.mark.parametrize("assignor", ["range", "sticky"])
def test_members_share_the_partitions_and_take_over_from_one_that_leaves(
    server: Server, assignor: str
) -> None:
    values = _produce(server, 0, 20)
    one = _Polling(_member(server, assignors=(assignor,)))
    two = _Polling(_member(server, assignors=(assignor,)))
    _wait_until_shared(one, two)
    values += _produce(server, 20, 20)
    deadline_s = time.monotonic() + 20
    while len(one.values) + len(two.values) < 40 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    two.leaves.set()
    two.join(20)
    _wait_until_shared(one)
    values += _produce(server, 40, 20)
    while len(one.values) + len(two.values) < 60 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    one.leaves.set()
    one.join(20)
    assert sorted(one.values + two.values) == values, "each record came to one of them, once"


def test_a_closed_member_has_committed_and_the_next_goes_on_from_there(server: Server) -> None:
    values = _produce(server, 0, 10)
    first = _member(server)
    assert _taken(first, 10) == values
    first.close()
    more = _produce(server, 10, 5)
    second = _member(server)
    assert _taken(second, 5) == more
    second.close()


def test_without_commits_the_records_come_again_and_commit_stores_what_poll_gave(
    server: Server,
) -> None:
    values = _produce(server, 0, 10)
    for _ in range(2):
        member = _member(server, auto_commit_interval_ms=None)
        assert _taken(member, 10) == values
        member.close()
    member = _member(server, auto_commit_interval_ms=None)
    assert _taken(member, 10) == values
    assert member.commit()
    assert member.commit(), "nothing new to store"
    member.close()
    more = _produce(server, 10, 3)
    member = _member(server)
    assert _taken(member, 3) == more
    member.close()


def test_a_commit_goes_out_by_itself_after_its_interval(server: Server) -> None:
    values = _produce(server, 0, 10)
    crashed = _member(server, auto_commit_interval_ms=10, session_timeout_ms=6_000)
    assert _taken(crashed, 10) == values
    time.sleep(0.02)
    assert _polled(crashed) == []
    other = GroupConsumer(
        address(server), GroupConfig(group_id="g", auto_commit_interval_ms=None), ("t",), _WAITS
    )
    stored = other._membership.committed(crashed.assigned)
    assert stored == crashed.positions
    crashed.close()
    other.close()


def test_a_group_outlives_a_restart_of_its_broker(tmp_path: Path) -> None:
    with running_broker(tmp_path, _CONFIG) as server:
        values = _produce(server, 0, 10)
        member = _member(server)
        assert _taken(member, 10) == values
    again = ServerConfig(default_partition_count=4, groups=GROUPS_AT_ONCE, port=server.port)
    with running_broker(tmp_path, again) as server:
        more = _produce(server, 10, 10)
        assert _taken(member, 10) == more
        member.close()


def test_a_refusal_of_the_coordinator_is_told_with_its_group(server: Server) -> None:
    member = _member(server, session_timeout_ms=100)
    with pytest.raises(GroupFailed, match=r"group=g: joining: .*INVALID_SESSION_TIMEOUT"):
        member.poll()
    member.close()

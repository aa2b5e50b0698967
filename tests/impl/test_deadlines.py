"""Deadlines, phases and admission under a clock that is a number."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl.admission import AdmissionLimits, Doorkeeper, MemoryGate
from iowitness.impl.connection import Connection, FrameLimits
from iowitness.impl.connection_clock import ConnectionTimes
from iowitness.impl.deadlines import Deadlines

_MS = 1_000_000
_TIMES = ConnectionTimes(
    first_byte_ms=10, frame_ms=30, least_bytes_per_s=1_000, idle_ms=600, write_stall_ms=20
)


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(0, 100)), st.integers(0, 20))
    )
)
def test_a_key_expires_exactly_when_its_last_deadline_has_come(
    steps: list[tuple[int, int | None, int]],
) -> None:
    deadlines = Deadlines()
    model: dict[int, int] = {}
    now = 0
    for key, after, passed in steps:
        due = None if after is None else now + after
        deadlines.set(key, due)
        if due is None:
            model.pop(key, None)
        else:
            model[key] = due
        now += passed
        expected = {one for one, at in model.items() if at <= now}
        first = min(model.values(), default=None)
        told = deadlines.next_ns()
        assert first is None or (told is not None and told <= first)
        assert set(deadlines.expired(now)) == expected
        model = {one: at for one, at in model.items() if one not in expected}
        assert len(deadlines) == len(model)


def test_a_deadline_that_moves_on_a_million_times_takes_one_place() -> None:
    deadlines = Deadlines()
    for now in range(1_000_000):
        deadlines.set(7, now + 600)
    assert list(deadlines.expired(600)) == []
    assert deadlines.next_ns() == 999_999 + 600


class _Client:
    """A connection and the clock that it lives by."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.connection: Connection[object] = Connection(FrameLimits(), _TIMES, 0)
        self.shared = memoryview(bytearray(4096))
        self.due_ms = self.settle()

    def settle(self, *, is_served: bool = False) -> float | None:
        due_ns = self.connection.settle(self.now_ns, is_served=is_served)
        self.due_ms = None if due_ns is None else due_ns / _MS
        return self.due_ms

    def sends(self, piece: bytes, at_ms: int) -> float | None:
        self.now_ns = at_ms * _MS
        frames = self.connection.frames
        while piece:
            room = frames.room(self.shared)
            count = min(len(room), len(piece))
            room[:count] = piece[:count]
            piece = piece[count:]
            frames.received(count)
            while frames.next_frame() is not None:
                pass
            frames.put_aside()
        return self.settle()


_FRAME = bytes.fromhex("0000000a 0012 0000 00000001 ffff")


def test_a_client_that_says_nothing_has_until_the_first_byte_s_deadline() -> None:
    client = _Client()
    assert client.due_ms == 10
    assert "no byte within 10 ms" in client.connection.overdue(0)


def test_a_byte_at_a_time_does_not_move_the_frame_s_deadline_by_more_than_it_earns() -> None:
    client = _Client()
    assert client.sends(_FRAME[:1], at_ms=5) == 5 + 30 + 1
    assert client.sends(_FRAME[1:2], at_ms=30) == 5 + 30 + 2
    assert client.sends(_FRAME[2:3], at_ms=37) == 5 + 30 + 3
    assert "3 B of a frame" in client.connection.overdue(0)


def test_a_frame_begun_behind_a_whole_one_has_time_of_its_own() -> None:
    client = _Client()
    client.sends(_FRAME[:4], at_ms=5)
    assert client.sends(_FRAME[4:] + _FRAME[:2], at_ms=20) == 20 + 30 + 2


def test_between_requests_only_the_idle_deadline_counts() -> None:
    client = _Client()
    assert client.sends(_FRAME, at_ms=5) == 605
    assert client.sends(_FRAME, at_ms=400) == 1_000


def test_who_waits_for_the_broker_has_all_the_time_there_is() -> None:
    client = _Client()
    client.sends(_FRAME[:2], at_ms=1)
    assert client.settle(is_served=True) is None
    client.now_ns = 1_000 * _MS
    assert client.settle() == 1_030 + 2


def test_a_client_that_does_not_take_its_answer_is_overdue_however_much_it_sends() -> None:
    client = _Client()
    client.connection.outbox.append(memoryview(b"answer"))
    client.now_ns = 7 * _MS
    assert client.settle() == 27
    assert client.connection.held_byte_count == 6
    assert "6 B of an answer not taken within 20 ms" in client.connection.overdue(6)


def test_a_connection_is_gone_with_its_last_name_and_waits_for_no_collector() -> None:
    client = _Client()
    client.sends(_FRAME[:4], at_ms=1)
    gc.collect()
    gc.disable()
    try:
        del client
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_connections_are_counted_altogether_and_by_address() -> None:
    door = Doorkeeper(AdmissionLimits(connection_count=3, connection_count_per_address=2))
    assert door.enter("a") is None
    assert door.enter("a") is None
    assert door.enter("a") == "connections from a=2, expected fewer than 2"
    assert door.enter("b") is None
    assert door.enter("b") == "connections=3, expected fewer than 3"
    door.leave("a")
    assert door.enter("b") is None
    assert door.count == 3


@pytest.mark.parametrize("name", ["connection_count", "held_byte_count"])
def test_a_limit_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}=0, expected >= 1"):
        AdmissionLimits(**{name: 0})


def test_above_the_limit_one_is_read_from_and_the_others_wait_their_turn() -> None:
    gate = MemoryGate(AdmissionLimits(held_byte_count=100))
    gate.hold(1, 60)
    gate.hold(2, 60)
    assert gate.may_read(1)
    assert not gate.may_read(2)
    assert not gate.may_read(3)
    gate.hold(1, 90)
    assert gate.may_read(1)
    assert list(gate.released()) == []
    gate.forget(1)
    assert list(gate.released()) == [2, 3]


@given(
    steps=st.lists(st.tuples(st.integers(0, 6), st.integers(1, 60)), max_size=200),
    frame=st.integers(1, 300),
)
def test_frames_are_always_finished_and_memory_is_bounded(
    steps: list[tuple[int, int]], frame: int
) -> None:
    """Clients that each send one frame in pieces, drawn in any order, against the gate."""
    limit = 200
    gate = MemoryGate(AdmissionLimits(held_byte_count=limit))
    sent = dict.fromkeys(range(7), 0)
    muted: set[int] = set()

    def turn(key: int, piece: int) -> None:
        if key in sent and key not in muted:
            if not gate.may_read(key):
                muted.add(key)
            else:
                sent[key] += piece
                done = sent[key] >= frame
                gate.hold(key, 0 if done else sent[key])
                if done:
                    del sent[key]
        muted.difference_update(gate.released())
        assert gate.held_byte_count <= limit + frame + 60

    for key, piece in steps:
        turn(key, piece)
    for _ in range(2 * 7 * (frame + 1)):
        for key in list(sent):
            turn(key, 60)
    assert not sent
    assert gate.held_byte_count == 0

"""The account of the producer's memory: who is served when. Source: BufferPoolTest."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from iowitness.impl.buffer_pool import BufferPool, Wait, WaitState


def test_what_is_taken_is_counted_and_comes_back() -> None:
    pool = BufferPool(100)
    assert pool.take(10, 40) == 40
    assert pool.take(10, 80) == 60
    assert pool.take(1, 1) == 0
    pool.give_back(100)
    assert pool.free == 100


def test_more_than_there_is_at_all_fails_at_once() -> None:
    with pytest.raises(ValueError, match="least=101 B, expected at most total=100 B"):
        BufferPool(100).wait(101, 101)


def test_waiters_are_served_first_come_first_served() -> None:
    pool = BufferPool(100, wake_at=1)
    pool.take(100, 100)
    first, second = pool.wait(60, 60), pool.wait(10, 10)
    assert pool.give_back(50) == [], "the second would fit, but it is not its turn"
    assert pool.give_back(30) == [first, second]
    assert (pool.free, pool.waiting_count) == (10, 0)


def test_nobody_overtakes_those_who_wait() -> None:
    pool = BufferPool(100, wake_at=1)
    pool.take(100, 100)
    pool.wait(60, 60)
    pool.give_back(50)
    assert pool.take(1, 1) == 0


def test_waiters_are_served_once_a_large_stretch_is_free() -> None:
    pool = BufferPool(100)
    pool.take(100, 100)
    wait = pool.wait(10, 10)
    assert pool.give_back(49) == []
    assert pool.give_back(1) == [wait]


def test_one_whose_time_is_up_gets_what_was_there_after_all() -> None:
    pool = BufferPool(100)
    pool.take(100, 100)
    wait = pool.wait(10, 30)
    pool.give_back(20)
    assert pool.give_up(wait)
    assert (wait.granted_byte_count, pool.free) == (20, 0)


def test_one_whose_time_is_up_leaves_nothing_behind() -> None:
    pool = BufferPool(100, wake_at=1)
    pool.take(100, 100)
    wait, next_one = pool.wait(50, 50), pool.wait(10, 10)
    assert not pool.give_up(wait)
    assert pool.give_back(10) == [next_one]
    assert pool.free == 0


def test_closing_turns_everybody_away() -> None:
    pool = BufferPool(100)
    pool.take(100, 100)
    wait = pool.wait(10, 10)
    assert pool.close() == [wait]
    assert (wait.state, pool.is_closed) == (WaitState.CLOSED, True)
    assert not pool.give_up(wait)


class PoolMachine(RuleBasedStateMachine):
    """Whatever happens, nothing is lost, nothing is made, and nobody waits in vain."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = BufferPool(1_000)
        self.held: list[int] = []
        self.waits: list[Wait] = []

    @rule(least=st.integers(1, 400), more=st.integers(0, 200))
    def take_or_wait(self, least: int, more: int) -> None:
        granted = self.pool.take(least, least + more)
        if granted:
            assert least <= granted <= least + more
            self.held.append(granted)
        else:
            self.waits.append(self.pool.wait(least, least + more))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.held) - 1))
        for wait in self.pool.give_back(self.held.pop(place)):
            assert wait is self.waits.pop(0)
            self.held.append(wait.granted_byte_count)

    @precondition(lambda self: self.waits)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        wait = self.waits.pop(data.draw(st.integers(0, len(self.waits) - 1)))
        if self.pool.give_up(wait):
            self.held.append(wait.granted_byte_count)

    @invariant()
    def nothing_is_lost(self) -> None:
        assert self.pool.free + sum(self.held) == 1_000
        assert self.pool.waiting_count == len(self.waits)


TestPoolMachine = PoolMachine.TestCase

"""`socket_buffer`: back-pressure from the link to whoever sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.model.socket_buffer import SocketBuffer
from iowitness.model.worker_pool import Line

PER_SECOND = 1_000_000_000  # a byte a nanosecond


def test_what_fits_is_taken_at_once_and_the_rest_waits_for_the_link() -> None:
    buffer = SocketBuffer(Line(PER_SECOND), 1_000)
    assert buffer.put(0, 600) == (0, 600)
    assert buffer.put(0, 400) == (0, 1_000)
    assert buffer.held_byte_count(0) == 1_000
    assert buffer.put(10, 500) == (600, 1_500)


def test_a_long_stretch_goes_at_the_rate_of_the_link() -> None:
    accepted_ns, left_ns = SocketBuffer(Line(PER_SECOND), 1_000).put(0, 100_000)
    assert left_ns == 100_000
    assert accepted_ns == 99_000  # the last thousand are in the buffer then


def test_sockets_of_one_line_share_its_rate() -> None:
    line = Line(PER_SECOND)
    one, other = SocketBuffer(line, 1_000), SocketBuffer(line, 1_000)
    one.put(0, 1_000)
    assert other.put(0, 1_000) == (0, 2_000)


def test_a_buffer_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="byte_count=0, expected > 0"):
        SocketBuffer(Line(PER_SECOND), 0)


@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(1, 3_000)), max_size=30))
def test_no_more_than_the_buffer_waits_and_nothing_is_lost(
    sends: list[tuple[int, int]],
) -> None:
    line = Line(PER_SECOND)
    buffer, now_ns, total, last_ns = SocketBuffer(line, 1_000), 0, 0, 0
    for pause_ns, byte_count in sends:
        now_ns += pause_ns
        accepted_ns, left_ns = buffer.put(now_ns, byte_count)
        assert now_ns <= accepted_ns <= left_ns
        assert last_ns < left_ns
        assert buffer.held_byte_count(accepted_ns) <= 1_000
        now_ns, last_ns = accepted_ns, left_ns
        total += byte_count
    assert line.byte_count == total == line.busy_ns

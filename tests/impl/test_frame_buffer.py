"""Frames out of bytes, however they arrive, with no more memory than came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl.connection import FrameLimits
from iowitness.impl.frame_buffer import FrameBuffer
from iowitness.impl.wire_errors import ProtocolViolation

_FRAMES = st.lists(st.binary(min_size=4, max_size=300), max_size=8)


def _framed(frames: list[bytes]) -> bytes:
    return b"".join(len(frame).to_bytes(4, "big") + frame for frame in frames)


def _feed(buffer: FrameBuffer, shared: memoryview, piece: bytes) -> list[bytes]:
    """Receive a piece as a socket would give it, and take every frame that is whole by then."""
    found: list[bytes] = []
    while piece:
        room = buffer.room(shared)
        count = min(len(room), len(piece))
        room[:count] = piece[:count]
        piece = piece[count:]
        buffer.received(count)
        while (frame := buffer.next_frame()) is not None:
            found.append(bytes(frame))
        buffer.put_aside()
        shared[:] = bytes(len(shared))  # another connection's turn
    return found


@given(frames=_FRAMES, data=st.data())
def test_frames_are_the_same_however_the_bytes_are_cut(
    frames: list[bytes], data: st.DataObject
) -> None:
    stream = _framed(frames)
    buffer = FrameBuffer(lambda _first: 1_000)
    shared = memoryview(bytearray(data.draw(st.sampled_from([16, 64, 4096]))))
    found: list[bytes] = []
    while stream:
        count = data.draw(st.integers(1, len(stream)))
        found += _feed(buffer, shared, stream[:count])
        stream = stream[count:]
    assert found == frames
    assert (buffer.pending_byte_count, buffer.held_byte_count) == (0, 0)


def test_a_claim_of_two_gigabytes_allocates_nothing() -> None:
    buffer = FrameBuffer(lambda _first: 2**31 - 1)
    _feed(buffer, memoryview(bytearray(64)), (2**31 - 1).to_bytes(4, "big") + b"begun")
    assert buffer.held_byte_count <= 262_144


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"\x7f\xff\xff\xff", "frame size=2147483647 B, expected 4 to 100 B"),
        (b"\xff\xff\xff\xff", "frame size=-1 B"),
        (b"\x00\x00\x00\x00", "frame size=0 B"),
        (b"\x16\x03\x01\x02", "a TLS hello on a plaintext port"),
        (b"GET / HTTP/1.1", "an HTTP request"),
    ],
)
def test_a_size_that_no_frame_has_is_a_violation_at_once(start: bytes, expected: str) -> None:
    with pytest.raises(ProtocolViolation, match=expected):
        _feed(FrameBuffer(lambda _first: 100), memoryview(bytearray(64)), start)


def test_only_produce_may_be_large() -> None:
    limits = FrameLimits(produce_byte_count=1_000, other_byte_count=50)
    assert limits.limit(memoryview(b"\x00\x00")) == 1_000
    assert limits.limit(memoryview(b"\x00\x03")) == 50
    assert limits.limit(memoryview(b"\x00")) == 1_000

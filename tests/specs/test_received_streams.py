import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.specs import received_streams
from iowitness.specs.received_streams import ReceivedStream, Reception, pattern
from tests.doubles.kafka_bytes import batch, request, stamped

LEADER_STAMPED = ((0, 8), (12, 16))


def test_a_pattern_is_its_longest_run_and_what_else_must_be_there() -> None:
    found = pattern(bytes(range(40)), LEADER_STAMPED)
    assert (found.key, found.key_at) == (bytes(range(16, 40)), 16)
    assert found.others == ((8, bytes(range(8, 12))),)


def test_without_stamped_ranges_the_pattern_is_everything() -> None:
    found = pattern(b"abc", ())
    assert (found.key, found.key_at, found.others) == (b"abc", 0, ())


@given(st.lists(st.integers(1, 400), max_size=20), st.integers(0, 5))
def test_a_piece_is_found_however_it_came_in(cuts: list[int], number: int) -> None:
    batches = [batch(each) for each in range(6)]
    whole = request(*batches)
    stream = ReceivedStream()
    position = 0
    for size in [*cuts, len(whole)]:
        piece = whole[position : position + size]
        stream.feed(len(piece), piece)
        position += len(piece)
    sought = pattern(stamped(batches[number], 77), LEADER_STAMPED)
    assert stream.find(sought, 0) == whole.index(batches[number]) + 200
    assert stream.find(sought, whole.index(batches[number]) + 200) is None


def test_a_piece_that_differs_beside_its_longest_run_is_passed_over() -> None:
    decoy = bytearray(batch(1))
    decoy[10] ^= 1
    stream = ReceivedStream()
    stream.feed(400, bytes(decoy) + batch(1))
    assert stream.find(pattern(batch(1), LEADER_STAMPED), 0) == 400


def test_a_stream_forgets_what_lies_far_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(received_streams, "WINDOW_BYTE_COUNT", 1000)
    stream = ReceivedStream()
    for number in range(50):
        stream.feed(200, batch(number))
    assert stream.find(pattern(batch(0), ()), 0) is None
    assert stream.find(pattern(batch(49), ()), 0) == 50 * 200


@pytest.mark.parametrize("foreign", [False, True])
def test_the_cost_of_all_searches_grows_with_the_bytes_and_not_with_their_square(
    foreign: bool,
) -> None:
    def searched_share(count: int) -> float:
        reception = Reception()
        for number in range(count):
            reception.feed(1, 200, batch(number))
            # A foreign batch is searched in vain; the claim stops after a fixed number of those.
            if not foreign or number < 64:
                reception.take(1, pattern(batch(number + count * foreign), LEADER_STAMPED))
        return reception.searched_byte_count / (count * 200)

    assert searched_share(2000) <= searched_share(200)

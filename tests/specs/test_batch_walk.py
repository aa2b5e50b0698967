from hypothesis import given
from hypothesis import strategies as st

from iowitness.specs.batch_walk import BatchWalk, StoredBatch
from tests.doubles.kafka_bytes import batch

_SIZES = st.lists(st.integers(61, 300), min_size=1, max_size=8)


@given(_SIZES, st.data())
def test_however_batches_are_cut_into_writes_they_are_found(
    sizes: list[int], drawn: st.DataObject
) -> None:
    batches = [batch(number, size) for number, size in enumerate(sizes)]
    whole = b"".join(batches)
    cuts = sorted(drawn.draw(st.lists(st.integers(0, len(whole)), max_size=10)))
    walk = BatchWalk()
    found: list[StoredBatch] = []
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        found += walk.feed(start, end - start, whole[start:end])
    assert [one.known for one in found] == batches
    assert all(one.is_known and one.state == "whole" for one in found)
    assert not list(walk.rest())


@given(_SIZES, st.integers(23, 60))
def test_heads_alone_are_enough_to_walk_writes_of_one_batch(sizes: list[int], kept: int) -> None:
    walk = BatchWalk()
    offset = 0
    for number, size in enumerate(sizes):
        (found,) = walk.feed(offset, size, batch(number, size)[:kept])
        assert (found.offset, found.byte_count, len(found.known)) == (offset, size, kept)
        offset += size


def test_after_a_lost_head_the_next_write_is_taken_to_begin_with_a_batch() -> None:
    walk = BatchWalk()
    (first, lost) = walk.feed(0, 400, batch(1)[:100])
    assert (first.byte_count, lost.state, lost.offset) == (200, "lost", 200)
    (third,) = walk.feed(400, 200, batch(3))
    assert third.is_known


def test_a_batch_whose_end_was_not_kept_goes_on_in_the_next_write() -> None:
    walk = BatchWalk()
    assert not list(walk.feed(0, 150, batch(1)[:40]))
    one, two = walk.feed(150, 250, batch(1)[150:] + batch(2))
    assert (one.byte_count, len(one.known)) == (200, 40)
    assert two.known == batch(2)


def test_a_write_elsewhere_leaves_the_last_batch_unfinished() -> None:
    walk = BatchWalk()
    assert not list(walk.feed(0, 150, batch(1)[:150]))
    unfinished, other = walk.feed(900, 200, batch(2))
    assert (unfinished.state, unfinished.offset, other.offset) == ("unfinished", 0, 900)

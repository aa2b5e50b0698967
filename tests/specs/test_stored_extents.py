from hypothesis import given
from hypothesis import strategies as st

from iowitness.specs.stored_extents import StoredExtents

_RANGES = st.tuples(st.integers(0, 60), st.integers(0, 60))
_STEPS = st.lists(st.one_of(_RANGES, st.integers(0, 60)), max_size=30)


@given(_STEPS, _RANGES)
def test_extents_are_a_set_of_offsets(
    steps: list[tuple[int, int] | int], asked: tuple[int, int]
) -> None:
    extents, offsets = StoredExtents(), set[int]()
    for step in steps:
        if isinstance(step, int):
            extents.cut(step)
            offsets = {offset for offset in offsets if offset < step}
        else:
            extents.add(*step)
            offsets |= set(range(*step))
    assert extents.hold(*asked) == (set(range(*asked)) <= offsets)

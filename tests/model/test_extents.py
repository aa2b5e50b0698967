"""`extents`: byte ranges behave as sets of bytes."""

from hypothesis import given
from hypothesis import strategies as st

from iowitness.model.extents import ExtentSet

spans = st.tuples(st.integers(0, 40), st.integers(0, 12)).map(lambda s: (s[0], s[0] + s[1]))
steps = st.lists(st.tuples(st.sampled_from(["add", "remove"]), spans), max_size=25)


@given(steps, spans)
def test_ranges_are_a_set_of_bytes(
    history: list[tuple[str, tuple[int, int]]], asked: tuple[int, int]
) -> None:
    extents, oracle = ExtentSet(), set[int]()
    for verb, (start, end) in history:
        span = set(range(start, end))
        if verb == "add":
            assert extents.add(start, end) == len(span - oracle)
            oracle |= span
        else:
            assert extents.remove(start, end) == len(span & oracle)
            oracle -= span
    assert extents.byte_count == len(oracle)
    assert {b for low, high in extents for b in range(low, high)} == oracle
    window = set(range(*asked))
    assert {b for low, high in extents.present(*asked) for b in range(low, high)} == oracle & window
    assert {b for low, high in extents.missing(*asked) for b in range(low, high)} == window - oracle
    edges = [edge for extent in extents for edge in extent]
    assert edges == sorted(set(edges))

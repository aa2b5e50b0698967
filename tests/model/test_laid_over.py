"""Mappings over mappings: presets, files and variants."""

from hypothesis import given
from hypothesis import strategies as st

from iowitness.model.laid_over import assigned, laid_over

_KEYS = st.sampled_from("abc")
_TREES: st.SearchStrategy[dict[str, object]] = st.dictionaries(
    _KEYS, st.recursive(st.integers(0, 3), lambda below: st.dictionaries(_KEYS, below, max_size=2))
)


@given(_TREES)
def test_nothing_over_something_and_something_over_nothing_change_it_not(
    tree: dict[str, object],
) -> None:
    assert laid_over(tree, {}) == tree == laid_over({}, tree)


@given(_TREES, _TREES)
def test_what_lies_above_is_there_whole(under: dict[str, object], over: dict[str, object]) -> None:
    merged = laid_over(under, over)
    assert laid_over(merged, over) == merged
    assert merged.keys() == under.keys() | over.keys()


def test_another_kind_replaces_whole() -> None:
    under = {"disk": {"kind": "spinning", "zones": [1]}, "memory": {"byte_count": 1}}
    over = {"disk": {"kind": "solid"}, "memory": {"dirty_ratio": 0.1}}
    assert laid_over(under, over) == {
        "disk": {"kind": "solid"},
        "memory": {"byte_count": 1, "dirty_ratio": 0.1},
    }


def test_assigning_leaves_the_original_alone() -> None:
    content = {"a": {"b": 1}}
    assert assigned(content, ("a", "c", "d"), 2) == {"a": {"b": 1, "c": {"d": 2}}}
    assert content == {"a": {"b": 1}}

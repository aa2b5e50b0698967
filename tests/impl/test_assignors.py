"""Who reads which partition: everything once, evenly, and with few changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl.assignors import ASSIGNORS, assigned_by_range, assigned_stickily
from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.subscription_format import Subscription

_COUNTS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9))
_OWNED = st.lists(
    st.builds(TopicPartition, st.sampled_from("abcde"), st.integers(0, 11)), unique=True, max_size=9
).map(tuple)
_MEMBERS = st.dictionaries(
    st.sampled_from(["m1", "m2", "m3", "m4"]),
    st.builds(
        Subscription,
        st.sets(st.sampled_from("abcd")).map(lambda topics: tuple(sorted(topics))),
        _OWNED,
        st.integers(-1, 3),
    ),
    min_size=1,
)


@pytest.mark.parametrize("name", sorted(ASSIGNORS))
@given(counts=_COUNTS, members=_MEMBERS)
def test_every_partition_that_somebody_wants_goes_to_one_who_wants_it(
    name: str, counts: dict[str, int], members: dict[str, Subscription]
) -> None:
    assignment = ASSIGNORS[name](counts, members)
    assert assignment.keys() == members.keys()
    given_out = [one for partitions in assignment.values() for one in partitions]
    wanted = {topic for one in members.values() for topic in one.topics}
    assert sorted(given_out) == sorted(
        TopicPartition(topic, number)
        for topic, count in counts.items()
        if topic in wanted
        for number in range(count)
    )
    for member, partitions in assignment.items():
        assert {one.topic for one in partitions} <= set(members[member].topics)


def test_range_gives_the_longer_runs_to_the_first_members() -> None:
    members = {name: Subscription(("t", "u")) for name in ("b", "a")}
    assert assigned_by_range({"t": 3, "u": 1}, members) == {
        "a": [TopicPartition("t", 0), TopicPartition("t", 1), TopicPartition("u", 0)],
        "b": [TopicPartition("t", 2)],
    }


@given(counts=_COUNTS, names=st.sets(st.sampled_from("vwxyz"), min_size=1))
def test_sticky_is_even_keeps_what_it_can_and_moves_only_what_a_leaver_had(
    counts: dict[str, int], names: set[str]
) -> None:
    topics = tuple(sorted(counts))
    first = assigned_stickily(counts, {name: Subscription(topics) for name in names})
    sizes = [len(partitions) for partitions in first.values()]
    assert max(sizes) - min(sizes) <= 1
    kept = {name: Subscription(topics, tuple(had), 1) for name, had in first.items()}
    assert assigned_stickily(counts, kept) == first
    if len(kept) > 1:
        kept.pop(min(kept))
        after = assigned_stickily(counts, kept)
        assert all(set(after[name]) >= set(one.owned) for name, one in kept.items())


def test_sticky_believes_the_later_generation() -> None:
    partition = TopicPartition("t", 0)
    members = {
        "a": Subscription(("t",), (partition,), 1),
        "b": Subscription(("t",), (partition,), 2),
    }
    assert assigned_stickily({"t": 1}, members) == {"a": [], "b": [partition]}

"""What members tell one another, against kafka-python's and kio's readers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.subscription_format import (
    NO_GENERATION,
    Subscription,
    read_assignment,
    read_subscription,
    write_assignment,
    write_subscription,
)
from iowitness.impl.wire_errors import ProtocolViolation

_TOPICS = st.lists(st.text("abü.", min_size=1, max_size=5), unique=True, max_size=3)
_PARTITIONS = st.lists(
    st.builds(TopicPartition, st.sampled_from(["a", "ü"]), st.integers(0, 99)), unique=True
).map(lambda partitions: tuple(sorted(partitions)))


@given(topics=_TOPICS.map(tuple), owned=_PARTITIONS, generation=st.integers(0, 2**31 - 1))
def test_a_subscription_comes_back(
    topics: tuple[str, ...], owned: tuple[TopicPartition, ...], generation: int
) -> None:
    subscription = Subscription(topics, owned, generation if owned else NO_GENERATION)
    assert read_subscription(write_subscription(subscription)) == subscription


@given(partitions=_PARTITIONS)
def test_an_assignment_comes_back(partitions: tuple[TopicPartition, ...]) -> None:
    assert read_assignment(write_assignment(partitions)) == partitions
    assert read_assignment(b"") == ()


def test_kafka_python_reads_ours_and_we_read_its() -> None:
    protocol = pytest.importorskip("kafka.protocol.consumer.metadata")
    ours = write_subscription(Subscription(("t", "u")))
    assert list(protocol.ConsumerProtocolSubscription.decode(ours).topics) == ["t", "u"]
    partitions = (TopicPartition("t", 0), TopicPartition("t", 3))
    theirs = protocol.ConsumerProtocolAssignment.decode(write_assignment(partitions))
    assert [(topic.topic, list(topic.partitions)) for topic in theirs.assigned_partitions] == [
        ("t", [0, 3])
    ]


@pytest.mark.parametrize("end", range(1, 20))
def test_a_cut_subscription_is_a_violation(end: int) -> None:
    owned = (TopicPartition("topic", 1),)
    stored = write_subscription(Subscription(("topic",), owned, 1))
    with pytest.raises(ProtocolViolation):
        read_subscription(stored[:end])


def test_user_data_of_another_assignor_is_left_alone() -> None:
    plain = write_subscription(Subscription(("t",)))
    strange = plain[:9] + b"\x00\x00\x00\x03abc" + plain[13:]
    assert read_subscription(strange) == Subscription(("t",))

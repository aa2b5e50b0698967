"""When the sender asks for metadata, and what it makes of the answer."""

from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.messages.cluster import (
    MetadataBroker,
    MetadataPartition,
    MetadataResponse,
    MetadataTopic,
)
from iowitness.impl.metadata_needs import MetadataNeeds


def _answer(*topics: MetadataTopic) -> MetadataResponse:
    return MetadataResponse(brokers=(MetadataBroker(node_id=1, host="h", port=9),), topics=topics)


def _topic(name: str, *, error_code: int = 0, leader: int = 1) -> MetadataTopic:
    partition = MetadataPartition(error_code=0, partition_index=0, leader_id=leader)
    partitions = () if error_code else (partition,)
    return MetadataTopic(error_code=error_code, name=name, partitions=partitions)


def test_nothing_is_asked_before_a_topic_is_used() -> None:
    assert MetadataNeeds(1_000, 10).due_ns() is None


def test_a_new_topic_is_asked_for_at_once_and_only_once() -> None:
    needs = MetadataNeeds(1_000, 10)
    assert not needs.use("t")
    assert needs.due_ns() == 0
    (wanted,) = needs.request().topics or ()
    assert wanted.name == "t"
    assert needs.due_ns() is None, "an answer is waited for"
    needs.answered(_answer(_topic("t")), 100)
    assert needs.use("t")
    leader = needs.view.leader(TopicPartition("t", 0))
    assert leader is not None
    assert leader.port == 9
    assert needs.due_ns() == 1_100, "once it is old"


def test_a_topic_that_is_not_there_yet_is_asked_for_again_after_a_pause() -> None:
    needs = MetadataNeeds(1_000, 10)
    needs.use("t")
    needs.request()
    needs.answered(_answer(_topic("t", error_code=3)), 100)
    assert needs.due_ns() == 110
    assert needs.view.topic_errors == {"t": 3}


def test_no_answer_means_to_ask_again_after_a_pause() -> None:
    needs = MetadataNeeds(1_000, 10)
    needs.use("t")
    needs.request()
    needs.failed(100)
    assert needs.due_ns() == 110


def test_a_view_that_led_astray_is_renewed() -> None:
    needs = MetadataNeeds(1_000, 10)
    needs.use("t")
    needs.request()
    needs.answered(_answer(_topic("t", leader=-1)), 100)
    assert needs.view.leader(TopicPartition("t", 0)) is None
    needs.outdate()
    assert needs.due_ns() == 110

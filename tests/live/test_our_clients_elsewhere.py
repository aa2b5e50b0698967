"""Our producer and consumers against brokers that are not ours: librdkafka's mock, real Kafka."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.clients import Sent
from tests.doubles.clients.ours import Ours
from tests.doubles.reference_kafka import ReferenceKafka

pytestmark = [pytest.mark.client]

_RECORD_COUNT = 60


def _records(topic: str, partition_count: int) -> list[Sent]:
    return [
        Sent(topic, number % partition_count, b"%s-%03d-" % (topic.encode(), number) + b"x" * 99)
        for number in range(_RECORD_COUNT)
    ]


def _check_all_comes_back(bootstrap: str, partition_count: int) -> None:
    ours = Ours()
    everything: list[Sent] = []
    for codec in ours.codecs:
        records = _records(f"t-{codec}", partition_count)
        ours.produce(bootstrap, codec, records, None)
        everything += records
    for topic in sorted({one.topic for one in everything}):
        for partition in range(partition_count):
            values = [one.value for one in everything if one[:2] == (topic, partition)]
            assert ours.read_partition(bootstrap, topic, partition, len(values)) == values
    topics = sorted({one.topic for one in everything})
    came = ours.read_group(bootstrap, topics, len(everything), lambda: None)
    assert sorted(came) == sorted(everything)
    for place in {one[:2] for one in everything}:
        values = [one.value for one in everything if one[:2] == place]
        assert [one.value for one in came if one[:2] == place] == values


@pytest.fixture
def mock_cluster() -> Iterator[str]:
    """The addresses of a mock cluster of three brokers inside of librdkafka."""
    confluent_kafka: Any = pytest.importorskip("confluent_kafka")
    owner = confluent_kafka.Producer({"bootstrap.servers": "", "test.mock.num.brokers": 3})
    brokers = owner.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{one.host}:{one.port}" for one in brokers)
    owner.flush(1)


def test_librdkafkas_mock_cluster_of_three_gives_back_all(mock_cluster: str) -> None:
    _check_all_comes_back(mock_cluster, partition_count=4)


@pytest.mark.kafka
def test_the_reference_kafka_gives_back_all(tmp_path: Path) -> None:
    admin: Any = pytest.importorskip("confluent_kafka.admin")
    kafka = ReferenceKafka(tmp_path)
    with kafka.running():
        topics = [admin.NewTopic(f"t-{codec}", 2, 1) for codec in Ours.codecs]
        client = admin.AdminClient({"bootstrap.servers": kafka.address})
        for future in client.create_topics(topics).values():
            future.result(30)
        _check_all_comes_back(kafka.address, partition_count=2)

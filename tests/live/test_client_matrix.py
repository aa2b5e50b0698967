"""Every client against our broker: every record back once and in order, restarts in between.

Each produces with every codec that it offers, and reads by partition and as a group. The broker is
stopped and started again while the producer and the group's member live on.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iowitness.impl.batch_format import Codec
from iowitness.impl.batch_reader import batches
from iowitness.impl.server_config import ServerConfig
from tests.doubles.clients import MatrixClient, Sent
from tests.doubles.clients.aio import AioKafka
from tests.doubles.clients.confluent import Confluent
from tests.doubles.clients.java_console import JavaConsole
from tests.doubles.clients.kafka_python import KafkaPython
from tests.doubles.clients.kafkajs import KafkaJs
from tests.doubles.clients.kcat import Kcat
from tests.doubles.clients.ours import Ours
from tests.doubles.running_broker import GROUPS_AT_ONCE, RestartingBroker

pytestmark = [pytest.mark.client, pytest.mark.filterwarnings("ignore")]

_PARTITION_COUNT = 2
_RECORD_COUNT = 60


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestartingBroker]:
    config = ServerConfig(default_partition_count=_PARTITION_COUNT, groups=GROUPS_AT_ONCE)
    broker = RestartingBroker(tmp_path_factory.mktemp("broker"), config)
    yield broker
    broker.stop()


def _records(topic: str) -> list[Sent]:
    return [
        Sent(topic, number % _PARTITION_COUNT, b"%s-%03d-" % (topic.encode(), number) + b"x" * 99)
        for number in range(_RECORD_COUNT)
    ]


def _by_place(records: list[Sent]) -> dict[tuple[str, int], list[bytes]]:
    found: dict[tuple[str, int], list[bytes]] = defaultdict(list)
    for one in records:
        found[one.topic, one.partition].append(one.value)
    return dict(found)


@pytest.mark.parametrize(
    "make",
    [
        Confluent,
        KafkaPython,
        AioKafka,
        Kcat,
        Ours,
        KafkaJs,
        pytest.param(JavaConsole, marks=pytest.mark.kafka),
    ],
)
def test_every_record_comes_back_once_and_in_order(
    make: Callable[[], MatrixClient], broker: RestartingBroker
) -> None:
    client = make()
    name = type(client).__name__.lower()
    given = {codec: _records(f"{name}-{codec}") for codec in client.codecs}
    for codec, records in given.items():
        between = broker.restart if codec == client.codecs[-1] else None
        client.produce(broker.address, codec, records, between)
    everything = [one for records in given.values() for one in records]
    expected = _by_place(everything)
    for topic, partition in expected:
        assert _stored_codecs(broker.folder / f"{topic}-{partition}") == {topic.split("-")[1]}
    for (topic, partition), values in list(expected.items())[: client.most_partitions_read]:
        assert client.read_partition(broker.address, topic, partition, len(values)) == values
    topics = sorted({one.topic for one in everything})
    came = client.read_group(broker.address, topics, len(everything), broker.restart)
    assert _by_place(came) == expected


def _stored_codecs(folder: Path) -> set[str]:
    return {
        Codec(batch.header.codec).name.lower()
        for segment in folder.glob("*.log")
        for batch in batches(segment.read_bytes())
    }

"""Kafka's own command-line tools on a broker of ours: topics, settings, groups, offsets."""

from pathlib import Path

import pytest

from tests.doubles.reference_kafka import tool
from tests.doubles.running_broker import address, running_broker

pytestmark = pytest.mark.kafka

TOPICS = "org.apache.kafka.tools.TopicCommand"
GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
CONFIGS = "kafka.admin.ConfigCommand"
CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"
PRODUCER = "org.apache.kafka.tools.ConsoleProducer"


def test_kafkas_tools_make_fill_read_describe_and_remove(tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(30)]
    with running_broker(tmp_path) as server:

        def run(main_class: str, *arguments: str, given: str = "") -> str:
            return tool(main_class, "--bootstrap-server", address(server), *arguments, given=given)

        topic = ("--topic", "t")
        run(TOPICS, "--create", *topic, "--partitions", "3", "--config", "retention.ms=-1")
        run(PRODUCER, *topic, given="\n".join(lines) + "\n")
        read = run(CONSUMER, *topic, "--group", "g", "--from-beginning", "--max-messages", "30")
        assert sorted(read.splitlines()) == sorted(lines)

        described = run(GROUPS, "--describe", "--group", "g").split("\n")
        rows = [row.split() for row in described if row.startswith("g ")]
        assert len(rows) == 3
        assert sum(int(row[3]) for row in rows) == 30
        assert all(row[5] == "0" for row in rows), "no lag is left"
        change = ("--alter", "--add-config", "max.message.bytes=5000")
        run(CONFIGS, *change, "--delete-config", "retention.ms", *topic)
        assert "max.message.bytes=5000" in run(TOPICS, "--describe", *topic)
        run(TOPICS, "--delete", *topic)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"__consumer_offsets-0"}

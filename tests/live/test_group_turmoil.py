"""Consumers that come and go at random while the broker restarts: every record is read."""

import os
import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from iowitness.impl.server_config import ServerConfig
from tests.doubles.running_broker import GROUPS_AT_ONCE, address, running_broker

pytestmark = [
    pytest.mark.client,
    pytest.mark.skipif(
        os.environ.get("HYPOTHESIS_PROFILE") != "deep",
        reason="takes half a minute: HYPOTHESIS_PROFILE=deep runs it",
    ),
]

confluent_kafka = pytest.importorskip("confluent_kafka")
CONSUMER_COUNT = 6
ROUND_COUNT = 3
ROUND_S = 8


class Consumers:
    """Threads with one consumer each, every third a static member, that close and come back."""

    def __init__(self, port: int, strategy: str) -> None:
        self.seen: Counter[bytes] = Counter()
        self._settings = {
            "bootstrap.servers": f"127.0.0.1:{port}",
            "group.id": "g",
            "auto.offset.reset": "earliest",
            "auto.commit.interval.ms": 200,
            "session.timeout.ms": 6_000,
            "heartbeat.interval.ms": 300,
            "partition.assignment.strategy": strategy,
            "log_level": 2,
        }
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number,)) for number in range(CONSUMER_COUNT)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        chance = random.Random(number)
        own = {"group.instance.id": f"static{number}"} if number % 3 == 0 else {}
        while not self._stopping.is_set():
            consumer = confluent_kafka.Consumer({**self._settings, **own})
            consumer.subscribe(["t"])
            until = time.monotonic() + chance.uniform(1, 5)
            while time.monotonic() < until and not self._stopping.is_set():
                message = consumer.poll(0.2)
                if message is not None and message.error() is None:
                    with self._lock:
                        self.seen[message.value()] += 1
            consumer.close()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a consumer hangs"


@pytest.mark.parametrize("strategy", ["range", "cooperative-sticky"])
def test_no_record_is_missed(tmp_path: Path, strategy: str) -> None:
    consumers: Consumers | None = None
    port = sent_count = 0
    for number in range(ROUND_COUNT):
        config = ServerConfig(port=port, default_partition_count=8, groups=GROUPS_AT_ONCE)
        with running_broker(tmp_path, config) as server:
            port = server.port
            consumers = consumers or Consumers(port, strategy)
            producer = confluent_kafka.Producer({"bootstrap.servers": address(server)})
            until = time.monotonic() + ROUND_S
            while time.monotonic() < until:
                for _ in range(50):
                    producer.produce("t", b"%d" % sent_count, key=b"%d" % sent_count)
                    sent_count += 1
                assert producer.flush(30) == 0
                time.sleep(0.1)
            if number == ROUND_COUNT - 1:
                until = time.monotonic() + 60
                while len(consumers.seen) < sent_count and time.monotonic() < until:
                    time.sleep(0.2)
                consumers.stop()
    assert consumers is not None
    assert set(consumers.seen) == {b"%d" % number for number in range(sent_count)}

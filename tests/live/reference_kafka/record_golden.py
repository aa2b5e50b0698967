"""Records the small golden directories of tests/impl/recorded with the reference Kafka.

Repeat with: PYTHONPATH=. .venv/bin/python tests/live/reference_kafka/record_golden.py
clean: after a clean stop, with its dump. torn: after kill -9, 37 bytes appended, without the index
files, which an unclean stop leaves pre-sized. recovered: what Kafka made of the torn one.
"""

import shutil
import signal
import tempfile
from pathlib import Path

import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic

from tests.doubles.reference_kafka import REPOSITORY, ReferenceKafka, dump_text

TARGET = REPOSITORY / "tests" / "impl" / "recorded"
TOPIC = "golden"
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def produce(
    broker: ReferenceKafka, start: int, count: int, codec: str, *, is_idempotent: bool
) -> None:
    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": broker.address,
            "compression.type": codec,
            "linger.ms": 20,
            "enable.idempotence": is_idempotent,
        }
    )
    for number in range(start, start + count):
        value = b"value-%05d-" % number * 6
        headers = [("h", b"x"), ("null", None)] if number % 3 == 0 else []
        producer.produce(TOPIC, value, b"k%d" % (number % 7), partition=0, headers=headers)
    assert producer.flush(30) == 0


def keep(source: Path, name: str, *left_out: str) -> None:
    shutil.rmtree(TARGET / name, ignore_errors=True)
    shutil.copytree(source, TARGET / name, ignore=shutil.ignore_patterns(*left_out))


def main() -> None:
    broker = ReferenceKafka(Path(tempfile.mkdtemp(prefix="record-golden-")))
    partition = broker.data / f"{TOPIC}-0"
    number = 0
    with broker.running():
        admin = AdminClient({"bootstrap.servers": broker.address})
        for future in admin.create_topics([NewTopic(TOPIC, 1, 1)]).values():
            future.result(30)
        for codec in CODECS:
            for is_idempotent in (False, True):
                produce(broker, number, 40, codec, is_idempotent=is_idempotent)
                number += 40
    keep(partition, "clean")
    (segment,) = partition.glob("*.log")
    text = dump_text("--files", str(segment))
    (TARGET / "clean.dump.txt").write_text(text.replace(str(partition), TOPIC + "-0"))
    with broker.running(signal.SIGKILL):
        produce(broker, number, 40, "lz4", is_idempotent=True)
    segment.write_bytes(segment.read_bytes() + bytes(range(200, 237)))
    keep(partition, "torn", "*.index", "*.timeindex")
    with broker.running():
        pass
    keep(partition, "recovered")


if __name__ == "__main__":
    main()

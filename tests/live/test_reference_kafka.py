"""A real Kafka reads what iowitness wrote, and the other way round: clean, and after kill -9."""

import shutil
import signal
from pathlib import Path

import pytest

from iowitness.impl.batch_format import Codec
from iowitness.impl.batch_reader import batches, records
from iowitness.impl.batch_writer import ProducerStamp, encode_batch
from iowitness.impl.compression import Compressor
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_directory import LogDirectory
from iowitness.impl.log_files import RealFiles
from tests.doubles.reference_kafka import ReferenceKafka, dump, dump_text
from tests.doubles.running_broker import address, running_broker

pytestmark = [pytest.mark.kafka, pytest.mark.client]

confluent_kafka = pytest.importorskip("confluent_kafka")
CONFIG = LogConfig(segment_byte_count=1 << 20)
NOW_MS = 1_795_000_000_000
TOPIC = "shared"


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> ReferenceKafka:
    """A stopped broker with one topic, to which its own clients have written."""
    broker = ReferenceKafka(tmp_path_factory.mktemp("kafka"))
    with broker.running():
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient({"bootstrap.servers": broker.address})
        for future in admin.create_topics([NewTopic(TOPIC, 1, 1)]).values():
            future.result(30)
        produce(broker, 0, 500, "none")
    return broker


def produce(broker: ReferenceKafka, start: int, count: int, codec: str) -> None:
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": broker.address, "compression.type": codec, "linger.ms": 5}
    )
    for number in range(start, start + count):
        producer.produce(TOPIC, value_of(number), b"key", partition=0)
    assert producer.flush(30) == 0


def consume(broker: ReferenceKafka, count: int) -> list[bytes]:
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": broker.address, "group.id": "g", "enable.auto.commit": False}
        | {"check.crcs": True}
    )
    consumer.assign([confluent_kafka.TopicPartition(TOPIC, 0, 0)])
    values: list[bytes] = []
    while len(values) < count:
        messages = consumer.consume(1000, 20)
        assert messages, f"{len(values)} records, expected {count}"
        assert not any(message.error() for message in messages)
        values += [message.value() for message in messages]
    consumer.close()
    return values


def value_of(number: int) -> bytes:
    return b"value-%06d-" % number + b"x" * (number % 300)


def read_values(log: Log) -> list[bytes | None]:
    values: list[bytes | None] = []
    offset = log.start_offset
    while offset < log.end_offset:
        region = log.read(offset, 1 << 16, at_least_one_batch=True).region
        assert region is not None
        for batch in batches(region.read()):
            batch.check()
            values += [record.value for record in records(batch)]
            offset = batch.header.next_offset
    return values


def test_a_directory_goes_to_and_fro_between_kafka_and_iowitness(kafka: ReferenceKafka) -> None:
    files = RealFiles()
    count = 500
    # Kafka's clean stop: no scan, and every record is there.
    ours = LogDirectory.open(str(kafka.data), CONFIG, files, now_ms=NOW_MS)
    log = ours.logs[TOPIC, 0]
    assert (ours.was_clean, log.recovery.scanned_segment_count) == (True, 0)
    assert read_values(log) == [value_of(number) for number in range(count)]
    for codec in Codec:
        for _ in range(40):
            fields = [(NOW_MS, b"key", value_of(count + i), ()) for i in range(100)]
            log.append(encode_batch(fields, Compressor(codec)), now_ms=NOW_MS)
            count += 100
    assert len(log.segments) > 1
    ours.close()
    # Our clean stop: Kafka serves all of it, adds to it, and is killed.
    with kafka.running(signal.SIGKILL):
        assert consume(kafka, count) == [value_of(number) for number in range(count)]
        for codec in ("zstd", "lz4", "snappy", "gzip"):
            produce(kafka, count, 200, codec)
            count += 200
    # Kafka's kill: recovered by us, with nothing lost, since the machine went on.
    ours = LogDirectory.open(str(kafka.data), CONFIG, files, now_ms=NOW_MS)
    log = ours.logs[TOPIC, 0]
    assert not ours.was_clean
    assert log.recovery.scanned_segment_count > 0
    assert read_values(log) == [value_of(number) for number in range(count)]
    fields = [(NOW_MS, b"key", value_of(count + i), ()) for i in range(100)]
    log.append(encode_batch(fields), now_ms=NOW_MS)
    count += 100
    # Our crash, with a torn end: Kafka cuts it and goes on.
    torn = Path(log.active_segment.file.path)
    for open_log in ours.logs.values():
        open_log.abandon()
    ours._lock.release()
    torn.write_bytes(torn.read_bytes() + b"\x17" * 37)
    with kafka.running():
        assert consume(kafka, count) == [value_of(number) for number in range(count)]
    assert dump(torn)[-1]["lastOffset"] == str(count - 1)


def test_kafkas_dump_tool_reads_our_segments_indexes_and_snapshots(tmp_path: Path) -> None:
    config = LogConfig(segment_byte_count=20_000, index_interval_byte_count=2_000)
    log = Log.open(str(tmp_path / "t-0"), config, RealFiles(), now_ms=NOW_MS)
    sequence = 0
    for number in range(200):
        fields = [(NOW_MS + number, b"k", value_of(number + i), (("h", None),)) for i in range(5)]
        stamp = ProducerStamp(7, 0, sequence)
        log.append(encode_batch(fields, Compressor(Codec(number % 5)), stamp), now_ms=NOW_MS)
        sequence += 5
    log.close()
    paths = sorted((tmp_path / "t-0").glob("*.log"))
    assert len(paths) > 2
    lines = dump(*paths, deep=True)
    assert [line["baseOffset"] for line in lines] == [str(n) for n in range(0, 1000, 5)]
    indexes = [*(tmp_path / "t-0").glob("*.index"), *(tmp_path / "t-0").glob("*.timeindex")]
    text = dump_text("--index-sanity-check", "--files", ",".join(map(str, indexes)))
    assert text.count("passed sanity check.") == len(indexes)
    newest = max((tmp_path / "t-0").glob("*.snapshot"))
    text = dump_text("--files", str(newest))
    assert text.count("producerId: 7 ") == 5
    assert "lastSequence: 999" in text


def test_kafkas_and_our_recovery_of_the_same_torn_directory_agree(
    kafka: ReferenceKafka, tmp_path: Path
) -> None:
    source = kafka.data / f"{TOPIC}-0"
    active = max(source.glob("*.log"))
    active.write_bytes(active.read_bytes() + bytes(range(90)))
    (kafka.data / ".kafka_cleanshutdown").unlink(missing_ok=True)
    shutil.copytree(source, tmp_path / "t-0")
    with kafka.running():
        pass
    log = Log.open(str(tmp_path / "t-0"), CONFIG, RealFiles(), now_ms=NOW_MS)
    assert [cut.byte_count for cut in log.recovery.cuts] == [90]
    log.close()
    for path in source.glob("*"):
        if path.suffix in (".log", ".index", ".timeindex"):
            assert (tmp_path / "t-0" / path.name).read_bytes() == path.read_bytes(), path.name


def test_kafkas_own_tool_decodes_the_groups_and_offsets_that_a_broker_of_ours_saved(
    tmp_path: Path,
) -> None:
    with running_broker(tmp_path) as server:
        producer = confluent_kafka.Producer({"bootstrap.servers": address(server)})
        producer.produce(TOPIC, b"value")
        assert producer.flush(30) == 0
        consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": address(server),
                "group.id": "the-group",
                "client.id": "the-client",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            }
        )
        consumer.subscribe([TOPIC])
        (message,) = consumer.consume(1, 30)
        consumer.commit(message, asynchronous=False)
        segment = tmp_path / "__consumer_offsets-0" / "00000000000000000000.log"
        text = dump_text("--offsets-decoder", "--files", str(segment))
        consumer.close()
    offsets = [line for line in text.splitlines() if '"topic":"shared"' in line]
    assert offsets
    for expected in ('"group":"the-group"', '"partition":0', '"offset":1', '"metadata":""'):
        assert expected in offsets[-1]
    groups = [line for line in text.splitlines() if '"generation":1' in line]
    assert groups
    for expected in ('"protocolType":"consumer"', '"clientId":"the-client"', '"leader":"the-'):
        assert expected in groups[-1]

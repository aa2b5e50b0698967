"""What a real Kafka broker wrote is read, recovered and written alike."""

import shutil
from pathlib import Path

import pytest

from iowitness.impl.batch_reader import Batch, batches, records, streamed_records
from iowitness.impl.checkpoint_format import encode_epochs, read_epochs, read_offsets
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_directory import LogDirectory
from iowitness.impl.log_files import RealFiles
from iowitness.impl.log_loading import LogStart
from iowitness.impl.producer_snapshot import encode_snapshot, read_snapshot
from tests.doubles.golden_kafka import dumped, golden

CONFIG = LogConfig(segment_byte_count=1 << 20)


def as_dumped(batch: Batch, position: int) -> dict[str, str]:
    """A batch in the words of DumpLogSegments."""
    header = batch.header
    return {
        "baseOffset": str(header.base_offset),
        "lastOffset": str(header.last_offset),
        "count": str(header.record_count),
        "baseSequence": str(header.base_sequence),
        "lastSequence": str(header.last_sequence),
        "producerId": str(header.producer_id),
        "producerEpoch": str(header.producer_epoch),
        "partitionLeaderEpoch": str(header.partition_leader_epoch),
        "isTransactional": str(header.is_transactional).lower(),
        "isControl": str(header.is_control).lower(),
        "deleteHorizonMs": "OptionalLong.empty",
        "position": str(position),
        "CreateTime": str(header.max_timestamp_ms),
        "size": str(header.byte_count),
        "magic": str(header.magic),
        "compresscodec": header.codec.name.lower(),
        "crc": str(header.crc),
        "isvalid": "true",
    }


def without_sequence_of_nobody(fields: dict[str, str]) -> dict[str, str]:
    """aiokafka sends base sequence 0 without a producer id; Kafka's dump then shows it."""
    return {k: v for k, v in fields.items() if "Sequence" not in k or fields["producerId"] != "-1"}


@pytest.mark.parametrize("topic", ["plain", "gzip", "snappy", "lz4", "zstd", "mixed"])
def test_every_batch_has_the_fields_that_kafka_dumps(topic: str) -> None:
    dumps = sorted(golden().glob(f"dump-{topic}-*.log.txt"))
    assert dumps
    for dump in dumps:
        log = (
            golden() / "kafka43-logdir-clean" / f"{topic}-0" / dump.name[-28:].removesuffix(".txt")
        )
        buffer = log.read_bytes()
        position = 0
        found = []
        for batch in batches(buffer):
            batch.check()
            found.append(without_sequence_of_nobody(as_dumped(batch, position)))
            position += batch.header.byte_count
        assert found == [without_sequence_of_nobody(fields) for fields in dumped(dump)]
        assert position == len(buffer)


def test_every_record_of_every_client_is_read_the_same_whole_and_as_a_stream() -> None:
    count = 0
    for log in sorted((golden() / "kafka43-logdir-clean").glob("*/*.log")):
        for batch in batches(log.read_bytes()):
            whole = list(records(batch))
            assert whole == list(streamed_records(batch))
            assert len(whole) == batch.header.record_count
            count += len(whole)
    assert count > 3_000


def test_a_torn_partition_recovers_to_the_bytes_that_kafka_left(tmp_path: Path) -> None:
    torn = tmp_path / "mixed-0"
    shutil.copytree(golden() / "mixed-0-torn", torn)
    log = Log.open(str(torn), CONFIG, RealFiles(), now_ms=0)
    (cut,) = log.recovery.cuts
    assert (cut.byte_count, cut.next_offset, cut.was_synced) == (37, 2968, False)
    log.close()
    ours = {path.name: path.read_bytes() for path in torn.iterdir()}
    kafkas = {path.name: path.read_bytes() for path in (golden() / "mixed-0-recovered").iterdir()}
    # The broker's later restarts began new leader epochs, which no file of the torn copy knows.
    del ours["leader-epoch-checkpoint"], kafkas["leader-epoch-checkpoint"]
    assert ours == kafkas


def test_a_second_recovery_of_the_torn_partition_changes_nothing(tmp_path: Path) -> None:
    torn = tmp_path / "mixed-0"
    shutil.copytree(golden() / "mixed-0-torn", torn)
    contents = []
    for _ in range(2):
        log = Log.open(str(torn), CONFIG, RealFiles(), now_ms=0)
        log.abandon()
        contents.append({path.name: path.read_bytes() for path in torn.iterdir()})
    assert contents[0] == contents[1]
    assert not log.recovery.cuts


def test_appending_kafkas_batches_makes_kafkas_segments_and_indexes(tmp_path: Path) -> None:
    source = golden() / "kafka43-logdir-clean" / "mixed-0"
    log = Log.open(str(tmp_path / "t-0"), CONFIG, RealFiles(), now_ms=0)
    for segment in sorted(source.glob("*.log")):
        for batch in batches(segment.read_bytes()):
            log.append(bytes(batch.stored), now_ms=0)
    log.close()
    for path in source.iterdir():
        if path.name != "partition.metadata":
            assert (tmp_path / "t-0" / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_whole_directory_of_a_clean_broker_is_opened_without_a_scan(tmp_path: Path) -> None:
    path = tmp_path / "logs"
    shutil.copytree(golden() / "kafka43-logdir-clean", path)
    points = read_offsets((path / "recovery-point-offset-checkpoint").read_bytes(), "points")
    directory = LogDirectory.open(str(path), CONFIG, RealFiles(), now_ms=0)
    assert directory.was_clean
    for name, offset in points.items():
        log = directory.logs[name]
        assert log.recovery.scanned_segment_count == 0
        assert log.end_offset == offset
        assert len(directory.topic_id(*name) or "") == 22
    before = {p: p.read_bytes() for p in path.glob("*/*.log")}
    directory.close()
    assert {p: p.read_bytes() for p in path.glob("*/*.log")} == before
    assert (path / ".kafka_cleanshutdown").exists()


def test_after_an_unclean_stop_every_log_of_the_directory_ends_where_it_did(tmp_path: Path) -> None:
    path = tmp_path / "logs"
    shutil.copytree(golden() / "kafka43-logdir-clean", path)
    (path / ".kafka_cleanshutdown").unlink()
    (path / "recovery-point-offset-checkpoint").unlink()
    points = read_offsets((path / "replication-offset-checkpoint").read_bytes(), "points")
    directory = LogDirectory.open(str(path), CONFIG, RealFiles(), now_ms=0)
    assert {name: directory.logs[name].end_offset for name in points} == points
    assert all(not log.recovery.cuts for log in directory.logs.values())
    directory.close()


def test_kafkas_checkpoints_and_snapshots_are_written_back_byte_for_byte() -> None:
    for path in golden().glob("**/leader-epoch-checkpoint"):
        assert encode_epochs(read_epochs(path.read_bytes(), path.name)) == path.read_bytes()
    snapshots = list(golden().glob("**/*.snapshot"))
    assert snapshots
    for path in snapshots:
        states = read_snapshot(path.read_bytes(), path.name)
        stored = encode_snapshot(states)
        assert len(stored) == len(path.read_bytes())
        assert [p.producer_id for p in read_snapshot(stored)] == [p.producer_id for p in states]


def test_a_retry_of_a_batch_that_kafka_took_is_known_from_its_snapshot(tmp_path: Path) -> None:
    partition = tmp_path / "plain-0"
    shutil.copytree(golden() / "kafka43-logdir-clean" / "plain-0", partition)
    (batch,) = batches((partition / "00000000000000000000.log").read_bytes())
    start = LogStart(is_clean=True, recovery_point=60)
    log = Log.open(str(partition), CONFIG, RealFiles(), now_ms=0, start=start)
    again = log.append(bytes(batch.stored), now_ms=0)
    assert (again.is_duplicate, again.base_offset, again.last_offset) == (True, 0, 59)
    assert log.end_offset == 60
    log.close()

"""The small directories recorded with the reference Kafka: what needs no shared data.

Made by tests/live/reference_kafka/record_golden.py.
"""

import shutil
from pathlib import Path

from iowitness.impl.batch_format import Codec
from iowitness.impl.batch_reader import batches, records
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_files import RealFiles
from iowitness.impl.log_loading import LogStart
from tests.doubles.golden_kafka import dumped

RECORDED = Path(__file__).parent / "recorded"
SEGMENT = "00000000000000000000.log"
CONFIG = LogConfig(segment_byte_count=1 << 20)


def test_every_recorded_batch_is_what_kafkas_dump_says() -> None:
    found = []
    for batch in batches((RECORDED / "clean" / SEGMENT).read_bytes()):
        batch.check()
        header = batch.header
        found.append((header.base_offset, header.last_offset, header.record_count, header.crc))
    lines = dumped(RECORDED / "clean.dump.txt")
    fields = ("baseOffset", "lastOffset", "count", "crc")
    assert found == [tuple(int(line[name]) for name in fields) for line in lines]


def test_the_recorded_records_are_all_there_in_every_codec() -> None:
    number = 0
    codecs = set()
    for batch in batches((RECORDED / "clean" / SEGMENT).read_bytes()):
        codecs.add(batch.header.codec)
        for record in records(batch):
            assert (record.offset, record.key) == (number, b"k%d" % (number % 7))
            assert record.value == b"value-%05d-" % number * 6
            assert record.headers == ((("h", b"x"), ("null", None)) if number % 3 == 0 else ())
            number += 1
    assert (number, codecs) == (400, set(Codec))


def test_the_recorded_torn_partition_recovers_to_the_bytes_that_kafka_left(tmp_path: Path) -> None:
    shutil.copytree(RECORDED / "torn", tmp_path / "t-0")
    log = Log.open(str(tmp_path / "t-0"), CONFIG, RealFiles(), now_ms=0)
    assert [cut.byte_count for cut in log.recovery.cuts] == [37]
    log.close()
    for name in (SEGMENT, SEGMENT.replace("log", "index"), SEGMENT.replace("log", "timeindex")):
        ours, kafkas = tmp_path / "t-0" / name, RECORDED / "recovered" / name
        assert ours.read_bytes() == kafkas.read_bytes(), name


def test_the_recorded_clean_partition_needs_no_scan_and_is_left_as_it_was(tmp_path: Path) -> None:
    shutil.copytree(RECORDED / "clean", tmp_path / "t-0")
    start = LogStart(is_clean=True, recovery_point=400)
    log = Log.open(str(tmp_path / "t-0"), CONFIG, RealFiles(), now_ms=0, start=start)
    assert (log.end_offset, log.recovery.scanned_segment_count) == (400, 0)
    log.close()
    for path in (RECORDED / "clean").glob("*.*"):
        if path.suffix != ".snapshot":
            assert (tmp_path / "t-0" / path.name).read_bytes() == path.read_bytes()

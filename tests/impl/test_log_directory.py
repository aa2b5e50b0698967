"""A whole log directory: which folders are its partitions, and what is left alone."""

from pathlib import Path

import pytest

from iowitness.impl.batch_writer import encode_values
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_directory import LogDirectory, partition_of
from iowitness.impl.log_files import LogFiles, RealFiles
from tests.doubles.forgetting_files import ForgettingFiles

TOPIC_ID = "A" * 22
HASH = "0123456789abcdef" * 2


def open_directory(path: str, files: LogFiles) -> LogDirectory:
    return LogDirectory.open(path, LogConfig(), files, now_ms=0)


@pytest.mark.parametrize(
    ("folder", "partition"),
    [
        ("orders-0", ("orders", 0)),
        ("orders-delete-12", ("orders-delete", 12)),
        ("orders-00", None),
        ("orders-01", None),
        ("orders", None),
        (f"orders-0.{HASH}-future", None),
        ("lost+found", None),
    ],
)
def test_a_partitions_folder_is_told_by_its_name(
    folder: str, partition: tuple[str, int] | None
) -> None:
    assert partition_of(folder) == partition


def test_only_a_partition_being_deleted_is_removed_and_strangers_are_left_alone(
    tmp_path: Path,
) -> None:
    files = RealFiles()
    directory = open_directory(str(tmp_path), files)
    directory.create("orders", 0, topic_id=TOPIC_ID, now_ms=0)
    directory.close()
    doomed = tmp_path / f"orders-1.{HASH}-delete"
    strangers = [
        tmp_path / "backup-delete",
        tmp_path / "orders-delete",
        tmp_path / f"orders-2.{HASH}-future",
        tmp_path / f"orders-3.{HASH}-stray",
        tmp_path / "lost+found",
    ]
    for folder in (doomed, *strangers):
        folder.mkdir()
        (folder / "kept.log").write_bytes(b"x")
    core = tmp_path / "core-4711"
    core.write_bytes(b"a file that is named as a partition's folder")
    directory = open_directory(str(tmp_path), files)
    assert list(directory.logs) == [("orders", 0)]
    directory.close()
    assert not doomed.exists()
    assert core.exists()
    assert all((folder / "kept.log").exists() for folder in strangers)


def test_a_topic_of_the_longest_name_can_be_removed(tmp_path: Path) -> None:
    topic = "t" * 249
    directory = open_directory(str(tmp_path), RealFiles())
    directory.create(topic, 0, topic_id=TOPIC_ID, now_ms=0)
    directory.delete(topic)
    directory.close()
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_truncating_lowers_the_saved_recovery_point_before_anything_is_cut() -> None:
    files = ForgettingFiles()
    directory = open_directory("/d", files)
    log = directory.create("t", 0, topic_id=TOPIC_ID, now_ms=0)
    for _ in range(3):
        log.append(encode_values([b"v"], 5), now_ms=0)
    log.flush()
    directory.checkpoint()
    directory.truncate("t", 0, 1, now_ms=0)
    log.append(encode_values([b"w"], 5), now_ms=0)
    files.crash(1)
    directory = open_directory("/d", files)
    assert directory.logs["t", 0].end_offset >= 1
    assert b"t 0 1\n" in files.snapshot()["/d/recovery-point-offset-checkpoint"]


def test_a_stop_with_a_failed_sync_is_not_a_clean_one() -> None:
    files = ForgettingFiles()
    directory = open_directory("/d", files)
    for number in range(2):
        log = directory.create("t", number, topic_id=TOPIC_ID, now_ms=0)
        log.append(encode_values([b"v"], 5), now_ms=0)
    files.failing_syncs = 1
    with pytest.raises(OSError, match="input/output error"):
        directory.close()
    assert "/d/.kafka_cleanshutdown" not in files.snapshot()
    assert b"t 0 0\n" in files.snapshot()["/d/recovery-point-offset-checkpoint"]
    assert b"t 1 1\n" in files.snapshot()["/d/recovery-point-offset-checkpoint"]
    directory = open_directory("/d", files)
    assert directory.logs["t", 0].recovery.scanned_segment_count == 1

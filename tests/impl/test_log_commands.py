"""`iowitness log`, on logs that are sound, torn and damaged."""

import json
import struct
import zlib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from iowitness.impl.batch_writer import encode_batch
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_files import RealFiles
from iowitness.log_commands import log_group


def run(*arguments: str) -> Result:
    return CliRunner().invoke(log_group, arguments)


def write_log(folder: Path, *, segment_byte_count: int = 1_000) -> list[Path]:
    log = Log.open(
        str(folder), LogConfig(segment_byte_count=segment_byte_count), RealFiles(), now_ms=0
    )
    for number in range(20):
        log.append(encode_batch([(number, b"k", b"value-%d" % number * 9, ())]), now_ms=0)
    log.close()
    return sorted(folder.glob("*.log"))


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 0x40
    path.write_bytes(content)


def test_dump_says_one_line_a_batch_and_one_a_record(tmp_path: Path) -> None:
    write_log(tmp_path)
    result = run("dump", str(tmp_path), "--records", "--json")
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["offsets"] for line in lines if line["kind"] == "batch"] == [
        f"{number}..{number}" for number in range(20)
    ]
    assert [line["offset"] for line in lines if line["kind"] == "record"] == list(range(20))


def test_verify_of_a_sound_log_counts_and_leaves_with_0(tmp_path: Path) -> None:
    write_log(tmp_path)
    result = run("verify", str(tmp_path))
    assert (result.exit_code, "batches=20 " in result.output) == (0, True)


def test_verify_names_the_place_and_both_checksums_and_goes_on_after_it(tmp_path: Path) -> None:
    first, *_ = write_log(tmp_path)
    flip(first, 100)
    result = run("verify", str(tmp_path), "--json")
    assert result.exit_code == 1
    damage, summary = (json.loads(line) for line in result.stdout.splitlines())
    assert (damage["position"], damage["expected_offset"]) == (0, 0)
    assert damage["stored_crc32c"] != damage["computed_crc32c"]
    assert (summary["batches"], summary["damaged_places"]) == (19, 1)


def test_recover_cuts_a_torn_end_and_the_second_time_nothing(tmp_path: Path) -> None:
    *_, last = write_log(tmp_path)
    whole = last.read_bytes()
    last.write_bytes(whole + whole[:70])
    first, second = run("recover", str(tmp_path)), run("recover", str(tmp_path))
    assert (first.exit_code, "cut 70 B" in first.output) == (0, True)
    assert (second.exit_code, "cuts=0" in second.output) == (0, True)
    assert last.read_bytes() == whole


def test_recover_refuses_to_cut_damage_in_older_segments_unless_told_to(tmp_path: Path) -> None:
    first, second, *_ = write_log(tmp_path)
    flip(first, 100)
    refused = run("recover", str(tmp_path))
    assert refused.exit_code == 1
    assert "stored crc32c=0x" in refused.output
    assert second.exists()
    done = run("recover", str(tmp_path), "--cut")
    assert (done.exit_code, "end_offset=0 " in done.output) == (0, True)
    assert not second.exists()


def write_indexed_log(folder: Path) -> Path:
    config = LogConfig(index_interval_byte_count=0)
    log = Log.open(str(folder), config, RealFiles(), now_ms=0)
    for number in range(20):
        log.append(encode_batch([(number, b"k", b"value-%d" % number * 9, ())]), now_ms=0)
    log.close()
    (path,) = folder.glob("*.log")
    return path


@pytest.mark.parametrize(
    ("suffix", "entry", "position", "value", "reason"),
    [
        (".index", 5, 8 * 5 + 7, 1, "expected the first byte of a batch"),
        (".index", 18, 8 * 18 + 4, 16, "expected below the segment's"),
        (".index", 5, 8 * 5 + 3, 0, "expected 6 or more"),
        (".timeindex", 5, 12 * 5 + 7, 0, "expected both to rise"),
        (".timeindex", 18, 12 * 18 + 1, 16, "the latest record's"),
    ],
)
def test_verify_holds_the_indexes_to_the_batches(
    tmp_path: Path, suffix: str, entry: int, position: int, value: int, reason: str
) -> None:
    index = write_indexed_log(tmp_path).with_suffix(suffix)
    assert run("verify", str(tmp_path)).exit_code == 0
    content = bytearray(index.read_bytes())
    content[position] = value
    index.write_bytes(content)
    result = run("verify", str(tmp_path))
    assert result.exit_code == 1
    assert f"DAMAGED {index} entry {entry}: " in result.output
    assert reason in result.output
    assert run("recover", str(tmp_path)).exit_code == 0
    assert run("verify", str(tmp_path)).exit_code == 0


def test_an_index_as_a_crash_leaves_it_is_no_damage(tmp_path: Path) -> None:
    path = write_indexed_log(tmp_path)
    for suffix, byte_count in ((".index", 8_000), (".timeindex", 12_000)):
        with path.with_suffix(suffix).open("r+b") as index:
            index.truncate(byte_count)
    assert run("verify", str(tmp_path)).exit_code == 0
    with path.with_suffix(".index").open("r+b") as index:
        index.truncate(7_999)
    result = run("verify", str(tmp_path), "--json")
    assert result.exit_code == 1
    assert "expected a multiple of 8 B" in result.stdout


def test_a_torn_head_is_told_with_its_file_and_place(tmp_path: Path) -> None:
    *_, last = write_log(tmp_path)
    size = last.stat().st_size
    last.write_bytes(last.read_bytes() + b"\x17" * 37)
    result = run("verify", str(tmp_path))
    assert (result.exit_code, f"{last} at byte {size}: 37 B left" in result.output) == (1, True)


def test_noise_of_many_bytes_like_a_magic_is_passed_in_one_go(tmp_path: Path) -> None:
    first, *_ = write_log(tmp_path, segment_byte_count=100_000)
    sound = first.read_bytes()
    noise = bytes(range(256)) * 8_000
    first.write_bytes(sound[:1_000] + noise + sound)
    result = run("verify", str(tmp_path), "--json")
    damage, summary = (json.loads(line) for line in result.stdout.splitlines())
    assert damage["resumes_at"] > len(noise)
    assert summary["damaged_places"] == 1
    assert summary["batches"] == 20


def test_segments_that_overlap_are_damage(tmp_path: Path) -> None:
    first, second, *_ = write_log(tmp_path)
    first.write_bytes(first.read_bytes() + second.read_bytes())
    result = run("verify", str(tmp_path))
    assert result.exit_code == 1
    assert f"{second} at byte 0: base offset=" in result.output


def old_message(offset: int, magic: int) -> bytes:
    times = struct.pack(">q", 5) * magic
    checked = struct.pack(">bb", magic, 0) + times + struct.pack(">ii", -1, 20) + b"x" * 20
    head = struct.pack(">qiI", offset, len(checked) + 4, zlib.crc32(checked))
    return head + checked


@pytest.mark.parametrize("magic", [0, 1])
def test_old_messages_are_no_damage_and_never_cut(tmp_path: Path, magic: int) -> None:
    segment = tmp_path / f"{0:020d}.log"
    stored = b"".join(old_message(offset, magic) for offset in range(5))
    segment.write_bytes(stored)
    for command in (["verify"], ["dump"], ["recover"], ["recover", "--cut"]):
        result = run(*command, str(tmp_path))
        assert result.exit_code == 3, command
        assert f"at byte 0: a message of format {magic}" in result.output
    assert segment.read_bytes() == stored
    segment.write_bytes(stored[:-1] + b"y")
    assert run("verify", str(tmp_path)).exit_code == 3
    segment.write_bytes(stored[:20] + b"y" + stored[21:])
    assert run("verify", str(tmp_path)).exit_code == 1


def test_a_directory_that_is_open_elsewhere_is_not_recovered(tmp_path: Path) -> None:
    write_log(tmp_path / "t-0")
    lock = RealFiles().lock(str(tmp_path / ".lock"))
    try:
        for directory in (tmp_path, tmp_path / "t-0"):
            result = run("recover", str(directory))
            assert result.exit_code == 2
            assert "is locked" in result.output
    finally:
        lock.release()
    assert run("recover", str(tmp_path / "t-0")).exit_code == 0


def test_recover_tells_machines_what_it_did(tmp_path: Path) -> None:
    *_, last = write_log(tmp_path / "t-0")
    last.write_bytes(last.read_bytes() + b"torn")
    result = run("recover", str(tmp_path), "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["log"], told["end_offset"], len(told["cuts"])) == ("t-0", 20, 1)
    assert "stopped cleanly" in run("recover", str(tmp_path)).output
    again = json.loads(run("recover", str(tmp_path), "--json").stdout)
    assert again["kind"] == "clean"
    first, *_ = write_log(tmp_path / "u-0")
    flip(first, 100)
    result = run("recover", str(tmp_path / "u-0"), "--json")
    assert (result.exit_code, json.loads(result.stdout)["kind"]) == (1, "damage")


def test_what_cannot_be_opened_is_an_input_error(tmp_path: Path) -> None:
    write_log(tmp_path)
    (tmp_path / f"{99:020d}.log").mkdir()
    assert run("verify", str(tmp_path)).exit_code == 0
    result = run("recover", str(tmp_path))
    assert (result.exit_code, "Is a directory" in result.output) == (2, True)


@pytest.mark.parametrize("command", ["verify", "dump", "recover"])
def test_a_folder_without_segments_is_a_usage_error_and_stays_as_it_is(
    tmp_path: Path, command: str
) -> None:
    assert run(command, str(tmp_path)).exit_code == 2
    assert list(tmp_path.iterdir()) == []

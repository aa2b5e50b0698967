"""`iowitness log`, on logs that are sound, torn and damaged."""

import json
from pathlib import Path

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


def test_a_folder_without_segments_is_a_usage_error(tmp_path: Path) -> None:
    assert run("verify", str(tmp_path)).exit_code == 2

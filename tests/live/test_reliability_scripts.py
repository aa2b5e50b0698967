"""The reliability scripts that make file systems of their own, for a few seconds each."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from iowitness.impl.batch_writer import encode_values
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_directory import LogDirectory
from iowitness.impl.log_files import RealFiles

_SCRIPTS = Path(__file__).parents[2] / "bench" / "reliability"


def ran(script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(_SCRIPTS / f"{script}.py"), *arguments]
    environment = os.environ | variables
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env=environment
    )


def need(kind: str) -> None:
    for tool in (f"mkfs.{kind}", "mount"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if not Path("/dev/loop-control").exists():
        pytest.skip("no loop devices here: /dev/loop-control is missing")


def loop_mounts() -> list[str]:
    return [line for line in Path("/proc/mounts").read_text().splitlines() if "loop-images" in line]


@pytest.mark.root
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_a_file_system_shut_down_at_any_moment_keeps_what_was_acknowledged(kind: str) -> None:
    need(kind)
    run = ran("shutdown_loop", "--shutdowns", "12", "--file-systems", kind)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{kind}: 12 shutdowns" in run.stdout
    assert " 0 wrong" in run.stdout
    assert loop_mounts() == []


@pytest.mark.root
def test_appends_that_were_not_flushed_are_found_lost_after_a_shutdown(tmp_path: Path) -> None:
    need("ext4")
    arguments = ("--shutdowns", "40", "--file-systems", "ext4", "--flush-records", "1000")
    run = ran("shutdown_loop", *arguments, TMPDIR=str(tmp_path))
    assert run.returncode == 1, run.stdout + run.stderr
    assert "values found, expected" in run.stdout
    assert "again: ./dev bench reliability/shutdown_loop --seed 0 --shutdowns 40" in run.stdout


@pytest.mark.root
@pytest.mark.parametrize("kind", ["ext4", "xfs", "tmpfs"])
def test_a_broker_on_a_full_disk_says_so_and_works_again_once_there_is_room(kind: str) -> None:
    if kind != "tmpfs":
        need(kind)
    run = ran("full_disk", "--rounds", "4", "--file-systems", kind)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{kind}: 4 rounds, 4 told of no space" in run.stdout
    assert " 0 wrong" in run.stdout
    assert loop_mounts() == []


def test_a_clean_shutdown_marker_over_a_cut_log_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(_SCRIPTS)
    marker_fault = importlib.import_module("full_disk").marker_fault
    folder = tmp_path / "log"
    directory = LogDirectory.open(str(folder), LogConfig(), RealFiles(), now_ms=0)
    log = directory.create("t", 0, topic_id="A" * 22, now_ms=0)
    log.append(bytearray(encode_values([b"one"], 1)), now_ms=0)
    log.append(bytearray(encode_values([b"two"], 1)), now_ms=0)
    directory.close()
    assert marker_fault(folder, tmp_path / "copy") is None
    segment = Path(log.active_segment.file.path)
    segment.write_bytes(segment.read_bytes()[:-1])
    found = marker_fault(folder, tmp_path / "copy")
    assert found is not None
    assert found.startswith(".kafka_cleanshutdown stands over a")


@pytest.mark.root
def test_a_script_without_its_tools_says_which_and_exits_3(tmp_path: Path) -> None:
    run = ran("shutdown_loop", "--file-systems", "xfs", PATH=str(tmp_path))
    assert run.returncode == 3
    assert "mkfs.xfs (package xfsprogs)" in run.stderr

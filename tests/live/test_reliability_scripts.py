"""The reliability scripts that make file systems of their own, for a few seconds each."""

import importlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
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


@pytest.mark.root
@pytest.mark.parametrize("script", ["shutdown_loop", "full_disk"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_script_that_is_stopped_leaves_no_process_and_no_loop_device(
    script: str, number: signal.Signals, tmp_path: Path
) -> None:
    need("ext4")
    command = [sys.executable, str(_SCRIPTS / f"{script}.py"), "--file-systems", "ext4"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as run:
        until(lambda: loop_devices(tmp_path))
        run.send_signal(number)
        run.wait(30)
    until(lambda: not loop_devices(tmp_path))
    # A killed child of a killed parent may take a moment to go.
    until(lambda: not processes_in(tmp_path))


def loop_devices(folder: Path) -> list[str]:
    backings = Path("/sys/block").glob("loop*/loop/backing_file")
    return [told for told in map(text_of, backings) if told.startswith(str(folder))]


def processes_in(folder: Path) -> list[Path]:
    """Those that have the folder for temporary files."""
    environments = Path("/proc").glob("[0-9]*/environ")
    return [path for path in environments if f"TMPDIR={folder}" in text_of(path)]


def text_of(path: Path) -> str:
    """Nothing for what has gone meanwhile."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def until(happened: Callable[[], object]) -> None:
    end_s = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end_s, "nothing happened for 30 s"
        time.sleep(0.02)


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


def test_without_root_the_scripts_say_so_and_exit_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(_SCRIPTS)
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    with pytest.raises(SystemExit) as ended:
        importlib.import_module("loop_images").leave_if_missing(["tmpfs"])
    assert ended.value.code == 3
    assert capsys.readouterr().err.startswith("missing: root")


@pytest.mark.root
def test_a_script_without_its_tools_says_which_and_exits_3(tmp_path: Path) -> None:
    run = ran("shutdown_loop", "--file-systems", "xfs", PATH=str(tmp_path))
    assert run.returncode == 3
    assert "mkfs.xfs (package xfsprogs)" in run.stderr

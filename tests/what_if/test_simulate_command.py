"""`iowitness simulate` as it is typed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from iowitness.simulate_command import simulate

_WHAT_IF = """
title: Two sizes of batches
extends: ssd-sata
workload:
  duration_s: 300 ms
  warm_up_s: 50 ms
  producers: {records_per_s: 5000 records/s}
sweep:
  - {field: workload.producers.batch_size_byte_count, values: [4 KiB, 64 KiB]}
"""


def _invoke(*arguments: str) -> Result:
    return CliRunner().invoke(simulate, arguments)


@pytest.fixture
def what_if(tmp_path: Path) -> Path:
    path = tmp_path / "batches.yaml"
    path.write_text(_WHAT_IF)
    return path


def test_a_file_is_simulated_and_reported(what_if: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = _invoke(str(what_if), "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "64.0 KiB" in result.output
    assert {path.name for path in out.iterdir()} == {
        "report.html",
        "report.md",
        "figures.json",
        "results.jsonl",
    }


def test_seeds_give_intervals_and_the_same_command_the_same_bytes(
    what_if: Path, tmp_path: Path
) -> None:
    outputs = [
        _invoke(
            str(what_if), "--json", "--seeds", "3", "--seed", "7", "--out", str(tmp_path / name)
        ).output
        for name in ("one", "two")
    ]
    assert outputs[0] == outputs[1]
    told = json.loads(outputs[0])
    assert told["seeds"] == [7, 8, 9]
    (experiment,) = told["experiments"]
    small, large = (point["figures"] for point in experiment["points"])
    assert 0 < small["records_per_s"]["half_width"] < small["records_per_s"]["mean"]
    assert small["records_per_request"]["mean"] < large["records_per_request"]["mean"]


def test_one_seed_has_no_interval(what_if: Path, tmp_path: Path) -> None:
    told = json.loads(_invoke(str(what_if), "--json", "--out", str(tmp_path / "out")).output)
    figures = told["experiments"][0]["points"][0]["figures"]
    assert figures["stored_bytes_per_s"]["half_width"] is None


def test_everything_wrong_with_a_file_is_told_and_ends_with_2(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("extends: ssd-sata\npolicy: {flash: never}\nworkload: {duration_s: 5 MB}\n")
    result = _invoke(str(path), "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert [line.partition(": ")[0] for line in result.output.splitlines()] == [
        f"{path}:2:10",
        f"{path}:3:24",
    ]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.yaml",), "'nowhere.yaml', expected a YAML file, or one of"),
        ((), "WHAT_IF is missing"),
    ],
)
def test_no_file_is_a_usage_error(arguments: tuple[str, ...], message: str) -> None:
    result = _invoke(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_schema_and_list_are_printed() -> None:
    assert json.loads(_invoke("--schema").output)["title"] == "iowitness what-if"
    listed = _invoke("--list").output
    assert "sendfile-or-copy " in listed
    assert "presets: " in listed


def test_an_interruption_ends_everything_says_what_is_kept_and_the_command_goes_on(
    what_if: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "out" / "results.jsonl"
    command = [sys.executable, "-m", "iowitness", "simulate", str(what_if), "--out", "out"]
    with subprocess.Popen(
        [*command, "--seeds", "500", "--workers", "2"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        while running.poll() is None and not (kept.exists() and kept.stat().st_size):
            time.sleep(0.02)
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    count = len(kept.read_text().splitlines())
    assert f"{count} of 1000 runs are in" in said
    assert "Traceback" not in said
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert again.returncode == 0
    assert len(kept.read_text().splitlines()) <= count + 2

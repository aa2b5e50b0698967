"""The main job as a user runs it: the default suite, every fault, and what can go wrong."""

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from iowitness.real_run.sabotage import SABOTAGES

_COMMAND = (sys.executable, "-m", "iowitness", "verify")
_SMALL_SUITE = """
workload:
  segment_byte_count: 20000
  steps:
    - {step: produce, topic: plain, partition_count: 1, record_count: 300, batch_size: 4096}
    - {step: consume, topic: plain, partition_count: 1}
contracts:
  - {claim: sequential-writes, files: "**/*.log", roles: broker}
  - {claim: zero-copy-reads, files: "**/*.log", roles: broker}
"""


def run_verify(
    tmp_path: Path,
    arguments: Sequence[str] = (),
    env: dict[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    return subprocess.run(
        [*_COMMAND, "--out", str(tmp_path / "out"), "--scratch", str(scratch), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
        env={**os.environ, **(env or {})},
        preexec_fn=before,
    )


def small_suite(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(_SMALL_SUITE)
    return str(path)


def nothing_is_left(tmp_path: Path) -> bool:
    """No scratch file, no report or part of one, and no process that works below this folder."""
    left = [*(tmp_path / "scratch").iterdir(), *tmp_path.glob("*out*"), *tmp_path.glob(".out*")]
    return not left and not processes_naming(str(tmp_path))


def processes_naming(text: str) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if text.encode() in command:
            found.append(int(folder.name))
    return found


@pytest.mark.live
def test_the_default_suite_holds_and_is_predicted_exactly(tmp_path: Path) -> None:
    run = run_verify(tmp_path, ["--json"])
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    facts = told.get("run", told)
    assert {verdict["outcome"] for verdict in facts["verdicts"]} == {"HOLDS"}
    comparisons = facts["agreement"]["comparisons"]
    assert all(one["agrees"] and one["rule"] == "exact" for one in comparisons)
    assert sum(one["compared_count"] for one in comparisons) > 200
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} >= {
        "report.html",
        "report.md",
        "verdicts.json",
        "junit.xml",
        "trace.perfetto.json.gz",
        "run.strace",
        "observed.history.jsonl",
        "predicted.history.jsonl",
    }
    assert not ET.parse(out / "junit.xml").getroot().findall(".//failure")


@pytest.mark.live
@pytest.mark.parametrize("name", sorted(SABOTAGES))
def test_a_planted_fault_is_caught_by_its_contract_with_the_line_of_the_trace(
    tmp_path: Path, name: str
) -> None:
    run = run_verify(tmp_path, ["--sabotage", name])
    assert run.returncode in {1, 3}, run.stderr
    caught = SABOTAGES[name].caught_by
    blamed = [
        line
        for line in run.stdout.splitlines()
        if line.startswith((f"VIOLATED {caught}", f"UNKNOWN {caught}")) and "run.strace:" in line
    ]
    assert blamed, run.stdout


@pytest.mark.live
def test_a_hidden_mapping_alone_leaves_the_run_unknown(tmp_path: Path) -> None:
    run = run_verify(tmp_path, ["--sabotage", "hidden-mapping"])
    assert run.returncode == 3, run.stdout


def test_an_unknown_fault_is_refused_with_the_names_that_exist(tmp_path: Path) -> None:
    run = run_verify(tmp_path, ["--sabotage", "bit-rot"])
    assert run.returncode == 2
    assert "copying-reader" in run.stderr


def test_all_errors_of_a_suite_come_at_once_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        "workload:\n"
        "  steps:\n"
        "    - {step: produce, topic: a, partition_count: 0, record_count: 5}\n"
        "contracts:\n"
        "  - {claim: sequential-writes, files: '**/*.log', colour: red}\n"
        "  - {claim: no-such-claim}\n"
    )
    run = run_verify(tmp_path, ["--suite", str(path)])
    assert run.returncode == 2
    for place in (f"{path}:3:", f"{path}:5:", f"{path}:6:"):
        assert place in run.stderr


def test_a_suite_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    run = run_verify(tmp_path, ["--suite", "no-such-suite"])
    assert run.returncode == 2
    assert "no-such-suite" in run.stderr


def test_where_strace_is_missing_verify_exits_3_and_says_how_to_get_it(tmp_path: Path) -> None:
    run = run_verify(tmp_path, env={"PATH": str(tmp_path)})
    assert run.returncode == 3
    assert "apt-get install strace" in run.stderr
    assert nothing_is_left(tmp_path)


def test_where_ptrace_is_forbidden_verify_exits_3_and_says_what_to_do(tmp_path: Path) -> None:
    # What strace prints in a container whose seccomp profile forbids ptrace(2).
    fake = tmp_path / "bin" / "strace"
    fake.parent.mkdir()
    fake.write_text(
        "#!/bin/sh\n"
        "echo 'strace: test_ptrace_get_syscall_info: PTRACE_TRACEME: Operation not permitted' >&2\n"
        "echo 'strace: ptrace(PTRACE_TRACEME, ...): Operation not permitted' >&2\n"
        "exit 1\n"
    )
    fake.chmod(0o755)
    run = run_verify(tmp_path, env={"PATH": f"{fake.parent}:{os.environ['PATH']}"})
    assert run.returncode == 3
    assert "SYS_PTRACE" in run.stderr
    assert nothing_is_left(tmp_path)


@pytest.mark.live
def test_a_port_in_use_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = run_verify(tmp_path, ["--suite", small_suite(tmp_path), "--port", str(port)])
    assert run.returncode in {2, 3}
    assert str(port) in run.stderr
    assert nothing_is_left(tmp_path)


@pytest.mark.live
def test_a_file_system_that_takes_no_more_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    def limit() -> None:
        # Every write beyond this size fails (EFBIG), the raw trace's too; no root is needed.
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    run = run_verify(tmp_path, ["--suite", small_suite(tmp_path)], before=limit)
    assert run.returncode == 3, run.stderr
    assert run.stderr.strip()
    assert nothing_is_left(tmp_path)


@pytest.mark.live
@pytest.mark.root
def test_a_full_disk_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(scratch)], check=True)
    try:
        run = run_verify(tmp_path)
        assert run.returncode == 3, run.stderr
        assert "No space left" in run.stderr or "KAFKA_STORAGE_ERROR" in run.stderr
        assert nothing_is_left(tmp_path)
    finally:
        subprocess.run(["umount", str(scratch)], check=True)


@pytest.mark.live
@pytest.mark.parametrize("after_s", [0.8, 1.6])
def test_ctrl_c_leaves_no_process_and_no_part_of_a_report(tmp_path: Path, after_s: float) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with subprocess.Popen(
        [*_COMMAND, "--out", str(tmp_path / "out"), "--scratch", str(scratch)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        time.sleep(after_s)
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does: the whole group gets it
        _, said = process.communicate(timeout=60)
    # 130 by our own hand, or the signal itself where Python was just starting or ending.
    assert process.returncode in {130, -signal.SIGINT}, said
    for _ in range(50):
        if not processes_naming(str(tmp_path)):
            break
        time.sleep(0.1)
    assert nothing_is_left(tmp_path), shutil.which("ps")

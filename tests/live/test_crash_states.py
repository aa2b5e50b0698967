"""Crash states out of real traces: our broker, SQLite, git, and a small log with planted bugs."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from iowitness.crash.from_history import recording_of
from iowitness.crash.operations import Recording
from iowitness.crash.states import Bounds
from iowitness.crash_run.campaign import ModelTotal, Question, run
from iowitness.crash_run.folder_checker import FolderCheckers, FolderJudge
from iowitness.crash_run.recorded_workload import folder_contents
from iowitness.traces.capture import capture
from iowitness.traces.strace_history import read_history

pytestmark = pytest.mark.live

_SQLITE = """
import sqlite3, sys
path, mode, synchronous = sys.argv[1:]
db = sqlite3.connect(path + "/a.db", isolation_level=None)
db.execute(f"pragma journal_mode={mode}")
db.execute(f"pragma synchronous={synchronous}")
db.execute("create table t(k integer primary key, v text)")
for k in range(3):
    db.execute("insert into t values(?, ?)", (k, "v" * 300))
    print(k, flush=True)
"""
_KEY_VALUE = """
import os, sys
root, bug = sys.argv[1:]
path = root + "/values"
def keep(content):
    aside = path + ".tmp"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.write(descriptor, content)
    if bug != "no-sync":
        os.fsync(descriptor)
    os.close(descriptor)
    if bug == "tell-early":
        print(len(content), flush=True)
    os.rename(aside, path)
    if bug != "no-folder-sync":
        folder = os.open(root, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    if bug != "tell-early":
        print(len(content), flush=True)
for count in range(1, 5):
    keep(b"k" * count)
"""
_GIT = """
set -e
cd "$1"
git init -q --template= -b main .
git config user.name somebody
git config user.email somebody@example.org
git config gc.auto 0
[ "$2" = usual ] || git config core.fsync "$2"
echo text > file
git add file
git commit -q -m first
git rev-parse HEAD
"""


def recorded(folder: Path, command: list[str]) -> Recording:
    root, trace = folder / "root", folder / "a.strace"
    root.mkdir()
    with (folder / "told").open("wb") as told:
        done = capture(
            [*command[:2], str(root), *command[2:]],
            output=trace,
            content_byte_count=1 << 20,
            stdout=told,
        )
    assert done.exit_status == 0
    return recording_of(read_history(trace), str(root), kept=folder_contents(root))


def judged(
    recording: Recording, model: str, judge: FolderJudge, bounds: Bounds | None = None
) -> ModelTotal:
    source = partial(FolderCheckers, judge=judge)
    asked = Question(recording, (model,), bounds or Bounds(1, None), source, "judge")
    total = ModelTotal(model)
    for stretch in run(asked, workers=1, progress_file=None):
        total.add(stretch)
    assert total.state_count > 20
    return total


def sqlite_fault(folder: Path, said: bytes) -> str | None:
    database = sqlite3.connect(folder / "a.db")
    try:
        (verdict,) = database.execute("pragma integrity_check").fetchone()
        if verdict != "ok":
            return f"integrity: {verdict}"
        try:
            found = {str(key) for (key,) in database.execute("select k from t")}
        except sqlite3.OperationalError:
            found = set()  # a crash before the table was made
    finally:
        database.close()
    lost = set(said.decode().split()) - found
    return f"lost {sorted(lost)}" if lost else None


def sqlite_judged(tmp_path: Path, mode: str, synchronous: str) -> ModelTotal:
    (tmp_path / "app.py").write_text(_SQLITE)
    command = [sys.executable, str(tmp_path / "app.py"), mode, synchronous]
    return judged(recorded(tmp_path, command), "ext4-ordered", sqlite_fault)


def test_sqlites_write_ahead_log_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    assert sqlite_judged(tmp_path, "wal", "full").failures == []


def test_sqlites_rollback_journal_can_come_back_and_undo_a_commit(tmp_path: Path) -> None:
    # SQLite says so itself: synchronous=FULL does not sync the folder after the journal is
    # unlinked, which is what commits; EXTRA does. Source: https://sqlite.org/pragma.html
    total = sqlite_judged(tmp_path, "delete", "full")
    assert total.failure_count > 0
    assert all(one.fault.startswith("lost") for one in total.failures)


def test_sqlites_rollback_journal_with_extra_syncs_loses_nothing(tmp_path: Path) -> None:
    assert sqlite_judged(tmp_path, "delete", "extra").failures == []


def values_fault(folder: Path, said: bytes) -> str | None:
    told = [int(line) for line in said.split()]
    path = folder / "values"
    held = path.read_bytes() if path.exists() else b""
    if held.strip(b"k"):
        return f"damaged: {held!r}"
    return f"lost: {len(held)} B are there, {told[-1]} B were told" if told > [len(held)] else None


@pytest.mark.parametrize(
    ("bug", "fault"),
    [("none", None), ("no-sync", "damaged"), ("no-folder-sync", "lost"), ("tell-early", "lost")],
)
def test_a_small_store_is_caught_at_each_planted_bug_and_sound_without(
    tmp_path: Path, bug: str, fault: str | None
) -> None:
    (tmp_path / "store.py").write_text(_KEY_VALUE)
    recording = recorded(tmp_path, [sys.executable, str(tmp_path / "store.py"), bug])
    total = judged(recording, "weakest", values_fault)
    if fault is None:
        assert total.failures == []
    else:
        assert any(one.fault.startswith(fault) for one in total.failures)
        assert all(one.line for one in total.failures)


def git_fault(folder: Path, said: bytes) -> str | None:
    if not said:
        return None  # nothing was promised yet
    env = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(folder)}
    for command in (
        ["fsck", "--no-dangling", "--no-progress"],
        ["cat-file", "-e", said.split()[0]],
    ):
        ended = subprocess.run(
            ["git", "-C", folder, *command], env=env, capture_output=True, text=True, check=False
        )
        if ended.returncode:
            return f"git {command[0]}: {ended.stderr.strip().splitlines()[:1]}"
    return None


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_gits_loose_objects_may_be_empty_after_a_crash_unless_they_are_synced(
    tmp_path: Path,
) -> None:
    (tmp_path / "commit.sh").write_text(_GIT)
    found = {}
    for name in ("usual", "all"):
        (tmp_path / name).mkdir()
        recording = recorded(tmp_path / name, ["sh", str(tmp_path / "commit.sh"), name])
        found[name] = judged(recording, "ext4-ordered", git_fault, Bounds(1, None, False))
    broken = {
        name: [one.fault for one in total.failures if "object" in one.fault]
        for name, total in found.items()
    }
    assert broken["usual"]
    assert not broken["all"]


def iowitness(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "iowitness", "crash", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize("promise", ["flushed", "acknowledged"])
def test_our_broker_loses_nothing_that_it_promised(promise: str) -> None:
    ended = iowitness("--records", "16", "--lost", "1", "--promise", promise, "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(ended.stdout)
    assert [one["failure_count"] for one in told["models"]] == [0] * 5
    assert told["state_count"] > 3_000


def test_a_broken_promise_is_told_with_a_state_that_can_be_laid_out(tmp_path: Path) -> None:
    (tmp_path / "store.py").write_text(_KEY_VALUE)
    recorded(tmp_path, [sys.executable, str(tmp_path / "store.py"), "no-sync"])
    trace, root = str(tmp_path / "a.strace"), str(tmp_path / "root")
    check = "test ! -e $STATE/values || ! grep -q '[^k]' $STATE/values"
    given = (trace, "--root", root, "--model", "xfs", "--lost", "1")
    ended = iowitness(*given, "--check", check)
    assert ended.returncode == 0, ended.stdout
    ended = iowitness(*given, "--check", "test ! -e $STATE/values || test -s $STATE/values")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "VIOLATED xfs" in ended.stdout
    (state,) = {
        line.rpartition(" state ")[2]
        for line in ended.stdout.splitlines()
        if line.startswith("  first after line")
    }
    laid = tmp_path / "laid"
    assert iowitness(*given, "--replay", state, "--out", str(laid)).returncode == 0
    assert (laid / "values").read_bytes() == b""


def test_a_check_that_fails_on_the_folder_as_it_was_left_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "store.py").write_text(_KEY_VALUE)
    recorded(tmp_path, [sys.executable, str(tmp_path / "store.py"), "none"])
    ended = iowitness(
        str(tmp_path / "a.strace"), "--root", str(tmp_path / "root"), "--check", "false"
    )
    assert ended.returncode == 2
    assert "where nothing is lost" in ended.stderr

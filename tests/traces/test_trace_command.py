"""`iowitness trace`, on recordings and live."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from iowitness.trace_commands import commands
from iowitness.traces.events import Marked, Waited
from iowitness.traces.history_file import read_history_file
from iowitness.traces.phase_events import PhaseMissing, events_of_phase

(trace,) = commands
RECORDED = Path(__file__).parents[2] / "traces" / "recorded"


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(trace, [str(each) for each in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_a_recording_is_summarized() -> None:
    code, said = run("--summary", RECORDED / "redis-aof-always.strace.xz")
    assert code == 0
    assert "appendonly.aof.1.incr.aof" in said
    assert "100.0%" in said
    assert "11295 lines" in said


def test_figures_come_as_json() -> None:
    code, said = run("--summary", RECORDED / "sqlite-wal.strace.xz", "--json")
    assert code == 0
    figures = json.loads(said)
    wal = next(each for each in figures["files"] if each["path"].endswith("-wal"))
    assert wal["written_byte_count"] > 100_000


def test_a_trace_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "bad.strace"
    path.write_text("1 no call\n")
    code, said = run("--summary", path)
    assert code == 2
    assert "bad.strace:1:" in said


def test_one_source_is_expected() -> None:
    code, said = run()
    assert code == 2
    assert "expected one of" in said


def test_a_phase_is_what_lies_between_its_marks() -> None:
    at = {"start_ns": 0, "end_ns": 0, "process_id": 1, "thread_id": 1, "call": "write"}
    waits = [Waited(**at, line=number) for number in range(4)]
    begin, end = (Marked(**at, verb=verb, name="x") for verb in ("begin", "end"))
    events = [waits[0], begin, waits[1], end, waits[2], begin, waits[3]]
    assert list(events_of_phase(events, "x")) == [waits[1], waits[3]]
    with pytest.raises(PhaseMissing, match=r"phase=y, expected .*\['x'\]"):
        list(events_of_phase(events, "y"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--phase", "a", "--phase", "b", "--", "true"),
        ("--phase", "a"),
        ("--phase", "=true"),
        ("--phase", "a= "),
        ("--phase", "a", "--", "/nonexistent/program"),
        ("--summary", "t", "--phase", "a", "--phase", "b"),
    ],
)
def test_phases_that_fit_nothing_are_usage_errors(arguments: tuple[str, ...]) -> None:
    code, said = run(*arguments)
    assert code == 2
    assert "expected" in said


SHELL = """set -e
printf %s iowitness:begin:load >&- 2>/dev/null || :
echo x > out
printf %s iowitness:end:load >&- 2>/dev/null || :
"""
PYTHON = """import contextlib, os
with contextlib.suppress(OSError): os.write(-1, b"iowitness:begin:load")
open("out", "w").write("x ")
with contextlib.suppress(OSError): os.write(-1, b"iowitness:end:load")
"""
MARKS = {
    "sh": ["sh", "-c", SHELL],
    "bash": ["bash", "-c", SHELL],
    "python": [sys.executable, "-I", "-S", "-c", PYTHON],
}
"""How docs/traces.md says that programs mark their phases."""


def test_the_documentation_has_these_marks() -> None:
    text = (Path(__file__).parents[2] / "docs" / "traces.md").read_text(encoding="utf-8")
    assert SHELL.splitlines()[1] in text
    assert PYTHON.splitlines()[1] in text


@pytest.mark.live
class TestLive:
    @pytest.mark.parametrize("language", sorted(MARKS))
    def test_a_program_marks_its_phases(
        self, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if shutil.which(MARKS[language][0]) is None:
            pytest.skip(f"{MARKS[language][0]} is missing")
        monkeypatch.chdir(tmp_path)
        code, _ = run("--out", "t.strace", "--", *MARKS[language])
        assert code == 0
        code, said = run("--summary", "t.strace", "--json")
        (phase,) = json.loads(said)["phases"]
        assert (phase["name"], phase["times"]) == ("load", 1)
        assert phase["written_byte_count"] >= 2

    def test_a_phase_brackets_a_command_and_keeps_its_status(self, tmp_path: Path) -> None:
        out, status = (
            tmp_path / "t.strace",
            "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        )
        code, said = run("--out", out, "--phase", "it's", "--",
                         sys.executable, "-I", "-S", "-c", status)  # fmt: skip
        assert code == 128 + 15
        assert "Threads" in said
        code, said = run("--summary", out, "--json")
        assert [each["name"] for each in json.loads(said)["phases"]] == ["it's"]

    def test_stages_of_one_trace_are_its_phases(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        code, said = run("--out", "t.strace", "--suite", "append-only", "--json",
                         "--phase", "load=echo hello > out", "--phase", "fail=exit 7",
                         "--phase", "never=true")  # fmt: skip
        assert code == 7
        phases = {each["name"]: each for each in json.loads(said)["phases"]}
        assert list(phases) == ["load", "fail"]
        assert phases["load"]["written_byte_count"] >= 6

    def test_a_command_is_traced_and_its_status_kept(self, tmp_path: Path) -> None:
        out, history = tmp_path / "t.strace.zst", tmp_path / "h.jsonl.gz"
        target = tmp_path / "written"
        program = f"open({str(target)!r}, 'w').write('hello'); raise SystemExit(7)"
        code, said = run("--out", out, "--history", history, "--perfetto", tmp_path / "p.json.gz",
                         "--compare-untraced", "--suite", "append-only",
                         "--", sys.executable, "-I", "-S", "-c", program)  # fmt: skip
        assert code == 7
        assert "times as long" in said
        assert len(read_history_file(history)) > 0
        assert (tmp_path / "p.json.gz").stat().st_size > 100

    def test_a_process_is_attached_to_for_a_while(self, tmp_path: Path) -> None:
        code, said = run("--pid", str(os.getpid()), "--seconds", "0.2", "--out", tmp_path / "t")
        assert code == 0
        assert "Threads" in said

    def test_a_missing_strace_is_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", "/nonexistent")
        code, said = run("--out", tmp_path / "t", "--", "true")
        assert code == 3
        assert "apt-get install strace" in said

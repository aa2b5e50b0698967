"""`iowitness trace`, on recordings and live."""

import json
import os
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


@pytest.mark.live
class TestLive:
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

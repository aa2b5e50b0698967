"""Captures of small programs; live, because strace itself is what is tested."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from iowitness.traces.attachment import Attachment
from iowitness.traces.call_sets import CALLS_BY_KIND, calls_for
from iowitness.traces.capture import capture, find_tracer
from iowitness.traces.events import (
    CALL_KINDS,
    EVENT_KINDS,
    Executed,
    Marked,
    Read,
    Synced,
    ThreadNamed,
    Written,
)
from iowitness.traces.strace_command import (
    CaptureError,
    PtraceForbidden,
    StraceMissing,
    fallback_said,
    forbidden_said,
)
from iowitness.traces.strace_events import CONVERTERS
from iowitness.traces.strace_history import read_history


def python(program: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", textwrap.dedent(program)]


def test_every_kind_of_event_names_its_calls_and_every_call_has_a_converter() -> None:
    assert set(CALLS_BY_KIND) == CALL_KINDS
    without = calls_for(CALL_KINDS) - set(CONVERTERS)
    assert without == {"exit", "exit_group"}, "the ends of threads have lines of their own"
    assert set(EVENT_KINDS) - CALL_KINDS == {"BlockIssued"}


def test_strace_s_words_about_a_fallback_are_recognised() -> None:
    said = "strace: --seccomp-bpf is not enabled for processes attached with -p\n"
    assert fallback_said("hello\n" + said) == said.strip()
    assert fallback_said("hello") == ""


@pytest.mark.parametrize(
    "said",
    [
        "strace: attach: ptrace(PTRACE_SEIZE, 1): Operation not permitted",
        "strace: test_ptrace_get_syscall_info: PTRACE_TRACEME: Operation not permitted",
        "strace: ptrace(PTRACE_TRACEME, ...): Permission denied",
    ],
)
def test_a_refused_ptrace_is_recognised(said: str) -> None:
    assert forbidden_said(f"other\n{said}\n") == said


def test_a_missing_strace_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(StraceMissing, match="apt-get install strace"):
        find_tracer()


def test_a_forbidden_ptrace_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "strace"
    fake.write_text(
        "#!/bin/sh\n"
        "echo 'strace: ptrace(PTRACE_TRACEME, ...): Operation not permitted' >&2\nexit 1\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(PtraceForbidden, match=r"SYS_PTRACE.*ptrace_scope"):
        capture(["true"], output=tmp_path / "t.strace")


class TestLive:
    pytestmark = pytest.mark.live

    def test_what_a_program_does_is_read_back(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        program = python(f"""
            import os
            fd = os.open({str(out)!r}, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            os.write(fd, b"hello" * 40)
            os.fsync(fd)
            try: os.write(-1, b"iowitness:begin:write")
            except OSError: pass
            raise SystemExit(7)
        """)
        result = capture(program, output=tmp_path / "t.strace", content_byte_count=100)
        assert result.exit_status == 7
        history = read_history(tmp_path / "t.strace")
        written = [event for event in history.of_kind(Written) if event.file.path == str(out)]
        assert [(each.offset, each.byte_count) for each in written] == [(0, 200)]
        assert written[0].data == b"hello" * 20
        assert [event.scope for event in history.of_kind(Synced)] == ["all"]
        assert [event.name for event in history.of_kind(Marked)] == ["write"]
        assert next(history.of_kind(Executed)).path == sys.executable
        assert history.provenance.gaps == ()
        assert history.provenance.program[0] == sys.executable
        assert history.provenance.clock_resolution_ns == 1
        assert "Waited" not in history.visible_kinds
        assert "Mapped" in history.visible_kinds

    @pytest.mark.parametrize("ending", [".gz", ".zst"])
    def test_the_text_can_be_compressed_as_it_comes(self, tmp_path: Path, ending: str) -> None:
        raw = tmp_path / f"t.strace{ending}"
        capture(["true"], output=raw)
        assert raw.read_bytes()[:2] in (b"\x1f\x8b", b"\x28\xb5")
        assert len(read_history(raw)) > 0

    def test_a_name_that_is_no_utf_8_is_no_obstacle(self, tmp_path: Path) -> None:
        name = tmp_path / os.fsdecode(b"a\xff\\xff")
        name.write_bytes(b"x")
        output = tmp_path / os.fsdecode(b"t\xfe.strace")
        result = capture(["cat", name], output=output, stdout=subprocess.DEVNULL)
        assert result.exit_status == 0
        history = read_history(output)
        assert history.provenance.program == ("cat", os.fspath(name))
        paths = {each.file.path for each in history.of_kind(Read)}
        assert os.fspath(tmp_path) + r"/a\xff\x5cxff" in paths

    def test_a_program_that_cannot_be_run_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(CaptureError, match="/nonexistent"):
            capture(["/nonexistent"], output=tmp_path / "t.strace")

    def test_faults_are_passed_through(self, tmp_path: Path) -> None:
        program = python(f"""
            import os
            fd = os.open({str(tmp_path / "out")!r}, os.O_WRONLY | os.O_CREAT)
            for _ in range(3):
                try: os.fsync(fd)
                except OSError as error: print(error)
        """)
        raw = tmp_path / "t.strace"
        capture(
            program,
            output=raw,
            faults=["fsync:error=EIO:when=2+"],
            stdout=subprocess.DEVNULL,
        )
        history = read_history(raw)
        assert [event.error for event in history.of_kind(Synced)] == [None, "EIO", "EIO"]
        assert any("tampered with 2 calls" in note for note in history.provenance.notes)

    def test_a_signal_ends_the_program_and_leaves_nothing_behind(self, tmp_path: Path) -> None:
        program = (
            "import os,sys\n"
            "from pathlib import Path\n"
            "from iowitness.traces import capture\n"
            "capture.END_GRACE_S = 0.3\n"
            f"capture.capture(['sh', '-c', 'sleep 987 & echo $! >{tmp_path}/pid; wait'],"
            f" output=Path({str(tmp_path / 't.strace')!r}))\n"
        )
        with subprocess.Popen([sys.executable, "-c", program]) as process:
            while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
                time.sleep(0.01)
            sleeper = int((tmp_path / "pid").read_text())
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == -signal.SIGTERM
        deadline = time.monotonic() + 10
        while Path(f"/proc/{sleeper}").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not Path(f"/proc/{sleeper}").exists()

    def test_a_running_process_is_traced_with_all_its_threads(self, tmp_path: Path) -> None:
        raw = tmp_path / "t.strace"
        stop = threading.Event()
        target = tmp_path / "out"

        def write() -> None:
            with target.open("wb", buffering=0) as file:
                while not stop.is_set():
                    file.write(b"x")
                    time.sleep(0.001)

        thread = threading.Thread(target=write, name="writer")
        thread.start()
        try:
            with Attachment(os.getpid(), output=raw) as attached:
                started = target.stat().st_size
                while target.stat().st_size < started + 5:
                    time.sleep(0.001)
        finally:
            stop.set()
            thread.join()
        assert attached.result is not None
        assert attached.result.seccomp_fallback
        history = read_history(raw)
        written = [event for event in history.of_kind(Written) if event.file.path == str(target)]
        assert len(written) >= 5
        assert {event.process_id for event in written} == {os.getpid()}
        assert written[0].thread_id != os.getpid()
        assert written[0].offset is None, "the position was set before strace came"
        assert not [gap for gap in history.provenance.gaps if "still run" in gap.reason]

    def test_threads_have_names(self, tmp_path: Path) -> None:
        raw = tmp_path / "t.strace"
        program = python("""
            import ctypes
            ctypes.CDLL(None).prctl(15, b"sender", 0, 0, 0)
        """)
        capture(program, output=raw)
        assert "sender" in [event.name for event in read_history(raw).of_kind(ThreadNamed)]

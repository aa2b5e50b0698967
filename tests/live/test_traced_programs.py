"""Real programs in every form that strace writes: no line unread, and the bytes are the program's.

What a program wrote into a file, put together from the trace, has to be the file. Programs that are
missing are skipped by name.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from iowitness.traces.events import File, Transferred, Written
from iowitness.traces.history import History
from iowitness.traces.strace_history import read_history

pytestmark = pytest.mark.live

FORMS = {
    "pid column, unix time": ["-f", "-ttt", "-T", "-yy"],
    "nanoseconds": ["-f", "--absolute-timestamps=format:unix,precision:ns",
                    "--syscall-times=ns", "-yy"],
    "a file for each thread": ["-ff", "-ttt", "-T", "-yy"],
    "time of day, paths": ["-f", "-tt", "-T", "-y"],
    "whole seconds, command names": ["-f", "-t", "-Y", "-yy"],
    "relative": ["-f", "-r", "-T", "-yy"],
    "no time, no paths": ["-f"],
    "hexadecimal": ["-f", "-ttt", "-T", "-yy", "-xx"],
    "some hexadecimal, verbose": ["-f", "-ttt", "-x", "-v", "-yy"],
    "on standard error": ["-f", "-ttt", "-T", "-yy"],
    "seccomp filter": ["-f", "--seccomp-bpf", "-ttt", "-T", "-yy",
                       "-e", "trace=%desc,%file,%process,%net"],
}  # fmt: skip

THREADED = """
    import os, threading
    def work(number):
        fd = os.open(f"part{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        for step in range(20):
            os.write(fd, bytes([number]) * (step + 1))
        os.fsync(fd)
        os.close(fd)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    [each.start() for each in threads]
    [each.join() for each in threads]
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
"""
SQLITE = """
    import sqlite3
    base = sqlite3.connect("base.db")
    base.execute("pragma journal_mode=wal")
    base.execute("create table t(x)")
    for n in range(5):
        with base:
            base.executemany("insert into t values (?)", [(str(n) * 100,)] * 10)
    base.close()
"""
Program = Callable[[Path], "tuple[list[str], Callable[[], None] | None]"]


def needed(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def python(program: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", textwrap.dedent(program)]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def once(action: Callable[[], None]) -> None:
    """Repeat until the server answers."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return action()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def tar(folder: Path) -> tuple[list[str], None]:
    (folder / "in").mkdir()
    for number in range(5):
        (folder / "in" / f"f {number}").write_bytes(bytes([number]) * 5000)
    return [needed("tar"), "cf", "out.tar", "in"], None


def sqlite(folder: Path) -> tuple[list[str], None]:
    del folder
    pytest.importorskip("sqlite3")
    return python(SQLITE), None


def git(folder: Path) -> tuple[list[str], None]:
    git_path = needed("git")
    subprocess.run([git_path, "init", "-q", "."], cwd=folder, check=True)
    (folder / "file").write_text("content\n" * 100)
    return [git_path, "add", "file"], None


def threaded(folder: Path) -> tuple[list[str], None]:
    del folder
    return python(THREADED), None


def redis(folder: Path) -> tuple[list[str], Callable[[], None]]:
    server, port = needed("redis-server"), free_port()
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder),
               "--appendonly", "yes", "--appendfsync", "always", "--save", ""]  # fmt: skip

    def talk() -> None:
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            for number in range(10):
                client.sendall(f"SET k{number} v\r\n".encode())
                client.recv(100)
            client.sendall(b"SHUTDOWN\r\n")
            client.recv(100)

    return command, lambda: once(talk)


def nginx(folder: Path) -> tuple[list[str], Callable[[], None]]:
    server, port = needed("nginx"), free_port()
    (folder / "www").mkdir()
    (folder / "www" / "a.bin").write_bytes(os.urandom(300_000))
    folder.chmod(0o755)
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        "events {}\n"
        f"http {{ access_log {folder}/access.log; sendfile on;\n"
        f"server {{ listen 127.0.0.1:{port}; root {folder}/www; }} }}\n"
    )

    def fetch() -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/a.bin", timeout=5) as answer:
            assert len(answer.read()) == 300_000

    def talk() -> None:
        once(fetch)
        os.kill(int((folder / "pid").read_text()), signal.SIGQUIT)

    return [server, "-c", str(config), "-e", str(folder / "error.log")], talk


PROGRAMS: dict[str, Program] = {
    "tar": tar, "sqlite": sqlite, "git": git, "threads": threaded, "redis": redis, "nginx": nginx,
}  # fmt: skip


def traced(folder: Path, raw: Path, options: list[str], form: str, program: Program) -> Path:
    """Run a program under strace; where its text is."""
    command, talk = program(folder)
    arguments = [needed("strace"), *options, "-s", "400000"]
    with open(raw, "wb") as error:
        if form == "a file for each thread":
            raw = raw.with_name("threads")
            raw.mkdir()
            arguments += ["-o", str(raw / "t")]
        elif form != "on standard error":
            arguments += ["-o", str(raw)]
        quiet = error if form == "on standard error" else subprocess.DEVNULL
        with subprocess.Popen(
            [*arguments, "--", *command], cwd=folder, stdout=subprocess.DEVNULL, stderr=quiet
        ) as process:
            try:
                if talk is not None:
                    talk()
                assert process.wait(60) == 0
            except BaseException:
                process.kill()
                raise
    return raw


def rebuilt(history: History) -> dict[str, dict[int, bytes]]:
    """Pieces of files by path, as far as their place and all of their bytes are known."""
    pieces: dict[str, dict[int, bytes]] = defaultdict(dict)
    for event in history.of_kind(Written):
        is_whole = event.data is not None and len(event.data) == event.byte_count
        if event.offset is not None and event.data is not None and is_whole:
            pieces[event.file.path][event.offset] = event.data
    return pieces


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_line_is_read(name: str, form: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    raw = traced(folder, tmp_path / "t.strace", FORMS[form], form, PROGRAMS[name])
    history = read_history(raw)
    files = [Path(file) for file in history.provenance.raw_files]
    lines = sum(file.read_bytes().count(b"\n") for file in files)
    assert sum(history.provenance.line_counts.values()) == lines
    assert lines > 100
    assert history.provenance.gaps == ()
    compare_with_files(name, history, folder)


def compare_with_files(name: str, history: History, folder: Path) -> None:
    """What the trace says was written is what is there."""
    pieces = rebuilt(history)
    if name == "threads":
        for number in range(4):
            path = folder / f"part{number}"
            found = found_pieces(pieces, path)
            assert b"".join(found[place] for place in sorted(found)) == path.read_bytes()
    elif name == "tar":
        found = found_pieces(pieces, folder / "out.tar")
        assert (
            b"".join(found[place] for place in sorted(found)) == (folder / "out.tar").read_bytes()
        )
    elif name == "nginx":
        sent = [
            event
            for event in history.of_kind(Transferred)
            if isinstance(event.source, File) and event.source.path.endswith("a.bin")
        ]
        assert sum(event.byte_count for event in sent) == 300_000
    elif name == "redis":
        logs = [path for path in pieces if path.endswith(".incr.aof")]
        assert logs
        text = b"".join(b"".join(pieces[path][at] for at in sorted(pieces[path])) for path in logs)
        assert text.count(b"\r\nv\r\n") == 10
    elif name == "sqlite":
        assert any(event.file.path.endswith("base.db-wal") for event in history.of_kind(Written))
    else:
        assert any("objects" in event.file.path for event in history.of_kind(Written))


def found_pieces(pieces: dict[str, dict[int, bytes]], path: Path) -> dict[int, bytes]:
    """The pieces of a file, by its path or, where strace told no directory, by its name."""
    return next(found for known, found in pieces.items() if known in (str(path), path.name))

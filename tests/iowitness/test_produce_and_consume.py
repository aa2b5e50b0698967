"""`iowitness produce` and `iowitness consume`, as processes, against a broker."""

import fcntl
import os
import pty
import re
import shlex
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from iowitness.impl.producer import Producer
from iowitness.impl.server import Server
from iowitness.impl.server_config import ServerConfig
from tests.doubles.running_broker import GROUPS_AT_ONCE, address, running_broker

_COMMAND = [sys.executable, "-m", "iowitness"]
_PATIENCE_S = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = ServerConfig(groups=GROUPS_AT_ONCE)
    with running_broker(tmp_path_factory.mktemp("broker"), config) as server:
        yield server


def _run(server: Server, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*_COMMAND, *arguments, "--bootstrap", address(server)],
        input=given,
        capture_output=True,
        timeout=_PATIENCE_S,
        check=False,
    )


def test_lines_with_keys_come_back_and_the_rate_is_told(server: Server) -> None:
    given = b"k1:one\nk2:two\nalone\n"
    sent = _run(server, "produce", "-t", "lines", "-K", ":", "-z", "lz4", given=given)
    assert (sent.returncode, sent.stdout) == (0, b"")
    assert re.match(rb"sent 3 records, 15 B in [0-9.]+ s: [0-9,]+ records/s", sent.stderr)
    read = _run(server, "consume", "-t", "lines", "-K", ":")
    assert (read.returncode, read.stdout) == (0, b"k1:one\nk2:two\n:alone\n")
    assert read.stderr.startswith(b"read 3 records, 21 B in ")
    assert _run(server, "consume", "-t", "lines", "--from", "1", "-c", "1").stdout == b"two\n"
    assert _run(server, "consume", "-t", "lines", "--from", "latest").stdout == b""


@pytest.mark.parametrize("form", ["sized", "json"])
def test_files_of_any_bytes_go_from_topic_to_topic(
    server: Server, form: str, tmp_path: Path
) -> None:
    with Producer(address(server)) as producer:
        producer.send(f"from-{form}", b"\xff\n\x00", key=b"k")
        producer.send(f"from-{form}", None, key=b"gone")
        producer.send(f"from-{form}", b"", key=None, timestamp_ms=1_000)
    first = _run(server, "consume", "-t", f"from-{form}", "--form", form)
    (tmp_path / "records").write_bytes(first.stdout)
    file = str(tmp_path / "records")
    assert _run(server, "produce", "-t", f"to-{form}", "--form", form, file).returncode == 0
    again = _run(server, "consume", "-t", f"to-{form}", "--form", form)
    assert again.stdout.replace(b"to-json", b"from-json") == first.stdout
    assert len(first.stdout) > 30


def test_a_group_goes_on_where_it_was(server: Server) -> None:
    assert _run(server, "produce", "-t", "shared", "-p", "0", given=b"a\nb\n").returncode == 0
    assert _run(server, "consume", "-t", "shared", "-g", "g").stdout == b"a\nb\n"
    assert _run(server, "produce", "-t", "shared", "-c", "1", given=b"c\nd\n").returncode == 0
    assert _run(server, "consume", "-t", "shared", "-g", "g").stdout == b"c\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("consume", "-t", "nowhere"), b"nowhere--1: the broker answered UNKNOWN_TOPIC"),
        (("consume", "-t", "lines", "-p", "7"), b"partition=7, expected 0..0 of lines"),
        (("consume", "-t", "lines", "--from", "noon"), b"--from=noon, expected earliest"),
        (("consume", "-t", "lines", "-g", "g", "--from", "3"), b"expected earliest or latest"),
        (("produce", "-t", "lines", "--form", "json"), b"<stdin>:1: "),
    ],
)
def test_wrong_input_exits_2_and_says_why(
    server: Server, arguments: tuple[str, ...], why: bytes
) -> None:
    server.ensure_topic("lines", 1)
    told = _run(server, *arguments, given=b"no json\n")
    assert told.returncode == 2
    assert why in told.stderr


def test_a_broker_that_is_not_there_exits_2() -> None:
    command = [*_COMMAND, "consume", "-t", "t", "-b", "127.0.0.1:1"]
    told = subprocess.run(command, capture_output=True, timeout=_PATIENCE_S, check=False)
    assert told.returncode == 2
    assert b"is the broker running?" in told.stderr


def test_a_peer_that_speaks_something_else_exits_2_and_says_what_came() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        command = [*_COMMAND, "consume", "-t", "t", "-b", f"127.0.0.1:{port}"]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as reading:
            client, _ = listener.accept()
            with client:
                client.recv(100)
                client.sendall(bytes(8))
                assert reading.wait(_PATIENCE_S) == 2
            assert reading.stderr is not None
            assert b"answer size=0 B, expected at least 4 B" in reading.stderr.read()


def test_records_that_the_broker_refuses_exit_1(tmp_path: Path) -> None:
    with running_broker(tmp_path) as server:
        told = _run(server, "produce", "-t", "t", "-p", "3", given=b"a\nb\n")
    assert told.returncode == 1
    assert b"2 records were not acknowledged: partition=3, expected 0..0 of t" in told.stderr


def _wait_until_read(pipe: int) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_an_interrupt_sends_what_was_read_and_stores_what_was_written(server: Server) -> None:
    command = [*_COMMAND, "produce", "-t", "cut", "--linger-ms", "20000", "-b", address(server)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as sending:
        assert sending.stdin is not None
        assert sending.stderr is not None
        sending.stdin.write(b"one\n")
        sending.stdin.flush()
        _wait_until_read(sending.stdin.fileno())
        time.sleep(0.5)  # it has handed the line over by now, and lingers
        sending.send_signal(signal.SIGINT)
        assert sending.wait(_PATIENCE_S) == 130
        assert b"sent 1 records" in sending.stderr.read()
    command = [*_COMMAND, "consume", "-t", "cut", "-g", "cut", "-f", "-b", address(server)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reading:
        assert reading.stdout is not None
        assert reading.stdout.readline() == b"one\n"
        reading.send_signal(signal.SIGINT)
        assert reading.wait(_PATIENCE_S) == 130
    assert _run(server, "consume", "-t", "cut", "-g", "cut").stdout == b""


def test_a_reader_that_closes_the_pipe_ends_it_quietly(server: Server) -> None:
    lines = b"".join(b"%06d\n" % number for number in range(50_000))
    assert _run(server, "produce", "-t", "long", given=lines).returncode == 0
    consume = shlex.join([*_COMMAND, "consume", "-t", "long", "-b", address(server)])
    told = subprocess.run(
        ["sh", "-c", f"{{ {consume}; echo $? >&2; }} | head -n 2"],
        capture_output=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    assert told.stdout == b"000000\n000001\n"
    assert told.stderr.splitlines()[-1] == b"0"
    assert b"Traceback" not in told.stderr


def test_a_terminal_sees_the_progress(server: Server) -> None:
    ours, theirs = pty.openpty()
    command = [*_COMMAND, "produce", "-t", "slow", "-b", address(server)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=theirs) as sending:
        os.close(theirs)
        assert sending.stdin is not None
        shown = b""
        for _ in range(100):
            sending.stdin.write(b"line\n")
            sending.stdin.flush()
            time.sleep(0.05)
            os.set_blocking(ours, False)
            try:
                shown += os.read(ours, 4096)
            except BlockingIOError:
                continue
            break
        sending.stdin.close()
        assert sending.wait(_PATIENCE_S) == 0
    os.close(ours)
    assert re.match(rb"\r\x1b\[Ksent \d+ records, \d+ B in ", shown)


def test_the_readmes_example_does_what_it_says(server: Server, tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    section = readme.partition("## Records in and out")[2].partition("\n## ")[0]
    (script,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    command = shlex.join(_COMMAND)
    (tmp_path / "iowitness").write_text(f'#!/bin/sh\nexec {command} "$@" -b {address(server)}\n')
    (tmp_path / "iowitness").chmod(0o755)
    told = subprocess.run(
        ["sh", "-ec", script],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        timeout=_PATIENCE_S,
        check=True,
    )
    json_line, *lines = told.stdout.splitlines()
    assert json_line.startswith(b'{"topic":"words","partition":0,"offset":0,"timestamp_ms":')
    assert lines == [b"k1=one", b"k2=two"]
    assert told.stderr.startswith(b"sent 2 records, 10 B in ")

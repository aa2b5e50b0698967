"""`iowitness serve`: starts, says where, stops cleanly, and says what is wrong where it cannot."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer as ConfluentProducer

from iowitness.command_line import iowitness
from tests.doubles.broker_process import started, until
from tests.doubles.prometheus_page import parsed_page
from tests.doubles.raw_client import RawClient
from tests.doubles.served import refused, served

_ROOT = Path(__file__).parents[2]
_WAIT_FOR_PORT = "until (exec 3<>/dev/tcp/127.0.0.1/9092) 2>/dev/null; do sleep 0.05; done"
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.mark.client
@pytest.mark.parametrize("number", _SIGNALS)
def test_a_signal_stops_it_cleanly_with_what_was_acknowledged(
    tmp_path: Path, number: signal.Signals
) -> None:
    with served(tmp_path) as server:
        producer = ConfluentProducer({"bootstrap.servers": server.address})
        producer.produce("t", b"value")
        assert producer.flush(20) == 0
        assert server.line == f"listening on {server.address} (PLAINTEXT), data in {tmp_path}"
        server.process.send_signal(number)
        output, _ = server.process.communicate(timeout=20)
        assert server.process.returncode == 0
        assert output == "stopped cleanly\n"
    assert (tmp_path / ".kafka_cleanshutdown").exists()
    checked = CliRunner().invoke(iowitness, ["log", "verify", str(tmp_path)])
    assert checked.exit_code == 0
    assert "batches=1" in checked.output


@pytest.mark.parametrize("number", _SIGNALS)
def test_a_second_signal_ends_at_once_what_takes_long_to_stop(
    tmp_path: Path, number: signal.Signals
) -> None:
    with started(tmp_path, None, "stuck") as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        process.send_signal(number)
        assert process.stdout.readline() == "stuck\n"
        process.send_signal(number)
        assert process.wait(20) == -number


def test_a_directory_in_use_is_told(tmp_path: Path) -> None:
    with served(tmp_path):
        found = refused("--dir", str(tmp_path), "--port", "0")
    assert found.returncode == 2
    assert str(tmp_path) in found.stderr
    assert "Traceback" not in found.stderr


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        found = refused("--dir", str(tmp_path), "--port", str(port))
    assert found.returncode == 2
    assert f"host=127.0.0.1 port={port} is in use, expected a free port" in found.stderr


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--host", "0.0.0.0"], "expected --advertise HOST"),
        (["--host", "0.0.0.0", "--advertise", "here"], "--insecure-listen"),
        (["--tls-cert", "cert.pem"], "TLS needs both --tls-cert and --tls-key"),
        (["--tls-cert", "none.pem", "--tls-key", "none.pem"], "none.pem: No such file"),
        (["--users", "none"], "none: No such file"),
        (["--config", "none"], "none: No such file"),
    ],
)
def test_what_is_wrong_with_the_options_is_told(
    tmp_path: Path, options: list[str], expected: str
) -> None:
    found = CliRunner().invoke(iowitness, ["serve", "--dir", str(tmp_path / "data"), *options])
    assert found.exit_code == 2
    assert expected in found.output


def test_a_settings_file_is_heeded_and_its_errors_are_told_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "server.properties"
    path.write_text("max.connections=1\niowitness.first.byte.ms=60000\n")
    with (
        served(tmp_path / "data", "--config", str(path)) as server,
        RawClient(server.port) as first,
        RawClient(server.port) as second,
    ):
        assert first.is_served()
        assert second.wait_closed() == b""
    path.write_text("max.connections=1\nnum.partition=3\n\nlog.segment.bytes=many\n")
    found = refused("--dir", str(tmp_path / "data"), "--config", str(path))
    assert found.returncode == 2
    assert f"{path}:2:1: num.partition: unknown setting" in found.stderr
    assert "did you mean num.partitions?" in found.stderr
    assert f"{path}:4:1: log.segment.bytes=many" in found.stderr


def test_it_says_where_its_metrics_are(tmp_path: Path) -> None:
    with served(tmp_path, "--metrics", "0") as server:
        assert server.process.stdout is not None
        line = server.process.stdout.readline()
        assert line.startswith("metrics on http://127.0.0.1:")
        with urllib.request.urlopen(line.split()[2], timeout=20) as response:
            page = parsed_page(response.read().decode())
    assert page["iowitness_connections"].samples == {("iowitness_connections", frozenset()): 0}


def test_its_help_fits_a_screen_and_shows_an_example() -> None:
    told = CliRunner().invoke(iowitness, ["serve", "--help"]).output
    assert len(told.splitlines()) <= 40
    assert "Example: iowitness serve --dir" in told


def test_the_readme_s_commands_do_what_they_say(tmp_path: Path) -> None:
    if shutil.which("kcat") is None:
        pytest.skip("kcat is not installed")
    page = (_ROOT / "README.md").read_text()
    found = re.search(r"## A server for Kafka clients.*?```sh\n(.*?)```", page, re.DOTALL)
    assert found is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start, _, rest = found[1].partition("\n")
    script = f"{start}\n{_WAIT_FOR_PORT}\n{rest}"
    script = script.replace("/tmp/iowitness-data", str(tmp_path)).replace("9092", str(port))
    paths = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-c", script + "\nwait\n"],
        env={**os.environ, "PATH": paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "hello" in ran.stdout.splitlines()
    assert "stopped cleanly" in ran.stdout
    until(lambda: (tmp_path / ".kafka_cleanshutdown").exists())

"""The reference Kafka: one broker of pinned version on loopback, and its dump tool."""

import contextlib
import functools
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.golden_kafka import dumped_lines

REPOSITORY = Path(__file__).parents[2]
CACHE = REPOSITORY / ".cache" / "reference-kafka"
CLUSTER_ID = "iowitness-reference-kA"

_BROKER = "kafka.Kafka"
_START_S = 90
_STOP_S = 60

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
log.segment.bytes={segment_byte_count}
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""


@functools.cache
def _classpath() -> str:
    fetched = subprocess.run(
        [REPOSITORY / "tests" / "live" / "reference_kafka" / "fetch.sh", CACHE],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    if fetched.returncode != 0:
        pytest.skip(f"the reference Kafka could not be fetched: {fetched.stderr[-300:]}")
    return f"{CACHE}/jars/*"


def java_command(main_class: str, *arguments: str) -> list[str]:
    """How a program of the reference Kafka is started."""
    # Tools live for a second or two: the second compiler would only cost.
    brief = ["-XX:TieredStopAtLevel=1"] if main_class != _BROKER else []
    return ["java", "-Xmx512m", *brief, "-cp", _classpath(), main_class, *arguments]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ReferenceKafka:
    """A broker on a data directory of its own, started and stopped as often as need be."""

    def __init__(self, folder: Path, segment_byte_count: int = 1_048_576) -> None:
        self.data = folder / "data"
        self.port = _free_port()
        self._properties = folder / "server.properties"
        self._output = folder / "broker.out"
        self._properties.write_text(
            _PROPERTIES.format(
                port=self.port,
                controller_port=_free_port(),
                data=self.data,
                segment_byte_count=segment_byte_count,
            )
        )
        tool("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self._properties))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def running(self, stop: signal.Signals = signal.SIGTERM) -> Iterator[None]:
        """The broker, up; stopped cleanly at the end, or killed with SIGKILL."""
        with self._output.open("ab") as output:
            command = java_command(_BROKER, str(self._properties))
            broker = subprocess.Popen(command, stdout=output, stderr=output)
            try:
                self._wait(broker)
                yield
            finally:
                broker.send_signal(stop)
                try:
                    broker.wait(_STOP_S)
                except subprocess.TimeoutExpired:
                    broker.kill()
                    broker.wait()
                    raise

    def _wait(self, broker: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            assert broker.poll() is None, self._output.read_text()[-2000:]
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), 1),
            ):
                return
            time.sleep(0.2)
        raise TimeoutError(f"the broker did not listen within {_START_S} s")


def dump(*paths: Path, deep: bool = False) -> list[dict[str, str]]:
    """What DumpLogSegments says of each batch."""
    arguments = ["--files", ",".join(map(str, paths))] + ["--deep-iteration"] * deep
    text = tool("org.apache.kafka.tools.DumpLogSegments", *arguments)
    assert not re.search(r"(?i)mismatch|corrupt|isvalid: false", text), text[-2000:]
    return dumped_lines(text)


def dump_text(*arguments: str) -> str:
    """The raw output of DumpLogSegments."""
    return tool("org.apache.kafka.tools.DumpLogSegments", *arguments)


def tool(main_class: str, *arguments: str, given: str = "") -> str:
    """What one of Kafka's command-line tools prints, with something typed into it."""
    done = subprocess.run(
        java_command(main_class, *arguments),
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    return done.stdout

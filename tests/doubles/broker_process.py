"""A broker of ours in a process of its own: its log lines, its memory and its sockets."""

import contextlib
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from iowitness.impl.server_config import ServerConfig

_ROOT = Path(__file__).parents[2]
_RESIDENT = "VmRSS:"
_PEAK = "VmHWM:"


class BrokerProcess(Struct, frozen=True):
    """A broker that runs: its port, its process and the file that its log goes to."""

    port: int
    process_id: int
    log_path: Path
    lonely_socket_count: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def closing_lines(self) -> list[str]:
        """The log lines that say that a connection was closed, and anything worse."""
        lines = self.log_path.read_text().splitlines()
        return [line for line in lines if "closed" in line or "Traceback" in line]

    def resident_byte_count(self) -> int:
        return self._memory(_RESIDENT)

    def peak_byte_count(self) -> int:
        """The most that was ever resident since `forget_peak`."""
        return self._memory(_PEAK)

    def forget_peak(self) -> None:
        """Start measuring the peak anew. Source: proc(5), /proc/pid/clear_refs."""
        Path(f"/proc/{self.process_id}/clear_refs").write_text("5")

    def is_alone(self) -> bool:
        """Whether every descriptor that a client cost is back."""
        return _socket_count(self.process_id) <= self.lonely_socket_count

    def _memory(self, name: str) -> int:
        status = Path(f"/proc/{self.process_id}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(name))
        return int(line.split()[1]) * 1024


def _socket_count(process_id: int) -> int:
    count = 0
    for descriptor in Path(f"/proc/{process_id}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            count += str(descriptor.readlink()).startswith("socket:")
    return count


@contextlib.contextmanager
def broker_process(folder: Path, config: ServerConfig | None = None) -> Iterator[BrokerProcess]:
    """A broker that serves while the block runs, and has to stop cleanly after it."""
    with started(folder, config) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield BrokerProcess(port, process.pid, folder / "broker.log", _socket_count(process.pid))
        process.terminate()
        assert process.wait(20) == 0


@contextlib.contextmanager
def started(
    folder: Path, config: ServerConfig | None, *arguments: str
) -> "Iterator[subprocess.Popen[str]]":
    """The process, which tells its port on standard output; killed if it is there at the end."""
    command = [sys.executable, "-m", "tests.doubles.broker_main", str(folder), *arguments]
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdin is not None
            process.stdin.buffer.write(pickle.dumps(config))
            process.stdin.close()
            yield process
        finally:
            process.kill()


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something to become true, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.01)

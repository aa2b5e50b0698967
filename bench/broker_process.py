"""A broker of ours in a process of its own, as the benchmarks that talk to one use it."""

import contextlib
import multiprocessing
import shutil
import signal
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from iowitness.impl.log_config import LogConfig
from iowitness.impl.server import Server
from iowitness.impl.server_config import ServerConfig


class BrokerProcess:
    """Where it listens, and what it has used."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        self.bootstrap = f"127.0.0.1:{port}"


def process_cpu_s(pid: int) -> float:
    """CPU seconds that a process's living threads have used. Source: Linux, sched-stats.rst."""
    used_ns = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            used_ns += int((task / "schedstat").read_text().split()[0])
    return used_ns / 1e9


def _serve(folder: str, config: ServerConfig, report: Connection) -> None:
    server = Server(folder, config)
    server.stop_on(signal.SIGTERM)
    report.send(server.port)
    server.run()


def memory_folder() -> str | None:
    """Where files take no disk, so that no write-back disturbs; None for the usual place."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


@contextlib.contextmanager
def broker_process(config: ServerConfig | None = None) -> Iterator[BrokerProcess]:
    """A broker on an empty folder, gone afterwards."""
    folder = tempfile.mkdtemp(prefix="bench-broker-", dir=memory_folder())
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    config = config or ServerConfig(log=LogConfig())
    process = context.Process(target=_serve, args=(folder, config, theirs), daemon=True)
    process.start()
    try:
        assert process.pid is not None
        yield BrokerProcess(process.pid, ours.recv())
    finally:
        process.terminate()
        process.join(30)
        shutil.rmtree(folder, ignore_errors=True)

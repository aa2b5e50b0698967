"""A broker of ours in a process of its own, as the benchmarks that talk to one use it."""

import contextlib
import multiprocessing
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from iowitness.impl.log_config import LogConfig
from iowitness.impl.server import Server
from iowitness.impl.server_config import ServerConfig

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class BrokerProcess:
    """Where it listens, and what it has used."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        self.bootstrap = f"127.0.0.1:{port}"

    def cpu_s(self) -> float:
        """CPU seconds that the process has used, user and system. Source: proc_pid_stat(5)."""
        return process_cpu_s(self.pid)


def process_cpu_s(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _serve(folder: str, config: ServerConfig, report: Connection) -> None:
    server = Server(folder, config)
    server.stop_on(signal.SIGTERM)
    report.send(server.port)
    server.run()


@contextlib.contextmanager
def broker_process(config: ServerConfig | None = None) -> Iterator[BrokerProcess]:
    """A broker on an empty folder in memory where there is such a place, gone afterwards."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    folder = tempfile.mkdtemp(prefix="bench-broker-", dir=memory)
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

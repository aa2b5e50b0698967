"""`iowitness serve` as a user starts it: a process, and what it says."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct


class Served(Struct, frozen=True):
    """A running `iowitness serve`: the process, its port, and its first line."""

    process: "subprocess.Popen[str]"
    port: int
    line: str

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextlib.contextmanager
def served(folder: Path, *options: str) -> Iterator[Served]:
    """A server on a free port that is killed at the end, if it was not stopped before."""
    command = (sys.executable, "-m", "iowitness", "serve", "--dir", str(folder), "--port", "0")
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            line = process.stdout.readline()
            assert line.startswith("listening on "), process.stderr.read()
            address = line.split()[2]
            yield Served(process, int(address.rpartition(":")[2]), line.rstrip())
        finally:
            process.kill()


def refused(*options: str) -> "subprocess.CompletedProcess[str]":
    """What `iowitness serve` says where it does not start."""
    command: Sequence[str] = (sys.executable, "-m", "iowitness", "serve", *options)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

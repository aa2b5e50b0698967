"""Judges disk states of anyone's program: each is laid out in a fresh folder, and somebody looks.

Who looks is a function of Python, or two commands, of which one recovers and one checks. Commands
find in the environment `STATE`, the folder, and `SAID`, a file with all bytes that the program had
sent to sockets, pipes and files elsewhere by then: what the outside may count on. A command that
exits with anything but 0 says that the state is wrong.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from iowitness.crash.checker import DiskState
from iowitness.crash.operations import Operation, Recording, Said

_MOST_TOLD = 400

FolderJudge: TypeAlias = Callable[[Path, bytes], str | None]
"""Takes the folder with a state, and what had been said; returns what is wrong, or None."""


class Commands(Struct, frozen=True):
    """A `FolderJudge` of two commands, as for a shell; either may be empty.

    `limit_s` is for each of them.
    """

    recover: str
    check: str
    limit_s: float = 30.0

    def __call__(self, folder: Path, said: bytes) -> str | None:
        """Run both; the first that fails tells why."""
        told = folder.with_name("said")
        told.write_bytes(said)
        env = {**os.environ, "STATE": str(folder), "SAID": str(told)}
        for command in filter(None, (self.recover, self.check)):
            fault = _fault(command, env, self.limit_s)
            if fault is not None:
                return fault.replace(str(folder), "$STATE")
        return None


class FolderCheckers:
    """Makes checkers that share what the judge said of states seen before."""

    def __init__(self, recording: Recording, judge: FolderJudge) -> None:
        """`recording` says nothing that the judge does not find out for itself."""
        del recording
        self._judge = judge
        self._known: dict[tuple[int, int], str | None] = {}

    @property
    def recovered_count(self) -> int:
        """Distinct states, each with what had been said by then, that the judge has seen."""
        return len(self._known)

    def checker(self) -> "FolderChecker":
        """A checker at the recording's start."""
        return FolderChecker(self)

    def fault(self, state: DiskState, said: bytes) -> str | None:
        """What the judge says of a state."""
        key = (state.digest, len(said))
        if key not in self._known:
            with tempfile.TemporaryDirectory(prefix="iowitness-crash-", dir=_fast_folder()) as name:
                folder = Path(name) / "state"
                lay_out(state, folder)
                self._known[key] = self._judge(folder, said)
        return self._known[key]


class FolderChecker:
    """A `Checker` that lays states out."""

    def __init__(self, source: FolderCheckers) -> None:
        """At the recording's start."""
        self._source = source
        self._said = bytearray()

    def observe(self, number: int, operation: Operation) -> None:
        """Collect what the program tells."""
        del number
        if isinstance(operation, Said):
            self._said += operation.data

    def judge(self, state: DiskState) -> str | None:
        """Ask the judge, unless it has seen the state."""
        return self._source.fault(state, bytes(self._said))


def lay_out(state: DiskState, folder: Path) -> None:
    """Make a folder that holds a state."""
    folder.mkdir(parents=True)
    for path in state.folders():
        (folder / path).mkdir()
    for path, content in state.files(None).items():
        (folder / path).write_bytes(content)
    for path, target in state.links().items():
        (folder / path).symlink_to(target)


def _fault(command: str, env: dict[str, str], limit_s: float) -> str | None:
    try:
        ended = subprocess.run(
            ["/bin/sh", "-c", command],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{command!r} did not end within {limit_s:g} s"
    if ended.returncode == 0:
        return None
    told = ended.stdout.decode(errors="replace").strip()[-_MOST_TOLD:]
    return f"{command!r} ended with exit {ended.returncode}: {told or 'nothing was printed'}"


def _fast_folder() -> str | None:
    """Memory, where there is some that looks like a file system."""
    memory = "/dev/shm"  # noqa: S108 - folders in it are made by tempfile
    free = shutil.disk_usage(memory).free if Path(memory).is_dir() else 0
    return memory if free > 1 << 26 else None

"""Judges disk states of anyone's program by two commands: one recovers, one checks.

Each distinct state is laid out in a fresh folder, where both commands run. They find in the
environment `IOWITNESS_STATE`, that folder, and `IOWITNESS_SAID`, a file with all bytes that the
program had sent to sockets, pipes and files elsewhere by then: what the outside may count on. A
command that exits with anything but 0 says that the state is wrong.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from msgspec import Struct

from iowitness.crash.checker import DiskState
from iowitness.crash.operations import Operation, Recording, Said

_MOST_TOLD = 400


class Commands(Struct, frozen=True):
    """The two commands, as for a shell; `recover` may be empty. `limit_s` is for each."""

    recover: str
    check: str
    limit_s: float = 30.0


class CommandCheckers:
    """Makes checkers that share what the commands said of states seen before."""

    def __init__(self, recording: Recording, commands: Commands) -> None:
        """`recording` says nothing that the commands do not find out for themselves."""
        del recording
        self._commands = commands
        self._known: dict[tuple[int, int], str | None] = {}

    @property
    def recovered_count(self) -> int:
        """Distinct states, each with what had been said by then, that the commands have seen."""
        return len(self._known)

    def checker(self) -> "CommandChecker":
        """A checker at the recording's start."""
        return CommandChecker(self)

    def fault(self, state: DiskState, said: bytes) -> str | None:
        """What the commands say of a state."""
        key = (state.digest, len(said))
        if key not in self._known:
            self._known[key] = self._run(state, said)
        return self._known[key]

    def _run(self, state: DiskState, said: bytes) -> str | None:
        with tempfile.TemporaryDirectory(prefix="iowitness-crash-", dir=_fast_folder()) as name:
            folder, told = Path(name) / "state", Path(name) / "said"
            lay_out(state, folder)
            told.write_bytes(said)
            env = {**os.environ, "IOWITNESS_STATE": str(folder), "IOWITNESS_SAID": str(told)}
            for command in filter(None, (self._commands.recover, self._commands.check)):
                fault = _fault(command, folder, env, self._commands.limit_s)
                if fault is not None:
                    return fault
        return None


class CommandChecker:
    """A `Checker` that runs commands."""

    def __init__(self, source: CommandCheckers) -> None:
        """At the recording's start."""
        self._source = source
        self._said = bytearray()

    def observe(self, number: int, operation: Operation) -> None:
        """Collect what the program tells."""
        del number
        if isinstance(operation, Said):
            self._said += operation.data

    def judge(self, state: DiskState) -> str | None:
        """Run the commands, unless they have seen the state."""
        return self._source.fault(state, bytes(self._said))


def lay_out(state: DiskState, folder: Path) -> None:
    """Make a folder that holds a state."""
    folder.mkdir(parents=True)
    for path in state.folders():
        (folder / path).mkdir()
    for path, content in state.files(None).items():
        (folder / path).write_bytes(content)


def _fault(command: str, folder: Path, env: dict[str, str], limit_s: float) -> str | None:
    try:
        ended = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=folder,
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

"""What `iowitness log recover` does to a log directory or to one partition of it."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct
from rich.console import Console
from rich.progress import Progress

from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_directory import LOCK, LogDirectory
from iowitness.impl.log_files import RealFile, RealFiles
from iowitness.impl.log_loading import LogStart
from iowitness.impl.recovery import OnDamage, RecoveryReport

Advance = Callable[[int], None]
"""Told of each number of bytes that was worked through."""


class RecoveredLog(Struct, frozen=True):
    """One partition after its recovery."""

    name: str
    end_offset: int
    report: RecoveryReport


class WatchedFiles(RealFiles):
    """The kernel's file system, with somebody told of what is read of segments."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance

    def open(self, path: str) -> RealFile:
        """An existing file whose reads into buffers, as a scan makes them, are told."""
        return _WatchedFile(path, self._advance)


class _WatchedFile(RealFile):
    __slots__ = ("_advance",)

    def __init__(self, path: str, advance: Advance) -> None:
        super().__init__(path, os.O_RDWR)
        self._advance = advance

    def read_into(self, buffer: bytearray | memoryview, position: int) -> int:
        got = super().read_into(buffer, position)
        self._advance(got)
        return got


@contextlib.contextmanager
def shown_progress(what: str, byte_count: int) -> Iterator[Advance]:
    """A bar on a terminal's standard error while the block runs, nothing elsewhere.

    `byte_count` 0 means that the whole is not known.
    """
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=byte_count or None)
        waiting = 0

        def advance(more_byte_count: int) -> None:
            nonlocal waiting
            waiting += more_byte_count
            if waiting >= _SHOWN_BYTE_COUNT:
                progress.advance(task, waiting)
                waiting = 0

        yield advance


def recovered_partition(folder: Path, files: RealFiles, on_damage: OnDamage) -> RecoveredLog:
    """Recovers one partition's folder by itself, all of it; its end, and what was done.

    Takes the lock of the directory around it, if that has one. Raises what opening a log raises,
    and `DirectoryLocked`.
    """
    lock_path = folder.absolute().parent / LOCK
    with contextlib.ExitStack() as held:
        if lock_path.exists():
            held.callback(files.lock(str(lock_path)).release)
        start = LogStart(on_damage=on_damage)
        log = Log.open(str(folder), LogConfig(), files, now_ms=_now_ms(), start=start)
        log.close()
        return RecoveredLog(folder.resolve().name, log.end_offset, log.recovery)


def recovered_directory(path: Path, files: RealFiles, on_damage: OnDamage) -> list[RecoveredLog]:
    """Recovers all partitions of a log directory and stops it cleanly; each with what was done.

    Raises what opening a log directory raises.
    """
    directory = LogDirectory.open(
        str(path), LogConfig(), files, now_ms=_now_ms(), on_damage=on_damage
    )
    recovered = [
        RecoveredLog(f"{topic}-{number}", log.end_offset, log.recovery)
        for (topic, number), log in directory.logs.items()
    ]
    directory.close()
    return recovered


_SHOWN_BYTE_COUNT = 16 << 20


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

"""The kernel's file system, with the syncs of segments counted and timed."""

import os
import time

from iowitness.impl.log_files import RealFile, RealFiles
from iowitness.impl.metrics import Histogram


class _CountedFile(RealFile):
    """A segment that tells how long its syncs take."""

    __slots__ = ("_flushes",)

    def __init__(self, path: str, flags: int, flushes: Histogram) -> None:
        super().__init__(path, flags)
        self._flushes = flushes

    def sync(self) -> None:
        """The sync that was asked for."""
        started_ns = time.monotonic_ns()
        super().sync()
        self._flushes.observe(time.monotonic_ns() - started_ns)


class CountedFiles(RealFiles):
    """`flushes` takes the durations of the syncs that succeed."""

    def __init__(self, flushes: Histogram) -> None:
        self._flushes = flushes

    def create(self, path: str) -> RealFile:
        """As the real one, counted for segments."""
        if path.endswith(".log"):
            return _CountedFile(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, self._flushes)
        return super().create(path)

    def open(self, path: str) -> RealFile:
        """As the real one, counted for segments."""
        if path.endswith(".log"):
            return _CountedFile(path, os.O_RDWR, self._flushes)
        return super().open(path)

"""A file to measure on that cannot be left behind: it has no name by the time it is used."""

import errno
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

_FREE_FACTOR = 4
_FREE_SHARE = 0.05
_FILL_BYTE_COUNT = 1 << 20


class CannotCalibrate(Exception):
    """Why this cannot be measured here, and what to do."""


class ScratchFile(Struct, frozen=True, kw_only=True):
    """A file of `byte_count` bytes by two descriptors: through the page cache, and around it."""

    cached: int
    direct: int
    byte_count: int


def require_room(folder: Path, byte_count: int) -> None:
    """Raise `CannotCalibrate` on a disk that the measurement would nearly fill."""
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    whole = found.f_blocks * found.f_frsize
    if free < _FREE_FACTOR * byte_count or free < _FREE_SHARE * whole:
        raise CannotCalibrate(
            f"{folder}: free={free} B of {whole} B, expected at least {_FREE_SHARE:.0%} and "
            f"{_FREE_FACTOR * byte_count} B: a nearly full disk is slower than itself, and must "
            "not be filled by a measurement; choose another folder with --dir, or a smaller --size"
        )


@contextmanager
def scratch_file(folder: Path, byte_count: int) -> Iterator[ScratchFile]:
    """A file full of bytes that no disk compresses, synced. It is gone when its descriptors are.

    It loses its name before anything is written, so that not even SIGKILL leaves it behind.
    """
    require_room(folder, byte_count)
    path = folder / f".iowitness-calibrate.{os.getpid()}"
    cached = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        direct = _opened_around_cache(path)
    finally:
        with suppress(FileNotFoundError):
            path.unlink()
    try:
        _fill(cached, byte_count)
        yield ScratchFile(cached=cached, direct=direct, byte_count=byte_count)
    finally:
        os.close(direct)
        os.close(cached)


def _opened_around_cache(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_DIRECT | os.O_CLOEXEC)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise CannotCalibrate(
            f"{path.parent}: its file system refuses O_DIRECT, expected one on a disk: choose "
            "another folder with --dir"
        ) from error


def _fill(descriptor: int, byte_count: int) -> None:
    noise = os.urandom(_FILL_BYTE_COUNT)
    for offset in range(0, byte_count, _FILL_BYTE_COUNT):
        os.pwrite(descriptor, noise[: byte_count - offset], offset)
    os.fsync(descriptor)


def forget_cached(descriptor: int) -> None:
    """Have the kernel drop a file's clean pages. Source: posix_fadvise(2), POSIX_FADV_DONTNEED."""
    os.fdatasync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def aligned_buffer(byte_count: int) -> mmap.mmap:
    """Memory that begins on a page, as O_DIRECT asks; its pages are touched already."""
    buffer = mmap.mmap(-1, byte_count)
    buffer.write(os.urandom(byte_count))
    return buffer

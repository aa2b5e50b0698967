"""The narrow port between the log and the file system, and the real one behind it.

Everything that reaches a disk goes through here, so that a double can forget what was not synced.
Sizes and positions in bytes. Errors of the file system come through as `OSError`.
"""

import errno
import fcntl
import mmap
import os
from pathlib import Path
from typing import Final, Protocol

from iowitness.impl.errors import DirectoryLocked, LogClosed

Buffer = bytes | bytearray | memoryview


class OpenFile(Protocol):
    """An open file with positional calls; it has no position of its own."""

    path: str

    def fileno(self) -> int:
        """The descriptor, for `sendfile`. Raises `LogClosed` once closed, never a stale number."""

    def write_at(self, buffer: Buffer, position: int) -> int:
        """One write call; returns how much it took, which may be less than all."""

    def read_at(self, byte_count: int, position: int) -> bytes:
        """One read call; shorter than asked only at the file's end."""

    def read_into(self, buffer: bytearray | memoryview, position: int) -> int:
        """One read call into a buffer; returns how much it gave, 0 at the file's end."""

    def forget_cached(self) -> None:
        """What is read from here on comes from the disk, except for bytes that are yet to go there.

        After a failed sync the page cache may show bytes that the disk never got, as if all were
        well. Source: posix_fadvise(2); "Can Applications Recover from fsync Failures?" (2020).
        """

    def byte_count(self) -> int:
        """The file's size as the file system has it."""

    def truncate(self, byte_count: int) -> None:
        """Sets the file's size; new bytes are zeros."""

    def sync(self) -> None:
        """Returns once the file's bytes and size are on the disk."""

    def close(self) -> None:
        """Gives the descriptor back; a second call does nothing."""


class MappedFile(Protocol):
    """A file mapped shared: bytes stored in `mapping` are the file's."""

    path: str
    mapping: "mmap.mmap | bytearray"

    def resize(self, byte_count: int) -> None:
        """Sets the file's size and maps it anew; new bytes are zeros."""

    def allocate(self, position: int, byte_count: int) -> None:
        """Gives a stretch within the size its blocks, so that a store there cannot fail."""

    def sync(self) -> None:
        """Returns once the mapping's bytes and the size are on the disk."""

    def close(self) -> None:
        """Unmaps and gives the descriptor back; a second call does nothing."""


class Lock(Protocol):
    """A lock that is held until it is released, or its process ends."""

    def release(self) -> None:
        """Lets others have it."""


class LogFiles(Protocol):
    """The file system, as far as a log needs it. Paths are absolute or the caller's own."""

    def create(self, path: str) -> OpenFile:
        """A new empty file; an old one of that name is emptied."""

    def open(self, path: str) -> OpenFile:
        """An existing file, for reading and writing."""

    def map(self, path: str) -> MappedFile:
        """A file mapped shared at its size; it is created empty where it is missing."""

    def names(self, directory: str) -> list[str]:
        """The names in a directory, sorted."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or a directory of that name."""

    def is_directory(self, path: str) -> bool:
        """Whether there is a directory of that name."""

    def modified_ms(self, path: str) -> int:
        """When the file last changed, in ms since 1970."""

    def make_directory(self, path: str) -> None:
        """A directory and its parents; one that is there already is left alone."""

    def remove(self, path: str) -> None:
        """The file is gone; it was there."""

    def remove_directory(self, path: str) -> None:
        """The empty directory is gone."""

    def rename(self, old_path: str, new_path: str) -> None:
        """Atomic; whatever had the new name is replaced."""

    def sync_directory(self, path: str) -> None:
        """Returns once the directory's entries are on the disk."""

    def lock(self, path: str) -> Lock:
        """Takes a file's lock. Raises `DirectoryLocked` if another process has it."""


class RealFile:
    """A descriptor, closed with the last reference: what is being sent outlives its segment."""

    __slots__ = ("_descriptor", "path")

    def __init__(self, path: str, flags: int) -> None:
        self.path = path
        self._descriptor = -1
        self._descriptor = os.open(path, flags | os.O_CLOEXEC, 0o644)

    def fileno(self) -> int:
        """The descriptor."""
        if self._descriptor < 0:
            raise LogClosed(f"{self.path} is closed")
        return self._descriptor

    def write_at(self, buffer: Buffer, position: int) -> int:
        """One pwrite(2)."""
        return os.pwrite(self._descriptor, buffer, position)

    def read_at(self, byte_count: int, position: int) -> bytes:
        """One pread(2)."""
        return os.pread(self._descriptor, byte_count, position)

    def read_into(self, buffer: bytearray | memoryview, position: int) -> int:
        """One preadv(2)."""
        return os.preadv(self._descriptor, [buffer], position)

    def forget_cached(self) -> None:
        """One posix_fadvise(2): clean pages are dropped, dirty ones stay."""
        os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def byte_count(self) -> int:
        """One fstat(2)."""
        return os.fstat(self.fileno()).st_size

    def truncate(self, byte_count: int) -> None:
        """One ftruncate(2)."""
        os.ftruncate(self.fileno(), byte_count)

    def sync(self) -> None:
        """One fsync(2)."""
        os.fsync(self.fileno())

    def close(self) -> None:
        """Gives the descriptor back, once."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


class RealMapping:
    """A shared writable mapping of a whole file. Source: mmap(2)."""

    __slots__ = ("_file", "mapping", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = RealFile(path, os.O_RDWR | os.O_CREAT)
        self.mapping: mmap.mmap | bytearray = bytearray()
        self._map(self._file.byte_count())

    def resize(self, byte_count: int) -> None:
        """Unmaps first: a page past the new end must not be touched again (SIGBUS)."""
        self._unmap()
        self._file.truncate(byte_count)
        self._map(byte_count)

    def allocate(self, position: int, byte_count: int) -> None:
        """One fallocate(2), since a store into a hole of a full disk is a SIGBUS."""
        try:
            os.posix_fallocate(self._file.fileno(), position, byte_count)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise

    def sync(self) -> None:
        """One fsync(2), which also writes the pages dirtied through the mapping."""
        self._file.sync()

    def close(self) -> None:
        """Unmaps; the pages stay dirty in the page cache."""
        self._unmap()
        self._file.close()

    def _map(self, byte_count: int) -> None:
        if not byte_count:
            self.mapping = bytearray()  # mmap(2) refuses a length of 0
            return
        mapping = mmap.mmap(self._file.fileno(), byte_count)
        # Else the first store into a pre-sized file reads ahead: 1.5 ms and pages never used.
        mapping.madvise(mmap.MADV_RANDOM)
        self.mapping = mapping

    def _unmap(self) -> None:
        if isinstance(self.mapping, mmap.mmap):
            self.mapping.close()
        self.mapping = bytearray()


class RealLock:
    """A POSIX record lock, which is what Java's FileChannel takes: a live Kafka is kept out too.

    Such locks belong to a process, so a second one in this process is told by a set of names.
    """

    __slots__ = ("_file", "_name")

    def __init__(self, path: str) -> None:
        self._name = os.path.realpath(path)
        if self._name in _LOCKED:
            raise DirectoryLocked(f"{path} is locked by this process already: close the other log")
        self._file = RealFile(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.lockf(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise DirectoryLocked(
                f"{path} is locked by another process: stop it, or use another directory"
            ) from error
        _LOCKED.add(self._name)

    def release(self) -> None:
        """Closing the descriptor gives the lock up."""
        _LOCKED.discard(self._name)
        self._file.close()


_LOCKED: Final[set[str]] = set()


class RealFiles:
    """The kernel's file system."""

    def create(self, path: str) -> RealFile:
        """One open(2) with O_CREAT and O_TRUNC."""
        return RealFile(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)

    def open(self, path: str) -> RealFile:
        """An existing file, never a new one."""
        return RealFile(path, os.O_RDWR)

    def map(self, path: str) -> RealMapping:
        """One open(2), fstat(2) and mmap(2)."""
        return RealMapping(path)

    def names(self, directory: str) -> list[str]:
        """Sorted, for the same order of calls everywhere."""
        return sorted(os.listdir(directory))

    def exists(self, path: str) -> bool:
        """One stat(2)."""
        return os.path.exists(path)

    def is_directory(self, path: str) -> bool:
        """One stat(2)."""
        return Path(path).is_dir()

    def modified_ms(self, path: str) -> int:
        """One stat(2)."""
        return os.stat(path).st_mtime_ns // 1_000_000

    def make_directory(self, path: str) -> None:
        """One mkdir(2) for each missing level."""
        os.makedirs(path, exist_ok=True)

    def remove(self, path: str) -> None:
        """One unlink(2)."""
        os.unlink(path)

    def remove_directory(self, path: str) -> None:
        """One rmdir(2)."""
        Path(path).rmdir()

    def rename(self, old_path: str, new_path: str) -> None:
        """Atomic, as rename in the manual is."""
        Path(old_path).rename(new_path)

    def sync_directory(self, path: str) -> None:
        """open(2), fsync(2), close(2) of the directory."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def lock(self, path: str) -> RealLock:
        """A POSIX record lock on the whole file."""
        return RealLock(path)

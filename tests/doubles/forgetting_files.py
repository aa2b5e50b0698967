"""A file system in memory that forgets: what was not synced may be gone, or torn, after a crash.

A file's bytes survive by `sync` of the file, its name by `sync_directory` of its folder, and the
two know nothing of each other, as POSIX has it. At a crash each unsynced page is the old or the new
one, the size anything between the two, and of the folder's unsynced changes a prefix has happened,
since journals keep their order. Source: fsync(2); "All File Systems Are Not Created Equal", 2014.
"""

import errno
import posixpath
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from iowitness.impl.errors import DirectoryLocked, LogClosed
from iowitness.impl.log_files import Buffer

PAGE_BYTE_COUNT = 64


class Crashed(Exception):
    """The machine stopped here."""


@dataclass
class _Inode:
    content: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    modified_ms: int = 0

    def torn(self, chance: random.Random) -> bytes:
        low, high = sorted((len(self.durable), len(self.content)))
        size = chance.randint(low, high)
        torn = bytearray(size)
        for start in range(0, size, PAGE_BYTE_COUNT):
            page = slice(start, min(start + PAGE_BYTE_COUNT, size))
            source = self.content if chance.random() < 0.5 else self.durable
            kept = bytes(source[page])
            torn[page] = kept.ljust(page.stop - page.start, b"\0")
        return bytes(torn)


_Entries = dict[str, _Inode]
_Change = Callable[[_Entries], None]


class ForgettingFiles:
    """See the module. `calls_until_crash` counts changes down and raises `Crashed` at the last.

    `failing_syncs` is how many syncs of files fail next, the bytes not synced.
    """

    def __init__(self) -> None:
        self._entries: _Entries = {}
        self._durable_entries: _Entries = {}
        self._changes: dict[str, list[_Change]] = {}
        self._folders = {"/"}
        self._locked: set[str] = set()
        self.calls_until_crash: int | None = None
        self.write_limit: int | None = None
        self.free_byte_count: int | None = None
        self.sync_count = 0
        self.failing_syncs = 0
        self.writes: list[tuple[str, int, int]] = []

    def crash(self, seed: int) -> None:
        """The machine stops and starts again; what was open is of no use any more."""
        chance = random.Random(seed)
        for changes in self._changes.values():
            for change in changes[: chance.randint(0, len(changes))]:
                change(self._durable_entries)
        self._changes.clear()
        inodes = {id(inode): inode for inode in self._durable_entries.values()}
        for inode in inodes.values():
            survived = inode.torn(chance)
            inode.durable = survived
            inode.content = bytearray(survived)
        self._entries = dict(self._durable_entries)
        self._locked.clear()
        self.calls_until_crash = None

    def kill(self) -> None:
        """The process dies and the machine does not: nothing is lost but locks and descriptors."""
        self._locked.clear()
        self.calls_until_crash = None

    def snapshot(self) -> dict[str, bytes]:
        """Every file's bytes as a reader sees them now."""
        return {path: bytes(inode.content) for path, inode in sorted(self._entries.items())}

    def put(self, path: str, content: bytes) -> None:
        """A file that was there and synced before the test began."""
        self.make_directory(posixpath.dirname(path))
        inode = _Inode(bytearray(content), content)
        self._entries[path] = self._durable_entries[path] = inode

    def _count_call(self) -> None:
        if self.calls_until_crash is not None:
            self.calls_until_crash -= 1
            if self.calls_until_crash < 0:
                raise Crashed

    def _change(self, folder: str, change: _Change) -> None:
        self._count_call()
        change(self._entries)
        self._changes.setdefault(folder, []).append(change)

    def create(self, path: str) -> "_File":
        inode = self._entries.get(path)
        if inode is None:
            inode = _Inode()
            self._change(posixpath.dirname(path), _adding(path, inode))
        else:
            self._count_call()
            del inode.content[:]
        return _File(self, path, inode)

    def open(self, path: str) -> "_File":
        if path not in self._entries:
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        return _File(self, path, self._entries[path])

    def map(self, path: str) -> "_Mapping":
        file = self.open(path) if path in self._entries else self.create(path)
        return _Mapping(self, path, file.inode)

    def names(self, directory: str) -> list[str]:
        prefix = directory.rstrip("/") + "/"
        paths = [*self._entries, *self._folders]
        below = {path.removeprefix(prefix) for path in paths if path.startswith(prefix)}
        return sorted({name.split("/")[0] for name in below if name})

    def exists(self, path: str) -> bool:
        return path in self._entries or path in self._folders

    def is_directory(self, path: str) -> bool:
        return path in self._folders

    def modified_ms(self, path: str) -> int:
        return self._entries[path].modified_ms

    def make_directory(self, path: str) -> None:
        # Folders themselves are durable at once: what is under test is what happens inside of one.
        while path not in self._folders:
            self._folders.add(path)
            path = posixpath.dirname(path)

    def remove(self, path: str) -> None:
        if path not in self._entries:
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        self._change(posixpath.dirname(path), _removing(path))

    def remove_directory(self, path: str) -> None:
        assert not self.names(path)
        self._folders.discard(path)

    def rename(self, old_path: str, new_path: str) -> None:
        if old_path in self._folders:
            self._rename_folder(old_path, new_path)
            return
        if old_path not in self._entries:
            raise FileNotFoundError(errno.ENOENT, "no such file", old_path)
        self._change(posixpath.dirname(new_path), _renaming(old_path, new_path))

    def _rename_folder(self, old_path: str, new_path: str) -> None:
        self._folders.discard(old_path)
        self._folders.add(new_path)
        for change in self._changes.pop(old_path, []):  # they know the folder by its old name
            change(self._durable_entries)
        for entries in (self._entries, self._durable_entries):
            for path in [p for p in entries if p.startswith(old_path + "/")]:
                entries[new_path + path.removeprefix(old_path)] = entries.pop(path)

    def sync_directory(self, path: str) -> None:
        self._count_call()
        self.sync_count += 1
        for change in self._changes.pop(path, []):
            change(self._durable_entries)

    def lock(self, path: str) -> "_Lock":
        if path in self._locked:
            raise DirectoryLocked(f"{path} is locked")
        self._locked.add(path)
        return _Lock(self._locked, path)


def _adding(path: str, inode: _Inode) -> _Change:
    def change(entries: _Entries) -> None:
        entries[path] = inode

    return change


def _removing(path: str) -> _Change:
    def change(entries: _Entries) -> None:
        entries.pop(path, None)

    return change


def _renaming(old_path: str, new_path: str) -> _Change:
    def change(entries: _Entries) -> None:
        inode = entries.pop(old_path, None)
        if inode is not None:
            entries[new_path] = inode

    return change


class _Lock:
    def __init__(self, locked: set[str], path: str) -> None:
        self._locked = locked
        self._path = path

    def release(self) -> None:
        self._locked.discard(self._path)


class _File:
    def __init__(self, files: ForgettingFiles, path: str, inode: _Inode) -> None:
        self._files = files
        self._is_closed = False
        self.path = path
        self.inode = inode

    def fileno(self) -> int:
        if self._is_closed:
            raise LogClosed(f"{self.path} is closed")
        return 1_000_000

    def write_at(self, buffer: Buffer, position: int) -> int:
        self.fileno()
        self._files._count_call()
        taken = bytes(buffer)[: self._files.write_limit]
        growth = position + len(taken) - len(self.inode.content)
        free = self._files.free_byte_count
        if free is not None and growth > 0:
            if free == 0:
                raise OSError(errno.ENOSPC, "no space left", self.path)
            taken = taken[: len(taken) - max(growth - free, 0)]
            self._files.free_byte_count = max(free - growth, 0)
        self._files.writes.append((self.path, position, len(taken)))
        content = self.inode.content
        if len(content) < position:
            content.extend(bytes(position - len(content)))
        content[position : position + len(taken)] = taken
        return len(taken)

    def read_at(self, byte_count: int, position: int) -> bytes:
        self.fileno()
        return bytes(self.inode.content[position : position + byte_count])

    def read_into(self, buffer: bytearray | memoryview, position: int) -> int:
        got = self.read_at(len(buffer), position)
        buffer[: len(got)] = got
        return len(got)

    def forget_cached(self) -> None:
        pass

    def byte_count(self) -> int:
        return len(self.inode.content)

    def truncate(self, byte_count: int) -> None:
        self.fileno()
        self._files._count_call()
        _resize(self.inode.content, byte_count)

    def sync(self) -> None:
        self.fileno()
        self._files._count_call()
        self._files.sync_count += 1
        if self._files.failing_syncs:
            # As ext4 and XFS do: told once, the pages are clean now, and the next call succeeds.
            self._files.failing_syncs -= 1
            raise OSError(errno.EIO, "input/output error", self.path)
        self.inode.durable = bytes(self.inode.content)

    def close(self) -> None:
        self._is_closed = True


class _Mapping:
    def __init__(self, files: ForgettingFiles, path: str, inode: _Inode) -> None:
        self._files = files
        self._inode = inode
        self.path = path

    @property
    def mapping(self) -> bytearray:
        return self._inode.content

    def resize(self, byte_count: int) -> None:
        self._files._count_call()
        _resize(self._inode.content, byte_count)

    def allocate(self, position: int, byte_count: int) -> None:
        assert position + byte_count <= len(self._inode.content)
        if self._files.free_byte_count == 0:
            raise OSError(errno.ENOSPC, "no space left", self.path)

    def sync(self) -> None:
        self._files._count_call()
        self._files.sync_count += 1
        self._inode.durable = bytes(self._inode.content)

    def close(self) -> None:
        pass


def _resize(content: bytearray, byte_count: int) -> None:
    if byte_count < len(content):
        del content[byte_count:]
    else:
        content.extend(bytes(byte_count - len(content)))

"""A disk state behind the log's port to the file system: recovery runs on it in memory.

Nothing is forgotten here; what a crash took is gone already. Folders exist as soon as they are
named, sizes and positions are bytes.
"""

import errno
import mmap
import posixpath
from collections.abc import Iterable, Mapping

from iowitness.impl.errors import DirectoryLocked
from iowitness.impl.log_files import Buffer


class ImageFiles:
    """`LogFiles` over a dictionary of paths. `contents` are the caller's, copied when written."""

    def __init__(self, contents: Mapping[str, bytes], folders: Iterable[str]) -> None:
        """Paths are absolute."""
        self._contents: dict[str, bytearray] = {p: bytearray(c) for p, c in contents.items()}
        self._folders = set(folders)
        self._names: dict[str, set[str]] = {}
        self._locked: set[str] = set()
        for path in [*self._contents, *self._folders]:
            self._add_name(path)

    def contents(self) -> dict[str, bytes]:
        """Every file's bytes now."""
        return {path: bytes(content) for path, content in self._contents.items()}

    def folders(self) -> list[str]:
        """Every folder's path now."""
        return sorted(self._folders)

    def create(self, path: str) -> "_ImageFile":
        """A new empty file."""
        self._add_name(path)
        content = self._contents.setdefault(path, bytearray())
        del content[:]
        return _ImageFile(path, content)

    def open(self, path: str) -> "_ImageFile":
        """An existing file."""
        if path not in self._contents:
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        return _ImageFile(path, self._contents[path])

    def map(self, path: str) -> "_ImageMapping":
        """A file mapped; created where it is missing."""
        if path not in self._contents:
            self.create(path)
        return _ImageMapping(path, self._contents[path])

    def names(self, directory: str) -> list[str]:
        """The names in a folder, sorted."""
        return sorted(self._names.get(directory, ()))

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        return path in self._contents or path in self._folders

    def is_directory(self, path: str) -> bool:
        """Whether there is such a folder."""
        return path in self._folders

    def modified_ms(self, path: str) -> int:
        """The same for all: a crash leaves times that say nothing."""
        del path
        return 0

    def make_directory(self, path: str) -> None:
        """A folder and its parents."""
        while path not in self._folders and path not in {"", "/"}:
            self._folders.add(path)
            self._add_name(path)
            path = posixpath.dirname(path)

    def remove(self, path: str) -> None:
        """The file is gone."""
        if self._contents.pop(path, None) is None:
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        self._remove_name(path)

    def remove_directory(self, path: str) -> None:
        """The empty folder is gone."""
        if self._names.get(path):
            raise OSError(errno.ENOTEMPTY, "folder is not empty", path)
        self._folders.discard(path)
        self._remove_name(path)

    def rename(self, old_path: str, new_path: str) -> None:
        """A file, or a folder with all that is in it, has another name."""
        if old_path in self._folders:
            for table in (self._contents, self._names):
                self._move_below(table, old_path, new_path)
            self._folders = {_moved(path, old_path, new_path) for path in self._folders}
        elif old_path in self._contents:
            self._contents[new_path] = self._contents.pop(old_path)
        else:
            raise FileNotFoundError(errno.ENOENT, "no such file", old_path)
        self._remove_name(old_path)
        self._add_name(new_path)

    def sync_directory(self, path: str) -> None:
        """Nothing is forgotten here."""

    def lock(self, path: str) -> "_ImageLock":
        """One at a time."""
        if path in self._locked:
            raise DirectoryLocked(f"{path} is locked")
        self.map(path)
        self._locked.add(path)
        return _ImageLock(self._locked, path)

    def _add_name(self, path: str) -> None:
        folder, name = posixpath.split(path)
        self._names.setdefault(folder, set()).add(name)

    def _remove_name(self, path: str) -> None:
        folder, name = posixpath.split(path)
        self._names.get(folder, set()).discard(name)

    @staticmethod
    def _move_below(
        table: "dict[str, bytearray] | dict[str, set[str]]", old_path: str, new_path: str
    ) -> None:
        moved = {_moved(path, old_path, new_path): value for path, value in table.items()}
        table.clear()
        table.update(moved)  # type: ignore[arg-type]  # the same kind of values as before


def _moved(path: str, old_path: str, new_path: str) -> str:
    if path == old_path or path.startswith(old_path + "/"):
        return new_path + path[len(old_path) :]
    return path


class _ImageLock:
    def __init__(self, locked: set[str], path: str) -> None:
        self._locked = locked
        self._path = path

    def release(self) -> None:
        self._locked.discard(self._path)


class _ImageFile:
    __slots__ = ("_content", "path")

    def __init__(self, path: str, content: bytearray) -> None:
        self.path = path
        self._content = content

    def fileno(self) -> int:
        raise OSError(errno.EBADF, "a file in memory has no descriptor", self.path)

    def write_at(self, buffer: Buffer, position: int) -> int:
        missing = position - len(self._content)
        if missing > 0:
            self._content.extend(bytes(missing))
        self._content[position : position + len(buffer)] = buffer
        return len(buffer)

    def read_at(self, byte_count: int, position: int) -> bytes:
        return bytes(self._content[position : position + byte_count])

    def read_into(self, buffer: bytearray | memoryview, position: int) -> int:
        got = self._content[position : position + len(buffer)]
        buffer[: len(got)] = got
        return len(got)

    def forget_cached(self) -> None:
        pass

    def byte_count(self) -> int:
        return len(self._content)

    def truncate(self, byte_count: int) -> None:
        _resize(self._content, byte_count)

    def sync(self) -> None:
        pass

    def close(self) -> None:
        pass


class _ImageMapping:
    __slots__ = ("_content", "mapping", "path")

    def __init__(self, path: str, content: bytearray) -> None:
        self.path = path
        self._content = content
        self.mapping: mmap.mmap | bytearray = content

    def resize(self, byte_count: int) -> None:
        _resize(self._content, byte_count)

    def allocate(self, position: int, byte_count: int) -> None:
        pass

    def sync(self) -> None:
        pass

    def close(self) -> None:
        pass


def _resize(content: bytearray, byte_count: int) -> None:
    if byte_count < len(content):
        del content[byte_count:]
    else:
        content.extend(bytes(byte_count - len(content)))

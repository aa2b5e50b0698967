"""The names below a folder, as they change: which name is which inode."""

import posixpath
from collections.abc import Iterator

from iowitness.crash.operations import ROOT


class Namespace:
    """Names by (folder, name). Inodes are numbers; folders are told apart from files."""

    def __init__(self, root: str) -> None:
        """`root` is the absolute path of the folder under test."""
        self.root = posixpath.normpath(root)
        self.folders = {ROOT}
        self._inodes: dict[tuple[int, str], int] = {}
        self._next = ROOT + 1

    def covers(self, path: str) -> bool:
        """Whether a path lies below the root, or is it."""
        return path == self.root or path.startswith(self.root + "/")

    def new_inode(self) -> int:
        """A number that no file or folder had."""
        self._next += 1
        return self._next - 1

    def place(self, path: str) -> tuple[int, str] | None:
        """The folder and the name within it; None where that folder is not known."""
        parent, name = posixpath.split(posixpath.normpath(path))
        folder = self.inode(parent)
        return None if folder is None or folder not in self.folders else (folder, name)

    def inode(self, path: str) -> int | None:
        """What a path stands for; None where it stands for nothing."""
        path = posixpath.normpath(path)
        if path == self.root:
            return ROOT
        if not path.startswith(self.root + "/"):
            return None
        inode = ROOT
        for part in path[len(self.root) + 1 :].split("/"):
            found = self._inodes.get((inode, part))
            if found is None:
                return None
            inode = found
        return inode

    def get(self, folder: int, name: str) -> int | None:
        """What a name in a folder stands for."""
        return self._inodes.get((folder, name))

    def add(self, folder: int, name: str, inode: int) -> None:
        """A name came, or stands for another inode now."""
        self._inodes[folder, name] = inode

    def remove(self, folder: int, name: str) -> None:
        """A name went."""
        self._inodes.pop((folder, name), None)

    def files(self) -> Iterator[tuple[str, int]]:
        """Every file's path below the root, and its inode."""
        by_folder: dict[int, list[tuple[str, int]]] = {}
        for (folder, name), inode in self._inodes.items():
            by_folder.setdefault(folder, []).append((name, inode))
        waiting = [("", ROOT)]
        while waiting:
            prefix, folder = waiting.pop()
            for name, inode in sorted(by_folder.get(folder, ())):
                if inode in self.folders:
                    waiting.append((f"{prefix}{name}/", inode))
                else:
                    yield prefix + name, inode

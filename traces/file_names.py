"""Which file a path stands for, over renames, links and unlinks, and what is known of its size."""

import re
from dataclasses import dataclass, field
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING

from msgspec import Struct

from iowitness.traces.events import File

if TYPE_CHECKING:
    from iowitness.traces.descriptor_table import Opening


class FileNode(Struct, eq=False):
    """A file with its identity, whatever its names.

    `names` are the paths that the kernel may show for it; empty once all were unlinked.
    `size_byte_count` is None while nothing told it.
    """

    file: File
    names: set[str]
    size_byte_count: int | None = None
    unlinked: bool = False
    not_seen: list["Opening"] = []
    """Openings from before the trace: any two of these may share one position."""

    def grown_to(self, end: int) -> None:
        """The bytes up to `end` exist now."""
        if self.size_byte_count is not None and end > self.size_byte_count:
            self.size_byte_count = end


@dataclass(slots=True)
class FileNames:
    """The name space of a history: paths to files.

    `missing` are paths that the kernel said do not exist, `made` the directories that came to be
    within the history: a file created in either place starts empty, if nobody outside interferes.
    """

    nodes: dict[str, FileNode] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    _folders: set[str] = field(default_factory=set)
    _count: int = 0

    def node(self, path: str) -> FileNode:
        """The file that a path stands for, met for the first time if need be."""
        found = self.nodes.get(path)
        if found is None:
            found = self.nodes[path] = self.nameless(path)
            found.unlinked = False
            self._met_below(path)
        return found

    def _met_below(self, path: str) -> None:
        """Remember the folders above a path: to rename one of these renames more than itself."""
        folder = path.rpartition("/")[0]
        while folder and folder not in self._folders:
            self._folders.add(folder)
            folder = folder.rpartition("/")[0]

    def nameless(self, path: str) -> FileNode:
        """A file that no path leads to: unlinked before it was met, or in memory only."""
        self._count += 1
        return FileNode(File(self._count, path), {path}, unlinked=True)

    def is_new(self, path: str) -> bool:
        """Whether a file created under this path cannot have existed before."""
        return path not in self.nodes and (path in self.missing or dirname(path) in self.made)

    def rename(self, old: str, new: str) -> tuple[FileNode | None, FileNode | None]:
        """Move a name, and all names below it; the file that moved and the one it replaced.

        Two names of one file are left alone, as rename(2) does.
        """
        moved, replaced = self.nodes.get(old), self.nodes.get(new)
        if moved is not None and moved is replaced:
            return moved, None
        replaced = self.unlink(new)
        self._move(old, new)
        below = old + "/"
        if old in self._folders:
            for path in [path for path in self.nodes if path.startswith(below)]:
                self._move(path, new + path[len(old) :])
        for path in [path for path in self.made if path == old or path.startswith(below)]:
            self.made.discard(path)
            self.made.add(new + path[len(old) :])
        self.missing.add(old)
        self.missing.discard(new)
        return moved, replaced

    def _move(self, old: str, new: str) -> None:
        node = self.nodes.pop(old, None)
        if node is not None:
            node.names.discard(old)
            node.names.add(new)
            self.nodes[new] = node
            self._met_below(new)

    def exchange(self, first: str, second: str) -> tuple[FileNode | None, FileNode | None]:
        """Swap two names (RENAME_EXCHANGE), and all that lies below them."""
        away = first + "\0exchange"
        moved, other = self.nodes.get(first), self.nodes.get(second)
        self.rename(first, away)
        self.rename(second, first)
        self.rename(away, second)
        for path in (first, second, away):
            self.missing.discard(path)
        return moved, other

    def link(self, old: str, new: str) -> FileNode | None:
        """Give a file a further name."""
        node = self.nodes.get(old)
        self.missing.discard(new)
        if node is not None:
            node.names.add(new)
            self.nodes[new] = node
            self._met_below(new)
        return node

    def unlink(self, path: str) -> FileNode | None:
        """Take a name away; the file stays where descriptors still lead to it.

        The kernel goes on to show the last name, with `(deleted)`, so `names` keeps it.
        """
        self.missing.add(path)
        self.made.discard(path)
        node = self.nodes.pop(path, None)
        if node is not None:
            if len(node.names) > 1:
                node.names.discard(path)
            else:
                node.unlinked = True
        return node

    def directory_made(self, path: str) -> None:
        """A directory came to be: whatever is in it will have been made in this history."""
        self.made.add(path)
        self.missing.discard(path)


UNEVEN = re.compile(r"/\.{0,2}(?:/|$)")
"""What makes a path need normalising: `//`, `/./`, `/../`, or a slash at its end."""


def resolved(directory: str, path: str) -> str:
    """The absolute path of `path` as seen from `directory`, without `.` and `..`.

    Symbolic links cannot be followed in a trace; where strace prints the opened path (`-y`), that
    one is taken instead. An unknown directory is empty, and then a relative path stays one.
    """
    if path.startswith("@") or not path:
        return path
    if path[0] == "/" and UNEVEN.search(path) is None:
        return path
    whole = normpath(join(directory, path))
    return "/" + whole.lstrip("/") if whole.startswith("/") else whole

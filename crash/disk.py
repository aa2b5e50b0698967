"""The disk while a recording goes by: what is durable, what may be lost, any state in between."""

import hashlib

from msgspec import Struct

from iowitness.crash.file_bytes import FileBytes, Fill, Loss
from iowitness.crash.operations import (
    CHANGES,
    FILE_CHANGES,
    ROOT,
    SYNCS,
    AddEntry,
    Change,
    FailedSync,
    MoveEntry,
    OpenBytes,
    Operation,
    Recording,
    RemoveEntry,
    SettledBytes,
    Sync,
    SyncFile,
)
from iowitness.crash.persistence import PersistenceModel

_Names = dict[tuple[int, str], int]
_EntryChange = AddEntry | RemoveEntry | MoveEntry


class _Tree(Struct, frozen=True):
    """Every file's path and inode, and every folder's path."""

    files: list[tuple[str, int]]
    folders: list[str]


class Disk:
    """Plays a recording's operations; tells digests and files after any loss.

    `pending` has the changes that are not durable, by their places in the recording, in order.
    Digests are 128-bit, the same for equal trees: names, folders and bytes.
    """

    def __init__(self, recording: Recording, model: PersistenceModel) -> None:
        self._recording = recording
        self._model = model
        self._files: dict[int, FileBytes] = {}
        self._names: _Names = {}
        self._folders = {ROOT}
        self._links: dict[int, str] = {}
        self._entry_changes: list[tuple[int, _EntryChange]] = []
        self._durable_entries: set[int] = set()
        self._never_durable: set[int] = set()
        self._whole: dict[tuple[int, Fill], dict[str, int]] = {}
        self._tree: _Tree | None = None
        self._sums: dict[Fill, dict[str, int]] = {}
        self.pending: dict[int, Change] = {}
        for folder, name, inode, is_folder in recording.initial_names:
            self._names[folder, name] = inode
            self._new_inode(inode, is_folder=is_folder)

    def play(self, number: int, operation: Operation) -> None:
        """Take in the operation at a place of the recording; places rise."""
        self._sums.clear()
        if isinstance(operation, CHANGES):
            self.pending[number] = operation
            if isinstance(operation, FILE_CHANGES):
                self._files[operation.inode].add(number, operation)
                self._forget(operation.inode)
            else:
                if isinstance(operation, AddEntry):
                    self._new_inode(operation.inode, is_folder=operation.is_folder)
                    if operation.link_target is not None:
                        self._links[operation.inode] = operation.link_target
                self._entry_changes.append((number, operation))
                self._tree = None
        elif isinstance(operation, SYNCS):
            self._sync(operation)
        elif isinstance(operation, FailedSync):
            self._never_durable |= {
                number
                for number, change in self.pending.items()
                if isinstance(change, FILE_CHANGES) and change.inode == operation.inode
            }
        elif isinstance(operation, OpenBytes):
            self._files[operation.inode].open_bytes(operation)
            self._forget(operation.inode)
        elif isinstance(operation, SettledBytes):
            self._files[operation.inode].is_mapped = False
            self._forget(operation.inode)

    @property
    def fills(self) -> tuple[Fill, ...]:
        """What makes a difference to the unknown bytes, nothing being lost."""
        is_open = any(file.has_open_bytes for file in self._files.values())
        return tuple(Fill) if is_open else (Fill.KEPT,)

    def digests(self, loss: Loss) -> dict[str, int]:
        """The digests of the tree after a loss, by the first part of the path; "" for the root's
        own files.
        """
        if self._has_lost_names(loss.lost):
            return self._summed(self._walked(loss.lost), loss)
        whole = self._sums.get(loss.fill)
        if whole is None:
            whole = self._sums[loss.fill] = self._summed(self._now(), Loss(fill=loss.fill))
        touched = self._touched(loss)
        if not touched:
            return whole
        sums = dict(whole)
        for path, inode in self._now().files:
            if inode in touched:
                new = _file_digest(path, self._content(inode, loss))
                sums[_top(path)] ^= self._whole_digest(path, inode, loss.fill) ^ new
        return sums

    def files(self, loss: Loss, top: str | None = None) -> dict[str, bytes]:
        """The files' bytes after a loss, by path below the root: all, or those of one `digests`."""
        listing = self._listing(loss.lost)
        return {
            path: self._content(inode, loss)
            for path, inode in listing.files
            if inode not in self._links and (top is None or _top(path) == top)
        }

    def links(self, loss: Loss) -> dict[str, str]:
        """Every symbolic link's path below the root after a loss, and what it leads to."""
        files = self._listing(loss.lost).files
        return {path: self._links[inode] for path, inode in files if inode in self._links}

    def folders(self, loss: Loss) -> list[str]:
        """Every folder's path below the root after a loss, parents first."""
        return self._listing(loss.lost).folders

    def paths(self) -> list[tuple[str, int]]:
        """Every file's path below the root now, nothing being lost, and its inode."""
        return self._now().files

    def _new_inode(self, inode: int, *, is_folder: bool) -> None:
        if is_folder:
            self._folders.add(inode)
        elif inode not in self._files:
            recording = self._recording
            content = recording.initial_contents.get(inode, b"")
            kept = recording.kept_contents.get(inode)
            self._files[inode] = FileBytes(inode, content, kept)

    def _forget(self, inode: int) -> None:
        for fill in Fill:
            self._whole.pop((inode, fill), None)

    def _sync(self, sync: Sync) -> None:
        names = frozenset({sync.inode}) if isinstance(sync, SyncFile) else frozenset[int]()
        reached = {
            number
            for number, change in self.pending.items()
            if number not in self._never_durable
            and self._model.reaches(sync, number, change, names)
        }
        by_inode: dict[int, set[int]] = {}
        for number in reached:
            change = self.pending.pop(number)
            if isinstance(change, FILE_CHANGES):
                by_inode.setdefault(change.inode, set()).add(number)
            else:
                self._durable_entries.add(number)
        for inode, numbers in by_inode.items():
            self._files[inode].settle(numbers)
        self._fold_entries()

    def _fold_entries(self) -> None:
        count = 0
        while (
            count < len(self._entry_changes)
            and self._entry_changes[count][0] in self._durable_entries
        ):
            _carry_out(self._names, self._entry_changes[count][1])
            self._durable_entries.discard(self._entry_changes[count][0])
            count += 1
        del self._entry_changes[:count]

    def _touched(self, loss: Loss) -> set[int]:
        numbers = loss.lost if loss.torn is None else loss.lost | {loss.torn.number}
        changes = (self.pending[number] for number in numbers)
        return {change.inode for change in changes if isinstance(change, FILE_CHANGES)}

    def _content(self, inode: int, loss: Loss) -> bytes:
        if inode in self._links:
            return self._links[inode].encode("utf-8", "surrogateescape")
        return self._files[inode].content(loss, shows_garbage=self._model.shows_garbage)

    def _whole_digest(self, path: str, inode: int, fill: Fill) -> int:
        digests = self._whole.setdefault((inode, fill), {})
        known = digests.get(path)
        if known is None:
            content = self._content(inode, Loss(fill=fill))
            known = digests[path] = _file_digest(path, content)
        return known

    def _summed(self, tree: _Tree, loss: Loss) -> dict[str, int]:
        touched = self._touched(loss)
        sums: dict[str, int] = {}
        for path, inode in tree.files:
            if inode in touched:
                digest = _file_digest(path, self._content(inode, loss))
            else:
                digest = self._whole_digest(path, inode, loss.fill)
            top = _top(path)
            sums[top] = sums.get(top, 0) ^ digest
        for path in tree.folders:
            top = path.partition("/")[0]
            sums[top] = sums.get(top, 0) ^ _file_digest(path + "/", b"")
        return sums

    def _has_lost_names(self, lost: frozenset[int]) -> bool:
        return bool(lost) and any(number in lost for number, _ in self._entry_changes)

    def _now(self) -> _Tree:
        if self._tree is None:
            self._tree = self._walked(frozenset())
        return self._tree

    def _listing(self, lost: frozenset[int]) -> _Tree:
        return self._walked(lost) if self._has_lost_names(lost) else self._now()

    def _walked(self, lost: frozenset[int]) -> _Tree:
        names = dict(self._names)
        for number, change in self._entry_changes:
            if number not in lost:
                _carry_out(names, change)
        by_folder: dict[int, list[tuple[str, int]]] = {}
        for (folder, name), inode in names.items():
            by_folder.setdefault(folder, []).append((name, inode))
        files: list[tuple[str, int]] = []
        folders: list[str] = []
        waiting = [("", ROOT)]
        while waiting:
            prefix, folder = waiting.pop()
            for name, inode in by_folder.get(folder, ()):
                if inode in self._folders:
                    folders.append(prefix + name)
                    waiting.append((f"{prefix}{name}/", inode))
                else:
                    files.append((prefix + name, inode))
        return _Tree(files, sorted(folders))


def _carry_out(names: _Names, change: _EntryChange) -> None:
    """Change the names. What a lost change should have made is no obstacle to a later one."""
    match change:
        case AddEntry(_, folder, name, inode, _):
            names[folder, name] = inode
        case RemoveEntry(_, folder, name):
            names.pop((folder, name), None)
        case MoveEntry():
            names.pop((change.old_folder, change.old_name), None)
            names[change.new_folder, change.new_name] = change.inode


def _top(path: str) -> str:
    """The first part of a path with folders, "" for a file of the root."""
    top, slash, _ = path.partition("/")
    return top if slash else ""


def _file_digest(path: str, content: bytes) -> int:
    digest = hashlib.blake2b(path.encode("utf-8", "surrogateescape") + b"\0", digest_size=16)
    digest.update(content)
    return int.from_bytes(digest.digest(), "big")

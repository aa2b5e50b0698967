"""Micro-operations: what a history did to the disk, in pieces that a crash can tell apart.

A write is cut into blocks of 4,096 B, because the kernel keeps and writes pages, and its growth of
the file is an operation of its own. Source: "All File Systems Are Not Created Equal" (OSDI 2014),
section 3; fsync(2).

Inodes are numbers within one `Recording`; `ROOT` is the folder under test. `line` is the line of
the raw trace of the call that the operation is a part of.
"""

from typing import Final, TypeAlias

from msgspec import Struct

ROOT: Final = 0
BLOCK_BYTE_COUNT: Final = 4_096


class WriteBlock(Struct, frozen=True, gc=False):
    """Bytes of one block of a file: `data` at `offset`, never across a multiple of 4,096."""

    line: int
    inode: int
    offset: int
    data: bytes


class Grow(Struct, frozen=True, gc=False):
    """A write made the file at least this long."""

    line: int
    inode: int
    byte_count: int


class SetSize(Struct, frozen=True, gc=False):
    """The file was made exactly this long; what is new is zeros. Source: truncate(2)."""

    line: int
    inode: int
    byte_count: int


class AddEntry(Struct, frozen=True, gc=False):
    """A folder got a name for a file, a folder or a symbolic link to `link_target`."""

    line: int
    folder: int
    name: str
    inode: int
    is_folder: bool = False
    link_target: str | None = None


class RemoveEntry(Struct, frozen=True, gc=False):
    """A folder lost a name."""

    line: int
    folder: int
    name: str


class MoveEntry(Struct, frozen=True, gc=False):
    """A name became another, at once; `replaces` says that the new name stood for something.

    Source: rename(2).
    """

    line: int
    old_folder: int
    old_name: str
    new_folder: int
    new_name: str
    inode: int
    replaces: bool


class SyncFile(Struct, frozen=True, gc=False):
    """The bytes and the size of a file became durable, as far as they were written before `start`.

    `start` is the place among the operations at which the call began: what came while it ran may
    be missed by it.
    """

    line: int
    inode: int
    start: int


class SyncFolder(Struct, frozen=True, gc=False):
    """The names in a folder became durable, as far as they were changed before `start`."""

    line: int
    folder: int
    start: int


class SyncAll(Struct, frozen=True, gc=False):
    """Everything became durable that came before `start`. Source: sync(2), syncfs(2)."""

    line: int
    start: int


class FailedSync(Struct, frozen=True, gc=False):
    """A sync of a file failed: the kernel may have marked its pages clean without writing them.

    What was not durable by then no later sync makes durable. Source: fsync(2); "Can Applications
    Recover from fsync Failures?" (ATC 2020).
    """

    line: int
    inode: int


class OpenBytes(Struct, frozen=True, gc=False):
    """A range of a file was mapped shared and writable: from here on its bytes can be any."""

    line: int
    inode: int
    offset: int
    byte_count: int


class SettledBytes(Struct, frozen=True, gc=False):
    """The last such mapping of the file went away."""

    line: int
    inode: int


class Heard(Struct, frozen=True, gc=False):
    """Bytes came to the program. `data` is shorter than `byte_count` where not all was kept."""

    line: int
    process_id: int
    channel: str
    byte_count: int
    data: bytes


class Said(Struct, frozen=True, gc=False):
    """Bytes left the traced processes: from here on the outside may count on what they tell.

    `data` is shorter than `byte_count` where not all was kept, or where a file was sent.
    """

    line: int
    process_id: int
    channel: str
    byte_count: int
    data: bytes


Change: TypeAlias = WriteBlock | Grow | SetSize | AddEntry | RemoveEntry | MoveEntry
"""What a crash may lose."""

Sync: TypeAlias = SyncFile | SyncFolder | SyncAll
"""What keeps a crash from losing it."""

Operation: TypeAlias = Change | Sync | FailedSync | OpenBytes | SettledBytes | Heard | Said

CHANGES: Final = (WriteBlock, Grow, SetSize, AddEntry, RemoveEntry, MoveEntry)
FILE_CHANGES: Final = (WriteBlock, Grow, SetSize)
ENTRY_CHANGES: Final = (AddEntry, RemoveEntry, MoveEntry)
SYNCS: Final = (SyncFile, SyncFolder, SyncAll)


class InitialFile(Struct, frozen=True):
    """A file that was there, and durable, before the recording began; `path` is below the root."""

    path: str
    content: bytes


class Recording(Struct, frozen=True):
    """Everything that happened to the folder under test, in order.

    `initial_names` has each folder and file that was there before, as (folder, name, inode,
    is_folder), parents first, and `initial_contents` the files' bytes by inode. `kept_contents`
    has, by inode, what a file that was mapped writable held at the end, where that is known.
    `writers` are the processes that changed anything below the root.
    """

    operations: tuple[Operation, ...]
    initial_names: tuple[tuple[int, str, int, bool], ...] = ()
    initial_contents: dict[int, bytes] = {}
    kept_contents: dict[int, bytes] = {}
    writers: frozenset[int] = frozenset()

    @property
    def change_count(self) -> int:
        """Operations that a crash may lose."""
        return sum(isinstance(one, CHANGES) for one in self.operations)

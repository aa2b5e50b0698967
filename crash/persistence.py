"""Persistence models: what a file system may have lost, and in which order it loses.

Each model answers two questions. Which changes does a sync make durable? And which later changes
cannot have survived, if one change did not? Sources: fsync(2); "All File Systems Are Not Created
Equal" (OSDI 2014), table 1; Linux's Documentation/filesystems/ext4 (data=ordered, auto_da_alloc,
delayed allocation), xfs-delayed-logging-design; "Can Applications Recover from fsync Failures?"
(ATC 2020); btrfs(5) on the log tree.
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final

from msgspec import Struct

from iowitness.crash.operations import (
    BLOCK_BYTE_COUNT,
    ENTRY_CHANGES,
    FILE_CHANGES,
    AddEntry,
    Change,
    Grow,
    MoveEntry,
    RemoveEntry,
    SetSize,
    Sync,
    SyncAll,
    SyncFolder,
    WriteBlock,
)


class Order(Enum):
    """Which changes survive only together with those before them."""

    NONE = "none"
    METADATA = "metadata"
    ALL = "all"


class SyncReach(Enum):
    """What a file's fsync makes durable besides the file's own bytes and size."""

    FILE = "file"
    FILE_AND_NAMES = "file and its names"
    JOURNAL = "all metadata before it"
    ALL = "all before it"


class PersistenceModel(Struct, frozen=True, kw_only=True):
    """What a crash may lose.

    `order`: METADATA means that names and set sizes reach the disk in order. `data_before_size`: a
    file never has grown without the bytes that it grew by. `pages_accumulate`: the later of two
    writes to one page carries the earlier one. `replace_waits`: a rename over an old name waits for
    the new file's bytes. `tear_byte_counts`: a block that is being written may be cut at multiples
    of these. `shows_garbage`: what a file grew by without being written may be anything, not zeros
    alone.
    """

    name: str
    about: str
    order: Order
    sync_reach: SyncReach
    data_before_size: bool
    pages_accumulate: bool
    replace_waits: bool
    tear_byte_counts: tuple[int, ...]
    shows_garbage: bool

    def reaches(self, sync: Sync, number: int, change: Change, names: frozenset[int]) -> bool:
        """Whether a sync made a change durable; `names` are the inodes that the sync is about.

        `number` is the change's place among the operations.
        """
        if number >= sync.start:
            return False
        if isinstance(sync, SyncAll) or self.sync_reach is SyncReach.ALL:
            return True
        if isinstance(sync, SyncFolder):
            if isinstance(change, ENTRY_CHANGES) and sync.folder in folders_of(change):
                return True
            return self.sync_reach is SyncReach.JOURNAL and _is_metadata(change)
        if isinstance(change, FILE_CHANGES):
            return change.inode == sync.inode or (
                self.sync_reach is SyncReach.JOURNAL and isinstance(change, SetSize)
            )
        if self.sync_reach is SyncReach.FILE_AND_NAMES:
            return isinstance(change, AddEntry | MoveEntry) and change.inode in names
        return self.sync_reach is SyncReach.JOURNAL

    def lost_with(self, lost: int, pending: Sequence[tuple[int, Change]]) -> frozenset[int]:
        """All that is lost with one change: itself and the later ones that need it.

        `pending` has the changes that are not durable, with their places, in order.
        """
        gone: list[Change] = []
        numbers: set[int] = set()
        for number, change in pending:
            if number == lost or (number > lost and self._needs_any(change, gone)):
                gone.append(change)
                numbers.add(number)
        return frozenset(numbers)

    def _needs_any(self, change: Change, gone: Iterable[Change]) -> bool:
        if self.order is Order.ALL:
            return True
        return any(self._needs(change, one) for one in gone)

    def _needs(self, change: Change, gone: Change) -> bool:
        """Whether `change`, which came later, cannot have survived without `gone`."""
        if isinstance(change, FILE_CHANGES) and isinstance(gone, FILE_CHANGES):
            if change.inode == gone.inode and self._file_needs(change, gone):
                return True
        elif (
            self.replace_waits
            and isinstance(change, MoveEntry)
            and change.replaces
            and isinstance(gone, WriteBlock | Grow)
            and gone.inode == change.inode
        ):
            return True
        return self.order is Order.METADATA and _is_metadata(change) and _is_metadata(gone)

    def _file_needs(
        self, change: WriteBlock | Grow | SetSize, gone: WriteBlock | Grow | SetSize
    ) -> bool:
        if isinstance(change, WriteBlock):
            same_block = (
                isinstance(gone, WriteBlock)
                and gone.offset // BLOCK_BYTE_COUNT == change.offset // BLOCK_BYTE_COUNT
            )
            return self.pages_accumulate and same_block
        if not self.data_before_size:
            return False
        if isinstance(gone, WriteBlock):
            return isinstance(change, Grow) and change.byte_count > gone.offset
        return True


def folders_of(change: AddEntry | RemoveEntry | MoveEntry) -> tuple[int, ...]:
    """The folders whose names a change is about."""
    if isinstance(change, MoveEntry):
        return (change.old_folder, change.new_folder)
    return (change.folder,)


def _is_metadata(change: Change) -> bool:
    return isinstance(change, (*ENTRY_CHANGES, SetSize))


WEAKEST: Final = PersistenceModel(
    name="weakest",
    about="only fsync orders: any change that was not synced may be lost, alone, torn or not",
    order=Order.NONE,
    sync_reach=SyncReach.FILE,
    data_before_size=False,
    pages_accumulate=False,
    replace_waits=False,
    tear_byte_counts=(512,),
    shows_garbage=True,
)
EXT4_ORDERED: Final = PersistenceModel(
    name="ext4-ordered",
    about="ext4 with data=ordered, delayed allocation and auto_da_alloc, its defaults",
    order=Order.METADATA,
    sync_reach=SyncReach.JOURNAL,
    data_before_size=True,
    pages_accumulate=True,
    replace_waits=True,
    tear_byte_counts=(512,),
    shows_garbage=False,
)
XFS: Final = PersistenceModel(
    name="xfs",
    about="XFS: metadata in order, sizes after their bytes, renames wait for nothing",
    order=Order.METADATA,
    sync_reach=SyncReach.JOURNAL,
    data_before_size=True,
    pages_accumulate=True,
    replace_waits=False,
    tear_byte_counts=(512,),
    shows_garbage=False,
)
BTRFS: Final = PersistenceModel(
    name="btrfs",
    about="btrfs: an fsync logs the file and its names alone; blocks are written anew, never torn",
    order=Order.METADATA,
    sync_reach=SyncReach.FILE_AND_NAMES,
    data_before_size=True,
    pages_accumulate=True,
    replace_waits=True,
    tear_byte_counts=(),
    shows_garbage=False,
)
DATA_JOURNAL: Final = PersistenceModel(
    name="data-journal",
    about="everything through one journal (ext4 data=journal): what survives is a prefix",
    order=Order.ALL,
    sync_reach=SyncReach.ALL,
    data_before_size=True,
    pages_accumulate=True,
    replace_waits=True,
    tear_byte_counts=(),
    shows_garbage=False,
)
MODELS: Final = {model.name: model for model in (WEAKEST, EXT4_ORDERED, XFS, BTRFS, DATA_JOURNAL)}
"""Every model by its name."""

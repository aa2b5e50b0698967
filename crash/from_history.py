"""From a history to a recording: events become micro-operations on one folder.

Only what reached the kernel counts, in the order in which the calls ended. Bytes that the trace did
not keep are an error, not a guess.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from iowitness.crash.errors import CrashError
from iowitness.crash.namespace import Namespace
from iowitness.crash.open_mappings import OpenMappings
from iowitness.crash.operations import (
    BLOCK_BYTE_COUNT,
    ROOT,
    AddEntry,
    FailedSync,
    Grow,
    Heard,
    MoveEntry,
    OpenBytes,
    Operation,
    Recording,
    RemoveEntry,
    Said,
    SetSize,
    SettledBytes,
    SyncAll,
    SyncFile,
    SyncFolder,
    WriteBlock,
)
from iowitness.crash.talk import channel_name, talk_of
from iowitness.traces.events import (
    Allocated,
    AnyEvent,
    DirectoryMade,
    File,
    Linked,
    Mapped,
    Opened,
    Received,
    Renamed,
    Resized,
    Sent,
    Synced,
    ThreadEnded,
    Transferred,
    Unlinked,
    Unmapped,
    Unverifiable,
    Written,
)
from iowitness.traces.history import History


def recording_of(
    history: History,
    root: str,
    *,
    initial: Mapping[str, bytes] | None = None,
    kept: Mapping[str, bytes] | None = None,
) -> Recording:
    """What a history did below `root`, an absolute path.

    `initial` has the files that were there before, by path below the root (a path that ends in `/`
    is an empty folder); without it nothing was. `kept` has what files held at the end, by path: the
    only source for bytes that were stored through a mapping.
    Raises `CrashError` for what the history does not tell.
    """
    if not history.data_is_visible:
        raise CrashError(
            "the trace kept no bytes of the calls: capture it with "
            "`iowitness trace --content 1048576`"
        )
    translator = _Translator(root, initial or {})
    for event in _in_order(history):
        translator.see(event)
    return translator.recording(kept or {})


def _in_order(history: History) -> Iterable[AnyEvent]:
    return sorted(history.events, key=lambda event: event.end_ns)


class _Translator:
    """Follows names, sizes and mappings, and writes operations down."""

    def __init__(self, root: str, initial: Mapping[str, bytes]) -> None:
        self._names = Namespace(root)
        self._operations: list[Operation] = []
        self._ends_ns: list[int] = []
        self._now_ns = 0
        self._inodes: dict[int, int] = {}
        self._sizes: dict[int, int] = {}
        self._synchronous: set[tuple[int, int]] = set()
        self._mappings = OpenMappings()
        self._initial_names: list[tuple[int, str, int, bool]] = []
        self._initial_contents: dict[int, bytes] = {}
        self._writers: set[int] = set()
        self._handlers: dict[type, Callable[[Any], None]] = {
            Opened: self._see_opened,
            Written: self._see_written,
            Resized: self._see_resized,
            Allocated: self._see_allocated,
            Synced: self._see_synced,
            Renamed: self._see_renamed,
            Linked: self._see_linked,
            Unlinked: self._see_unlinked,
            DirectoryMade: self._see_directory,
            Mapped: self._see_mapped,
            Unmapped: self._see_unmapped,
            ThreadEnded: self._see_ended,
            Transferred: self._see_transferred,
            Received: self._see_received,
            Sent: self._see_sent,
        }
        for path in sorted(initial):
            self._put_initial(path, initial[path])

    def _put_initial(self, path: str, content: bytes) -> None:
        parts = path.rstrip("/").split("/")
        folder = ROOT
        for part in parts[: None if path.endswith("/") else -1]:
            known = self._names.get(folder, part)
            if known is None:
                known = self._names.new_inode()
                self._names.folders.add(known)
                self._names.add(folder, part, known)
                self._initial_names.append((folder, part, known, True))
            folder = known
        if path.endswith("/"):
            return
        inode = self._names.new_inode()
        self._names.add(folder, parts[-1], inode)
        self._initial_names.append((folder, parts[-1], inode, False))
        self._initial_contents[inode] = content
        self._sizes[inode] = len(content)

    def recording(self, kept: Mapping[str, bytes]) -> Recording:
        """What was written down, without what the traced processes told one another by pipes."""
        inner = {one.channel for one in self._operations if isinstance(one, Heard)}
        inner = {channel for channel in inner if channel.startswith("pipe")}
        moved: list[int] = []
        operations: list[Operation] = []
        for operation in self._operations:
            moved.append(len(operations))
            if not (isinstance(operation, Heard | Said) and operation.channel in inner):
                operations.append(operation)
        moved.append(len(operations))
        for place, operation in enumerate(operations):
            match operation:
                case SyncFile(line, inode, start):
                    operations[place] = SyncFile(line, inode, moved[start])
                case SyncFolder(line, folder, start):
                    operations[place] = SyncFolder(line, folder, moved[start])
                case SyncAll(line, start):
                    operations[place] = SyncAll(line, moved[start])
        contents = {
            inode: kept[path]
            for path, inode in self._names.files()
            if inode in self._mappings.ever and path in kept
        }
        return Recording(
            operations=tuple(operations),
            initial_names=tuple(self._initial_names),
            initial_contents=self._initial_contents,
            kept_contents=contents,
            writers=frozenset(self._writers),
        )

    def see(self, event: AnyEvent) -> None:
        """Take one event in."""
        self._now_ns = event.end_ns
        if isinstance(event, Unverifiable):
            raise CrashError(
                f"line {event.line}: {event.reason}: what it wrote is not in the trace"
            )
        if event.error is not None:
            if isinstance(event, Synced):
                self._see_failed_sync(event)
            return
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def _put(self, operation: Operation) -> None:
        self._operations.append(operation)
        self._ends_ns.append(self._now_ns)

    def _inode(self, file: File, line: int) -> int | None:
        """The inode of a file below the root; None for a file elsewhere."""
        known = self._inodes.get(file.file_id)
        if known is not None:
            return known
        if not self._names.covers(file.path):
            return None
        inode = self._names.inode(file.path)
        if inode is None:
            raise CrashError(
                f"line {line}: {file.path} was there before the trace began: give the folder as it "
                "was then (--initial DIR)"
            )
        self._inodes[file.file_id] = inode
        return inode

    def _see_opened(self, event: Opened) -> None:
        file = event.file
        if event.created and file.file_id not in self._inodes and self._names.covers(file.path):
            place = self._names.place(file.path)
            if place is not None and self._names.get(*place) is None:
                made = self._names.new_inode()
                self._sizes[made] = 0
                self._inodes[file.file_id] = made
                self._names.add(*place, made)
                self._put(AddEntry(event.line, *place, made))
                self._writers.add(event.process_id)
        inode = self._inode(file, event.line)
        if inode is None or inode in self._names.folders:
            return
        if event.synchronous:
            self._synchronous.add((event.process_id, inode))
        if event.truncated and self._sizes.get(inode, 0):
            self._resize(event.line, inode, 0)

    def _see_written(self, event: Written) -> None:
        inode = self._inode(event.file, event.line)
        if inode is None:
            told = (event.file.path, event.byte_count, event.data or b"")
            self._put(Said(event.line, event.process_id, *told))
            return
        self._writers.add(event.process_id)
        if not event.byte_count:
            return
        if event.offset is None:
            raise CrashError(f"line {event.line}: it is not known where in {event.file.path}")
        data = event.data or b""
        if len(data) < event.byte_count:
            raise CrashError(
                f"line {event.line}: data={len(data)} B of a write of {event.byte_count} B to "
                f"{event.file.path}, expected all of it: capture with a larger --content"
            )
        self._write(event.line, inode, event.offset, data[: event.byte_count])
        if (event.process_id, inode) in self._synchronous:
            self._put(SyncFile(event.line, inode, len(self._operations)))

    def _write(self, line: int, inode: int, offset: int, data: bytes) -> None:
        end = offset + len(data)
        start = offset
        if offset > self._sizes.get(inode, 0):  # a hole is zeros, and never anything else
            self._resize(line, inode, offset)
        while start < end:
            stop = min((start // BLOCK_BYTE_COUNT + 1) * BLOCK_BYTE_COUNT, end)
            self._put(WriteBlock(line, inode, start, data[start - offset : stop - offset]))
            if stop > self._sizes.get(inode, 0):
                self._sizes[inode] = stop
                self._put(Grow(line, inode, stop))
            start = stop

    def _see_resized(self, event: Resized) -> None:
        inode = self._inode(event.file, event.line)
        if inode is not None:
            self._writers.add(event.process_id)
            self._resize(event.line, inode, event.size_byte_count)

    def _resize(self, line: int, inode: int, byte_count: int) -> None:
        if self._sizes.get(inode) != byte_count:
            self._sizes[inode] = byte_count
            self._put(SetSize(line, inode, byte_count))

    def _see_allocated(self, event: Allocated) -> None:
        inode = self._inode(event.file, event.line)
        if inode is None:
            return
        if event.mode not in {"", "FALLOC_FL_KEEP_SIZE"}:
            raise CrashError(
                f"line {event.line}: fallocate mode={event.mode}, expected a plain reservation"
            )
        end = event.offset + event.byte_count
        if not event.mode and end > self._sizes.get(inode, 0):
            self._resize(event.line, inode, end)

    def _see_synced(self, event: Synced) -> None:
        start = self._started(event)
        if event.file is None:
            self._put(SyncAll(event.line, start))
            return
        inode = self._inode(event.file, event.line)
        if event.scope == "filesystem" and inode is not None:
            self._put(SyncAll(event.line, start))
        elif inode is None or event.scope == "range":
            return  # sync_file_range(2) promises nothing about metadata or the drive's cache
        elif inode in self._names.folders:
            self._put(SyncFolder(event.line, inode, start))
        else:
            self._put(SyncFile(event.line, inode, start))

    def _see_failed_sync(self, event: Synced) -> None:
        inode = None if event.file is None else self._inode(event.file, event.line)
        if inode is not None and event.error not in {"EINTR", "EBADF", "EINVAL", "EROFS"}:
            self._put(FailedSync(event.line, inode))

    def _started(self, event: AnyEvent) -> int:
        """How many operations had ended when a call began."""
        place = len(self._ends_ns)
        while place and self._ends_ns[place - 1] > event.start_ns:
            place -= 1
        return place

    def _see_renamed(self, event: Renamed) -> None:
        old, new = self._names.place(event.old_path), self._names.place(event.new_path)
        if old is None and new is None:
            return
        inode = None if old is None else self._names.get(*old)
        if old is None or new is None or inode is None:
            raise CrashError(
                f"line {event.line}: rename of {event.old_path} to {event.new_path}: expected both "
                "below the root, and the old name known"
            )
        replaced = self._names.get(*new)
        if event.exchanged:
            raise CrashError(f"line {event.line}: an exchange of two names is not modelled")
        self._writers.add(event.process_id)
        self._names.remove(*old)
        self._names.add(*new, inode)
        self._put(MoveEntry(event.line, *old, *new, inode, replaced is not None))

    def _see_linked(self, event: Linked) -> None:
        new = self._names.place(event.new_path)
        if new is None:
            return
        self._writers.add(event.process_id)
        if event.symbolic:
            made = self._names.new_inode()
            self._names.add(*new, made)
            self._put(AddEntry(event.line, *new, made, link_target=event.target_path))
            return
        inode = self._names.inode(event.target_path)
        if inode is None:
            raise CrashError(
                f"line {event.line}: link of {event.target_path} to {event.new_path}: expected a "
                "file that is known"
            )
        self._names.add(*new, inode)
        self._put(AddEntry(event.line, *new, inode))

    def _see_unlinked(self, event: Unlinked) -> None:
        place = self._names.place(event.path)
        if place is None:
            return
        if self._names.get(*place) is None:
            raise CrashError(
                f"line {event.line}: {event.path} was there before the trace began: give the "
                "folder as it was then (--initial DIR)"
            )
        self._writers.add(event.process_id)
        self._names.remove(*place)
        self._put(RemoveEntry(event.line, *place))

    def _see_directory(self, event: DirectoryMade) -> None:
        place = self._names.place(event.path)
        if place is None or event.path == self._names.root:
            return
        inode = self._names.new_inode()
        self._names.folders.add(inode)
        self._names.add(*place, inode)
        self._writers.add(event.process_id)
        self._put(AddEntry(event.line, *place, inode, is_folder=True))

    def _see_mapped(self, event: Mapped) -> None:
        if not (event.shared and event.writable):
            return
        inode = self._inode(event.file, event.line)
        if inode is None:
            return
        self._writers.add(event.process_id)
        self._mappings.add(event.process_id, inode, event.byte_count)
        self._put(OpenBytes(event.line, inode, event.offset, event.byte_count))

    def _see_unmapped(self, event: Unmapped) -> None:
        inode = self._inodes.get(event.file.file_id)
        if inode is not None and self._mappings.remove(event.process_id, inode, event.byte_count):
            self._put(SettledBytes(event.line, inode))

    def _see_ended(self, event: ThreadEnded) -> None:
        """A process's mappings end with it."""
        if event.whole_process:
            for inode in self._mappings.end(event.process_id):
                self._put(SettledBytes(event.line, inode))

    def _see_received(self, event: Received) -> None:
        self._put(Heard(event.line, event.process_id, *talk_of(event)))

    def _see_sent(self, event: Sent) -> None:
        self._put(Said(event.line, event.process_id, *talk_of(event)))

    def _see_transferred(self, event: Transferred) -> None:
        destination = event.destination
        if isinstance(destination, File):
            if self._inode(destination, event.line) is not None and event.byte_count:
                raise CrashError(
                    f"line {event.line}: {event.call} into {destination.path}: its bytes are not "
                    "in the trace"
                )
            return
        channel = channel_name(destination)
        self._put(Said(event.line, event.process_id, channel, event.byte_count, b""))

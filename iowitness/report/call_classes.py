"""Calls by class and thread: how often, and how many bytes."""

from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from iowitness.traces.events import (
    Accepted,
    Allocated,
    AnyEvent,
    BlockIssued,
    Closed,
    Connected,
    DirectoryMade,
    File,
    IOEvent,
    Linked,
    Listening,
    Mapped,
    Marked,
    Opened,
    PipeOpened,
    Read,
    Received,
    Renamed,
    Resized,
    Sent,
    SocketOpened,
    Synced,
    Transferred,
    Unlinked,
    Unmapped,
    Unverifiable,
    Waited,
    Written,
)
from iowitness.traces.history import History


class CallClass(StrEnum):
    """A column of the matrix, from the one that moves payload by the kernel to the rest."""

    WRITE = "file write"
    TRANSFER = "sendfile"
    READ = "file read"
    MAPPING = "mapping"
    SYNC = "sync"
    SEND = "socket send"
    RECEIVE = "socket receive"
    CONNECT = "connections"
    OPEN = "open, close"
    NAMES = "names, sizes"
    WAIT = "wait"
    PROCESS = "processes, threads"
    OPAQUE = "unverifiable"


class Cell(Struct, frozen=True):
    """Calls of one class by one thread: `failed_count` of them failed and moved nothing."""

    call_count: int
    byte_count: int
    failed_count: int


def call_matrix(history: History) -> Mapping[int, Mapping[CallClass, Cell]]:
    """Cells by thread id, in order of first appearance; marks are the workload's, and not shown."""
    counts: dict[int, dict[CallClass, Cell]] = defaultdict(dict)
    for event in history:
        call_class = class_of(event)
        if call_class is None:
            continue
        row = counts[event.thread_id]
        cell = row.get(call_class, Cell(0, 0, 0))
        failed = event.error is not None
        row[call_class] = Cell(
            cell.call_count + 1,
            cell.byte_count + (0 if failed else _byte_count(event)),
            cell.failed_count + failed,
        )
    return counts


def class_of(event: AnyEvent) -> CallClass | None:
    """The class of an event; None for marks and for what is no system call."""
    if isinstance(event, Transferred) and isinstance(event.destination, File):
        return CallClass.WRITE
    if isinstance(event, Opened | Closed):
        is_file = isinstance(event, Opened) or isinstance(event.endpoint, File | None)
        return CallClass.OPEN if is_file else CallClass.CONNECT
    return _CLASSES.get(type(event), CallClass.PROCESS)


def _byte_count(event: AnyEvent) -> int:
    match event:
        case Read() | Written() | Received() | Sent() | Transferred() | Mapped():
            return event.byte_count
        case _:
            return 0


_CLASSES: Mapping[type[IOEvent], CallClass | None] = {
    Written: CallClass.WRITE,
    Transferred: CallClass.TRANSFER,
    Read: CallClass.READ,
    Mapped: CallClass.MAPPING,
    Unmapped: CallClass.MAPPING,
    Synced: CallClass.SYNC,
    Sent: CallClass.SEND,
    Received: CallClass.RECEIVE,
    SocketOpened: CallClass.CONNECT,
    Listening: CallClass.CONNECT,
    Connected: CallClass.CONNECT,
    Accepted: CallClass.CONNECT,
    PipeOpened: CallClass.OPEN,
    Resized: CallClass.NAMES,
    Allocated: CallClass.NAMES,
    Renamed: CallClass.NAMES,
    Linked: CallClass.NAMES,
    Unlinked: CallClass.NAMES,
    DirectoryMade: CallClass.NAMES,
    Waited: CallClass.WAIT,
    Unverifiable: CallClass.OPAQUE,
    Marked: None,
    BlockIssued: None,
}

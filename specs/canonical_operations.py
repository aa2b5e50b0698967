"""A history's work on log segments in canonical form, so that two worlds can be compared.

Failed calls and calls that moved nothing are left out; a write or read that the kernel cut short
is joined with its continuation; a stretch of a file that left by several `sendfile` calls is one.
What remains is the same however the kernel happened to slice it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from iowitness.specs.globs import PathGlobs
from iowitness.specs.scene import Scene
from iowitness.traces.events import (
    AnyEvent,
    File,
    Opened,
    Read,
    Received,
    Resized,
    Sent,
    Socket,
    Synced,
    Transferred,
    Written,
)

_PRODUCE_REQUEST_MINIMUM_BYTE_COUNT = 100
"""Head, topic and the smallest batch of one record; a producer's other requests are smaller."""

_PRODUCE_KEY = 0
_API_KEY_END = 6

_Moving: TypeAlias = Read | Written | Transferred


@dataclass(slots=True)
class Operation:
    """One canonical operation on a segment, with the event that it began with."""

    name: str
    offset: int | None
    byte_count: int | None
    event: AnyEvent

    def __str__(self) -> str:
        if self.byte_count is None:
            return self.name
        at = "" if self.offset is None else f" at {self.offset}"
        return f"{self.name} of {self.byte_count} B{at}"

    def same_as(self, other: "Operation") -> bool:
        """True if name, offset and length are the same."""
        return (self.name, self.offset, self.byte_count) == (
            other.name,
            other.offset,
            other.byte_count,
        )


@dataclass(slots=True)
class CanonicalOperations:
    """Operations by segment file (path below the root), in order; and what was counted besides.

    `segments` has the names of each partition's segment files, in the order in which they came to
    be used.
    """

    by_file: dict[str, list[Operation]] = field(default_factory=dict)
    segments: dict[str, list[str]] = field(default_factory=dict)
    produce_request_count: int = 0
    fetch_count: int = 0

    def byte_count(self, name: str) -> int:
        """Bytes over all operations of one name."""
        return sum(one.byte_count or 0 for one in self._named(name))

    def count(self, name: str) -> int:
        """Operations of one name."""
        return len(self._named(name))

    def _named(self, name: str) -> list[Operation]:
        return [one for file in self.by_file.values() for one in file if one.name == name]


def canonical_operations(
    events: Iterable[AnyEvent], root: str, globs: tuple[str, ...]
) -> CanonicalOperations:
    """The canonical form of what `events` did to files below `root` that fit one of `globs`."""
    canon = _Canon(root, globs)
    for event in events:
        canon.scene.see(event)
        canon.see(event)
    return canon.found


@dataclass(slots=True)
class _OpenTransfer:
    """The last stretch that went from a file to a socket, and may still grow."""

    operation: Operation
    end: int


class _Canon:
    def __init__(self, root: str, globs: tuple[str, ...]) -> None:
        self.scene = Scene()
        self.found = CanonicalOperations()
        self._root = root.rstrip("/") + "/" if root else ""
        self._globs = PathGlobs(globs, root)
        self._short: dict[tuple[int, int, str], Operation] = {}
        self._transfers: dict[int, dict[int, _OpenTransfer]] = {}
        self._answering: set[int] = set()
        self._short_sends: set[int] = set()

    def see(self, event: AnyEvent) -> None:
        if event.error is not None:
            return
        if isinstance(event, Sent):
            self._see_send(event)
        elif isinstance(event, Received):
            if isinstance(event.channel, Socket):
                self._transfers.pop(event.channel.socket_id, None)
                self._answering.discard(event.channel.socket_id)
        elif isinstance(event, Transferred):
            self._see_transfer(event)
        elif isinstance(event, Opened | Read | Written | Synced | Resized):
            operations = self._operations(event.file)
            if operations is not None:
                self._see_file(event, operations)

    def _operations(self, file: object) -> list[Operation] | None:
        """The list of a segment's operations, None for what is no segment."""
        if not isinstance(file, File) or not self._globs.fit(file.path):
            return None
        path = file.path.removeprefix(self._root)
        operations = self.found.by_file.get(path)
        if operations is None:
            operations = self.found.by_file[path] = []
            folder, _, name = path.rpartition("/")
            self.found.segments.setdefault(folder, []).append(name)
        return operations

    def _see_file(
        self, event: Opened | Read | Written | Synced | Resized, operations: list[Operation]
    ) -> None:
        if isinstance(event, Read | Written):
            if event.byte_count:
                self._add(event, operations)
        elif isinstance(event, Synced):
            operations.append(Operation(f"sync ({event.scope})", None, None, event))
        elif isinstance(event, Resized):
            operations.append(Operation("resize", None, event.size_byte_count, event))

    def _add(self, event: Read | Written, operations: list[Operation]) -> None:
        name = "write" if isinstance(event, Written) else "read"
        key = (event.thread_id, event.file.file_id, name)
        before = self._short.pop(key, None)
        if (
            before is not None
            and before is operations[-1]
            and before.offset is not None
            and before.byte_count is not None
            and before.offset + before.byte_count == event.offset
        ):
            before.byte_count += event.byte_count
            operation = before
        else:
            operation = Operation(name, event.offset, event.byte_count, event)
            operations.append(operation)
        # A short read is normal at the end of a file; only what follows on tells it from a cut.
        if event.byte_count < event.requested_byte_count:
            self._short[key] = operation

    def _see_transfer(self, event: Transferred) -> None:
        operations = self._operations(event.source)
        if operations is None or not event.byte_count:
            return
        socket_id = getattr(event.destination, "socket_id", None)
        file_id = getattr(event.source, "file_id", 0)
        if socket_id is not None and socket_id not in self._answering:
            self._answering.add(socket_id)
            self.found.fetch_count += 1
        open_transfers = self._transfers.setdefault(socket_id or 0, {})
        growing = open_transfers.get(file_id)
        if growing is not None and event.offset == growing.end:
            assert growing.operation.byte_count is not None
            growing.operation.byte_count += event.byte_count
            growing.end += event.byte_count
            return
        operation = Operation("transfer", event.offset, event.byte_count, event)
        operations.append(operation)
        if event.offset is not None and socket_id is not None:
            open_transfers[file_id] = _OpenTransfer(operation, event.offset + event.byte_count)

    def _see_send(self, event: Sent) -> None:
        """Count produce requests: whole sends of a producer that are large enough for one."""
        if not isinstance(event.channel, Socket) or not event.byte_count:
            return
        socket_id = event.channel.socket_id
        continues = socket_id in self._short_sends
        if event.byte_count < event.requested_byte_count:
            self._short_sends.add(socket_id)
        else:
            self._short_sends.discard(socket_id)
        if continues or self.scene.role(event.process_id) != "producer":
            return
        if _is_produce(event):
            self.found.produce_request_count += 1


def _is_produce(event: Sent) -> bool:
    """By the API key (bytes 4 and 5 of a request) where it was kept, else by size alone."""
    if event.data is not None and len(event.data) >= _API_KEY_END:
        return int.from_bytes(event.data[4:_API_KEY_END], "big") == _PRODUCE_KEY
    return event.requested_byte_count >= _PRODUCE_REQUEST_MINIMUM_BYTE_COUNT

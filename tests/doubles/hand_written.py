"""Histories written by hand, call by call: the clock and the line numbers run by themselves."""

from typing import Any

from iowitness.traces.events import (
    CALL_KINDS,
    Allocated,
    AnyEvent,
    Closed,
    Connected,
    DirectoryMade,
    Executed,
    File,
    IOEvent,
    Mapped,
    Marked,
    Opened,
    Read,
    Received,
    Renamed,
    Resized,
    Sent,
    Socket,
    SocketOpened,
    Synced,
    ThreadNamed,
    ThreadStarted,
    Transferred,
    Unlinked,
    Unverifiable,
    Written,
)
from iowitness.traces.history import Gap, History, Provenance

LOG = File(1, "/data/plain-0/00000000000000000000.log")
FOLDER = File(90, "/data/plain-0")
TO_BROKER = Socket(10, "TCP", "127.0.0.1:40000", "127.0.0.1:9092")
TO_CLIENT = Socket(11, "TCP", "127.0.0.1:9092", "127.0.0.1:40000")

BROKER, PRODUCER, SENDER = 100, 200, 201


class HandWritten:
    """A growing history. Every method adds one call; keywords override any field of its event."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []

    def add(self, kind: type[IOEvent], usual_call: str, /, **fields: Any) -> AnyEvent:
        """Add a call; a tick later than the last, by the broker, unless said otherwise."""
        number = len(self.events) + 1
        who = fields.pop("who", (BROKER, BROKER))
        process_id, thread_id = who if isinstance(who, tuple) else (who, who)
        given: dict[str, Any] = {
            "start_ns": number * 10,
            "end_ns": number * 10 + 5,
            "process_id": process_id,
            "thread_id": thread_id,
            "call": usual_call,
            "line": number,
        }
        event: Any = kind(**(given | fields))
        self.events.append(event)
        return event  # type: ignore[no-any-return]  # every kind is one of AnyEvent's

    def role(self, name: str, **fields: Any) -> AnyEvent:
        return self.add(Marked, "write", verb="role", name=name, **fields)

    def begin(self, name: str, **fields: Any) -> AnyEvent:
        return self.add(Marked, "write", verb="begin", name=name, **fields)

    def end(self, name: str, **fields: Any) -> AnyEvent:
        return self.add(Marked, "write", verb="end", name=name, **fields)

    def executed(self, path: str, **fields: Any) -> AnyEvent:
        return self.add(Executed, "execve", path=path, **fields)

    def thread(self, parent: int, child: int, name: str = "") -> None:
        """A thread of `parent`'s process, which takes a name if it is given one."""
        self.add(
            ThreadStarted,
            "clone3",
            who=parent,
            started_thread_id=child,
            started_process_id=parent,
        )
        if name:
            self.add(ThreadNamed, "prctl", who=(parent, child), name=name)

    def forked(self, parent: int, child: int) -> None:
        self.add(
            ThreadStarted, "clone", who=parent, started_thread_id=child, started_process_id=child
        )

    def opened(self, file: File = LOG, size: int | None = 0, **fields: Any) -> AnyEvent:
        given = {"descriptor": 7, "access": "read-write", "size_byte_count": size}
        return self.add(Opened, "openat", file=file, **(given | fields))

    def closed(self, file: File | Socket = LOG, **fields: Any) -> AnyEvent:
        return self.add(Closed, "close", endpoint=file, **({"descriptor": 7} | fields))

    def written(
        self, offset: int | None, byte_count: int, file: File = LOG, **fields: Any
    ) -> AnyEvent:
        given = {"byte_count": byte_count, "requested_byte_count": byte_count}
        return self.add(Written, "pwrite64", file=file, offset=offset, **(given | fields))

    def read(
        self, offset: int | None, byte_count: int, file: File = LOG, **fields: Any
    ) -> AnyEvent:
        given = {"byte_count": byte_count, "requested_byte_count": byte_count}
        return self.add(Read, "pread64", file=file, offset=offset, **(given | fields))

    def transferred(
        self, offset: int | None, byte_count: int, file: File = LOG, **fields: Any
    ) -> AnyEvent:
        given = {
            "destination": TO_CLIENT,
            "destination_offset": None,
            "byte_count": byte_count,
            "requested_byte_count": byte_count,
        }
        return self.add(Transferred, "sendfile", source=file, offset=offset, **(given | fields))

    def sent(self, byte_count: int, **fields: Any) -> AnyEvent:
        given = {
            "channel": TO_CLIENT,
            "byte_count": byte_count,
            "requested_byte_count": byte_count,
        }
        return self.add(Sent, "sendmsg", **(given | fields))

    def received(self, byte_count: int, **fields: Any) -> AnyEvent:
        given = {
            "channel": TO_CLIENT,
            "byte_count": byte_count,
            "requested_byte_count": byte_count,
        }
        return self.add(Received, "recvfrom", **(given | fields))

    def socket(self, **fields: Any) -> AnyEvent:
        return self.add(SocketOpened, "socket", **({"socket": TO_BROKER, "descriptor": 5} | fields))

    def connected(self, **fields: Any) -> AnyEvent:
        return self.add(Connected, "connect", **({"socket": TO_BROKER} | fields))

    def mapped(self, file: File = LOG, **fields: Any) -> AnyEvent:
        given = {
            "address": 4096,
            "offset": 0,
            "byte_count": 4096,
            "writable": True,
            "shared": True,
        }
        return self.add(Mapped, "mmap", file=file, **(given | fields))

    def synced(self, file: File | None = LOG, **fields: Any) -> AnyEvent:
        return self.add(Synced, "fsync", file=file, **({"scope": "all"} | fields))

    def resized(self, size: int, file: File = LOG, **fields: Any) -> AnyEvent:
        return self.add(Resized, "ftruncate", file=file, size_byte_count=size, **fields)

    def allocated(self, offset: int, byte_count: int, mode: str = "", **fields: Any) -> AnyEvent:
        given = {"file": LOG, "offset": offset, "byte_count": byte_count, "mode": mode}
        return self.add(Allocated, "fallocate", **(given | fields))

    def renamed(self, file: File | None, old: str, new: str, **fields: Any) -> AnyEvent:
        return self.add(Renamed, "rename", file=file, old_path=old, new_path=new, **fields)

    def unlinked(self, file: File | None, path: str, **fields: Any) -> AnyEvent:
        return self.add(Unlinked, "unlink", file=file, path=path, **fields)

    def directory(self, path: str, **fields: Any) -> AnyEvent:
        return self.add(DirectoryMade, "mkdir", path=path, **fields)

    def unverifiable(self, **fields: Any) -> AnyEvent:
        return self.add(Unverifiable, "io_uring_enter", **({"reason": "io_uring"} | fields))

    def history(
        self,
        *,
        gaps: tuple[Gap, ...] = (),
        data_is_visible: bool = False,
        blind_to: frozenset[str] = frozenset(),
    ) -> History:
        """What was written so far, as if from `broker.strace`."""
        return History(
            events=tuple(self.events),
            visible_kinds=CALL_KINDS - blind_to,
            data_is_visible=data_is_visible,
            provenance=Provenance(source="constructed", raw_files=("broker.strace",), gaps=gaps),
        )

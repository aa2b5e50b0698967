"""What every event is, and what it is about: files, sockets and pipes."""

from typing import TypeAlias

from msgspec import Struct


class File(Struct, frozen=True, gc=False, tag=True, tag_field="kind"):
    """A file, by an identity that survives rename, unlink and reuse of its descriptors.

    `path` is the absolute name that the file had when the history first met it.
    `file_id` is unique within one history, and says nothing between two.
    """

    file_id: int
    path: str


class Socket(Struct, frozen=True, gc=False, tag=True, tag_field="kind"):
    """One end of a connection or a listener.

    `family` is the tracer's word (`TCP`, `TCPv6`, `UNIX-STREAM`, `NETLINK`, ...); `local` and
    `remote` are addresses as text (`127.0.0.1:9092`), empty where unknown.
    `socket_id` is unique within one history.
    """

    socket_id: int
    family: str
    local: str = ""
    remote: str = ""


class Pipe(Struct, frozen=True, gc=False, tag=True, tag_field="kind"):
    """A pipe, both ends; `pipe_id` is unique within one history. Source: pipe(7)."""

    pipe_id: int


Endpoint: TypeAlias = File | Socket | Pipe
Channel: TypeAlias = Socket | Pipe


class IOEvent(Struct, frozen=True, kw_only=True, gc=False, tag=True, tag_field="kind"):
    """One completed call of one thread.

    `call` is the system call's name (`pwrite64`, `sendfile`). `error` is the errno's name where
    the call failed (`EAGAIN`); then nothing moved. `line` is the 1-based line of the raw trace on
    which the call begins and `resumed_line` the one on which it ends, where that is another; 0
    means that there is no raw trace, as in a simulation.
    """

    start_ns: int
    end_ns: int
    process_id: int
    thread_id: int
    call: str
    line: int = 0
    resumed_line: int = 0
    error: str | None = None

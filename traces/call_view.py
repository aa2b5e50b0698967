"""One whole call as the converters see it: arguments, result, what its descriptors stand for."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from iowitness.traces.decoration import read_decoration
from iowitness.traces.descriptor_table import Descriptor, Opening
from iowitness.traces.file_names import resolved
from iowitness.traces.processes import Thread
from iowitness.traces.strace_text import fields, flags, items, number, string
from iowitness.traces.strace_text import path as path_text
from iowitness.traces.strace_world import World

DESCRIPTOR_ARGUMENTS: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(
        [
            "read",
            "readv",
            "pread64",
            "pread",
            "preadv",
            "preadv2",
            "write",
            "writev",
            "pwrite64",
            "pwrite",
            "pwritev",
            "pwritev2",
            "recvfrom",
            "recv",
            "recvmsg",
            "recvmmsg",
            "sendto",
            "send",
            "sendmsg",
            "sendmmsg",
            "lseek",
            "_llseek",
            "vmsplice",
            "ioctl",
            "openat",
            "openat2",
            "open_by_handle_at",
            "fstat",
            "fstat64",
            "newfstatat",
            "fstatat64",
            "statx",
            "fsync",
            "fdatasync",
            "syncfs",
            "sync_file_range",
            "sync_file_range2",
            "ftruncate",
            "ftruncate64",
            "fallocate",
            "close",
            "dup",
            "dup2",
            "dup3",
            "fcntl",
            "fcntl64",
            "accept",
            "accept4",
            "connect",
            "bind",
            "listen",
            "fchdir",
            "unlinkat",
            "mkdirat",
            "faccessat",
            "faccessat2",
            "execveat",
            "io_uring_enter",
            "io_uring_register",
        ],
        (0,),
    ),
    **dict.fromkeys(("sendfile", "sendfile64", "tee"), (0, 1)),
    **dict.fromkeys(("splice", "copy_file_range", "renameat", "renameat2", "linkat"), (0, 2)),
    "symlinkat": (1,),
    "mmap": (4,),
    "mmap2": (4,),
}
"""Which arguments of a call are descriptors."""


class EntryNotes(Struct, eq=False):
    """What was true when a call began that was printed in two parts.

    `openings` has what its descriptors stood for then, by the trace's words; `closed` the
    descriptor that close took away: another thread's open may get its number before close returns.
    """

    openings: dict[bytes, Opening]
    closed: Descriptor | None = None


class CallView:
    """A call within its world.

    `result` is None where the call did not return (`?`), `result_text` has its decoration. `error`
    is the errno's name where it failed. `failed` says that it did nothing.
    """

    __slots__ = (
        "arguments",
        "end_ns",
        "entry",
        "error",
        "failed",
        "line",
        "name",
        "process",
        "result",
        "result_text",
        "resumed_line",
        "start_ns",
        "thread",
        "world",
    )

    def __init__(  # the fields of a call
        self,
        world: World,
        thread: Thread,
        name: str,
        *,
        start_ns: int,
        end_ns: int,
        line: int,
        resumed_line: int = 0,
        arguments: list[bytes],
        result: int | None,
        result_text: bytes,
        error: str | None,
        entry: EntryNotes | None = None,
    ) -> None:
        self.world = world
        self.thread = thread
        self.process = thread.process
        self.name = name
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.line = line
        self.resumed_line = resumed_line
        self.arguments = arguments
        self.result = result
        self.result_text = result_text
        self.error = error
        self.failed = error is not None or result is None or result < 0
        self.entry = entry

    @property
    def at(self) -> dict[str, Any]:
        """The fields that every event has."""
        return {
            "start_ns": self.start_ns,
            "end_ns": self.end_ns,
            "process_id": self.process.process_id,
            "thread_id": self.thread.thread_id,
            "call": self.name,
            "line": self.line,
            "resumed_line": self.resumed_line,
            "error": self.error,
        }

    def has(self, index: int) -> bool:
        """Whether there is an argument at the index."""
        return index < len(self.arguments)

    def number(self, index: int) -> int:
        """An argument as an integer."""
        return number(self.arguments[index])

    def path(self, index: int) -> str:
        """An argument as a path, not made absolute."""
        return path_text(self.arguments[index])

    def flags(self, index: int) -> frozenset[bytes]:
        """The names in a flags argument, empty where there is none."""
        return flags(self.arguments[index]) if index < len(self.arguments) else frozenset()

    def opening(self, index: int) -> Opening:
        """What the descriptor argument at the index stood for when the call began."""
        return self.opening_of(self.arguments[index])

    def opening_of(self, argument: bytes) -> Opening:
        """What a descriptor stood for when the call began."""
        if self.entry is not None and argument in self.entry.openings:
            return self.entry.openings[argument]
        return self.world.opening(self.process, argument, self.line)

    def path_at(self, directory_index: int, path_index: int) -> str:
        """The absolute path of an `...at` call's directory and path arguments."""
        relative = self.path(path_index)
        if relative.startswith("/"):
            return resolved("", relative)
        return resolved(self.directory(self.arguments[directory_index]), relative)

    def path_here(self, index: int) -> str:
        """The absolute path of an argument that is relative to the process's directory."""
        return resolved(self.process.directory, self.path(index))

    def directory(self, argument: bytes) -> str:
        """The path that a directory descriptor stands for; empty where unknown."""
        if argument.startswith(b"AT_FDCWD"):
            shown = read_decoration(argument)
            if shown.path:
                self.process.directory = shown.path
            return self.process.directory
        opening = self.opening_of(argument)
        if opening.node is None:
            return ""
        return min(opening.node.names, default="")


def buffer(argument: bytes, byte_count: int) -> bytes | None:
    """The beginning of a buffer that strace printed, at most as long as what moved."""
    shown = string(argument)
    return None if shown is None else shown[0][:byte_count]


def vector(argument: bytes, byte_count: int) -> tuple[int, bytes | None]:
    """The byte count of an iovec array, and the beginning of its buffers as far as unbroken.

    strace leaves out (`...`) the items of a long array; then the count is at least what moved.
    """
    if not argument.startswith(b"["):
        return byte_count, None
    parts: list[bytes] = []
    requested, unbroken, whole = 0, True, True
    for item in items(argument):
        if not item.startswith(b"{"):
            whole = unbroken = False
            continue
        members = fields(item)
        length = number(members.get(b"iov_len", b"0"))
        requested += length
        shown = string(members.get(b"iov_base", b"NULL"))
        if not unbroken:
            continue
        if shown is None:
            unbroken = length == 0
            continue
        parts.append(shown[0])
        unbroken = shown[1] and len(shown[0]) == length
    data = b"".join(parts)[:byte_count] if parts else None
    return (requested if whole else max(requested, byte_count)), data

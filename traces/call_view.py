"""One whole call as the converters see it: arguments, result, what its descriptors stand for."""

from typing import Any

from iowitness.traces.decoration import read_decoration
from iowitness.traces.descriptor_table import Descriptor, Opening
from iowitness.traces.file_names import resolved
from iowitness.traces.processes import Process, Thread
from iowitness.traces.strace_calls import Call, ParsedCall
from iowitness.traces.strace_text import fields, items, number, string
from iowitness.traces.strace_text import path as path_text
from iowitness.traces.strace_world import World


class EntryNotes:
    """What was true when a call began that was printed in two parts.

    `openings` has what its descriptors stood for then, by the trace's words; `closed` the
    descriptor that close took away: another thread's open may get its number before close returns.
    """

    __slots__ = ("closed", "openings")

    def __init__(self) -> None:
        self.openings: dict[bytes, Opening] = {}
        self.closed: Descriptor | None = None


class CallView:
    """A call within its world.

    `result` is None where the call did not return (`?`); `error` the errno's name where it failed.
    """

    __slots__ = (
        "arguments",
        "call",
        "end_ns",
        "entry",
        "error",
        "result",
        "result_text",
        "thread",
        "world",
    )

    def __init__(self, world: World, thread: Thread, call: Call, parsed: ParsedCall) -> None:
        self.world = world
        self.thread = thread
        self.call = call
        self.arguments = parsed.arguments
        self.result = parsed.result
        self.result_text = parsed.result_text
        self.error = parsed.error
        if parsed.duration_ns is not None:
            self.end_ns = call.start_ns + parsed.duration_ns
        else:
            self.end_ns = call.start_ns if call.end_ns is None else call.end_ns
        self.entry = call.entry if isinstance(call.entry, EntryNotes) else None

    @property
    def process(self) -> Process:
        """The calling process."""
        return self.thread.process

    @property
    def failed(self) -> bool:
        """Whether the call did nothing: it failed, or did not return."""
        return self.error is not None or self.result is None or self.result < 0

    @property
    def at(self) -> dict[str, Any]:
        """The fields that every event has."""
        return {
            "start_ns": self.call.start_ns,
            "end_ns": self.end_ns,
            "process_id": self.thread.process.process_id,
            "thread_id": self.thread.thread_id,
            "call": self.call.name,
            "line": self.call.line,
            "resumed_line": self.call.resumed_line,
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
        if not self.has(index):
            return frozenset()
        return frozenset(self.arguments[index].split(b"|"))

    def opening(self, index: int) -> Opening:
        """What the descriptor argument at the index stood for when the call began."""
        return self.opening_of(self.arguments[index])

    def opening_of(self, argument: bytes) -> Opening:
        """What a descriptor stood for when the call began."""
        if self.entry is not None and argument in self.entry.openings:
            return self.entry.openings[argument]
        return self.world.opening(self.thread.process, argument, self.call.line)

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

"""The state of the traced system while its trace is read: names, descriptors, threads.

`World` answers what a descriptor in the trace stands for. It believes its own table first, checks
it against what strace shows (`-yy`), and reports a gap where the two differ: then a call between
was not traced.
"""

from collections.abc import Mapping, MutableMapping

from iowitness.traces.decoration import Decoration, read_decoration
from iowitness.traces.descriptor_table import Descriptor, Opening
from iowitness.traces.events import AnyEvent, Pipe, Socket
from iowitness.traces.file_names import FileNames, FileNode
from iowitness.traces.history import Gap
from iowitness.traces.processes import Process, Thread

CLOSED = Opening("other")
"""What a number below 0, or one that the kernel refused, stands for."""


class World:
    """All that is known of the traced processes at one line of the trace.

    `out` takes the events as they come to be. `process_ids` tells the process of threads that were
    not seen to start (an attached program); a thread that it does not name is taken for one of
    the first process. `thread_heads` is a reader's memory of threads, to be cleared when one
    starts or ends.
    """

    def __init__(self, process_ids: Mapping[int, int]) -> None:
        self.names = FileNames()
        self.threads: dict[int, Thread] = {}
        self.out: list[AnyEvent] = []
        self.gaps: list[Gap] = []
        self.notes: set[str] = set()
        self.tampered_count = 0
        self.thread_heads: MutableMapping[bytes, tuple[Thread, int]] = {}
        self._process_ids = process_ids
        self._first_process: Process | None = None
        self._socket_count = 0
        self._pipe_count = 0
        self._pipes: dict[str, Pipe] = {}
        self._sockets: dict[str, Opening] = {}
        self._deleted: dict[str, FileNode] = {}

    def thread(self, thread_id: int, line: int) -> Thread:
        """A thread by its id, met for the first time if need be."""
        found = self.threads.get(thread_id)
        if found is None or found.ended:
            found = self._met(thread_id)
            self.started(found, line)
        return found

    def started(self, thread: Thread, line: int) -> None:
        """A thread is there; the kernel may have given its id to another before."""
        thread.met_line = line
        self.threads[thread.thread_id] = thread
        self.thread_heads.clear()

    def ended(self, thread: Thread) -> None:
        """A thread is no more."""
        thread.ended = True
        thread.process.living.discard(thread.thread_id)
        self.thread_heads.clear()

    def _met(self, thread_id: int) -> Thread:
        process_id = self._process_ids.get(thread_id)
        first = self._first_process
        if first is not None and not first.living:
            first = self._first_process = None
        if process_id is None and first is None:
            process_id = thread_id
        if process_id is None:
            assert first is not None  # the case above took the other
            self.notes.add(
                f"threads whose start was not traced were taken for threads of process "
                f"{first.process_id}"
            )
            process = first
        else:
            process = next(
                (
                    other.process
                    for other in self.threads.values()
                    if other.process.process_id == process_id and not other.ended
                ),
                Process(process_id),
            )
        self._first_process = self._first_process or process
        process.living.add(thread_id)
        return Thread(thread_id, process)

    def gap(self, reason: str, line: int, process_id: int | None, call: str | None) -> None:
        """Note a place where the trace may have missed something."""
        self.gaps.append(Gap(reason=reason, line=line, process_id=process_id, call=call))

    def opening(self, process: Process, argument: bytes, line: int) -> Opening:
        """What a descriptor argument stands for."""
        found = process.table.by_text.get(argument)
        if found is not None:
            return found.opening
        shown = read_decoration(argument)
        if shown.number < 0:
            return CLOSED
        descriptor = process.table.descriptors.get(shown.number)
        if descriptor is None:
            process.table.bind(shown.number, self._not_seen(shown), close_on_exec=False)
        elif not self._agrees(descriptor, shown):
            self.gap(
                f"descriptor {shown.number} stands for {argument.decode('utf-8', 'replace')}, "
                "expected what an earlier call opened: a call between was not traced",
                line,
                process.process_id,
                None,
            )
            process.table.bind(shown.number, self._not_seen(shown), close_on_exec=False)
        descriptor = process.table.descriptors[shown.number]
        process.table.spelled(descriptor, argument)
        return descriptor.opening

    def _agrees(self, descriptor: Descriptor, shown: Decoration) -> bool:
        """Whether the table and strace's words are about the same thing; learns from the words."""
        opening = descriptor.opening
        if shown.kind == "none":
            return True
        if opening.kind != shown.kind:
            return False
        if shown.kind == "file":
            assert opening.node is not None  # files have nodes
            return shown.path in opening.node.names
        if shown.kind == "socket":
            assert isinstance(opening.endpoint, Socket)  # sockets' openings have sockets
            opening.endpoint = _addressed(opening.endpoint, shown)
        return True

    def _not_seen(self, shown: Decoration) -> Opening:
        """An opening from before the trace."""
        if shown.kind == "file":
            node = self.file_shown(shown)
            opening = Opening("file", node.file, node, seen=False)
            node.not_seen.append(opening)
            return opening
        if shown.kind == "socket":
            return self._socket_not_seen(shown)
        if shown.kind == "pipe":
            return Opening("pipe", self.pipe(shown.inode), seen=False)
        kind = "unknown" if shown.kind == "none" else shown.kind
        return Opening(kind, seen=False)

    def _socket_not_seen(self, shown: Decoration) -> Opening:
        """A socket from before the trace; two descriptors with the same words are the same one."""
        key = f"{shown.family} {shown.inode} {shown.local} {shown.remote}"
        found = self._sockets.get(key)
        if found is None:
            found = Opening("socket", self.socket(shown), seen=False)
            self._sockets[key] = found
        return found

    def file_shown(self, shown: Decoration) -> FileNode:
        """The file of a decoration; a deleted one is not the one that has the name now."""
        if not shown.deleted:
            return self.names.node(shown.path)
        if shown.path not in self._deleted:
            self._deleted[shown.path] = self.names.nameless(shown.path)
        return self._deleted[shown.path]

    def socket(self, shown: Decoration) -> Socket:
        """A new socket."""
        self._socket_count += 1
        return Socket(self._socket_count, shown.family or "socket", shown.local, shown.remote)

    def pipe(self, inode: str, *, is_new: bool = False) -> Pipe:
        """The pipe with the kernel's number, or a new one where it is not shown."""
        found = self._pipes.get(inode)
        if found is None or is_new or not inode:
            self._pipe_count += 1
            found = self._pipes[inode] = Pipe(self._pipe_count)
        return found


def _addressed(known: Socket, shown: Decoration) -> Socket:
    """The socket with the addresses that the decoration adds; the same value if it adds none."""
    family = shown.family or known.family
    local, remote = shown.local or known.local, shown.remote or known.remote
    if (family, local, remote) == (known.family, known.local, known.remote):
        return known
    return Socket(known.socket_id, family, local, remote)

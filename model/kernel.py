"""System calls of the simulated machine: what each costs and waits for, and the event it leaves.

Every call is two mode switches, and two context switches more if it has to wait; a copy between a
buffer and the page cache or a socket is the processor's; `sendfile` and `splice` hand pages to the
socket by reference, which a device that cannot gather them turns into a copy for `sendfile`.
Source: read(2), write(2), writev(2), sendfile(2), splice(2), mmap(2); the counts of the paths from
file to socket: Stancevic, Zero Copy I, Linux Journal 105, 2003.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Literal, TypeAlias

import simpy

from iowitness.model.block_io import Waiting
from iowitness.model.hardware import PAGE_BYTE_COUNT
from iowitness.model.machine import Machine
from iowitness.model.recorder import Thread
from iowitness.traces.events import (
    AnyEvent,
    Closed,
    File,
    Mapped,
    Opened,
    Pipe,
    Read,
    Received,
    Renamed,
    Resized,
    Sent,
    Socket,
    Synced,
    Transferred,
    Unlinked,
    Written,
)

HowOpened: TypeAlias = Literal["existing", "created", "emptied", "directory"]
"""`created` is O_CREAT, `emptied` O_CREAT|O_TRUNC, `directory` a folder opened to be synced."""

Buffer: TypeAlias = Literal["reused", "fresh"]

_PIECE_BYTE_COUNT = 8 * 1_048_576
"""Long calls are worked off in pieces: others get their turn, and disk and processor overlap."""

_FIRST_ADDRESS = 0x7F00_0000_0000
FAULT_AROUND_PAGES = 16
"""One fault maps that many cached pages at once (fault_around_bytes=65536)."""


class Kernel:
    """The calls. Each is a generator to be run with `yield from` by the thread's process."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._processor = machine.hardware.processor
        self._next_address = _FIRST_ADDRESS

    def open(
        self, thread: Thread, file: File, descriptor: int, how: HowOpened, size: int = 0
    ) -> Waiting:
        """Open a file that is `size` bytes long."""
        start_ns = self._machine.now_ns
        yield self._switched(thread, 0)
        self._done(
            Opened,
            thread,
            start_ns,
            "openat",
            file=file,
            descriptor=descriptor,
            access="read" if how == "directory" else "read-write",
            size_byte_count=size,
            created=how in ("created", "emptied"),
            truncated=how == "emptied",
            close_on_exec=True,
        )

    def close(self, thread: Thread, endpoint: File | Socket, descriptor: int) -> Waiting:
        """Close a descriptor."""
        start_ns = self._machine.now_ns
        yield self._switched(thread, 0)
        self._done(Closed, thread, start_ns, "close", endpoint=endpoint, descriptor=descriptor)

    def map(self, thread: Thread, file: File, byte_count: int) -> Waiting:
        """Map an index file, shared and writable."""
        start_ns = self._machine.now_ns
        yield self._switched(thread, 0)
        address = self._next_address
        self._next_address += 1 << 32
        self._done(
            Mapped,
            thread,
            start_ns,
            "mmap",
            file=file,
            address=address,
            offset=0,
            byte_count=byte_count,
            writable=True,
            shared=True,
        )

    def write(self, thread: Thread, file: File, offset: int, byte_count: int) -> Waiting:
        """Copy into the page cache; wait if too much of it is dirty."""
        machine, start_ns = self._machine, self._machine.now_ns
        yield self._switched(thread, 0)
        for at, length in _pieces(offset, byte_count):
            placement = machine.cache.write(file.file_id, at, length, machine.now_ns, thread.node)
            yield from machine.copied(thread, "write", length, machine.placed_ns(placement))
            yield from machine.write_back.balanced(thread, length)
        self._done(
            Written,
            thread,
            start_ns,
            "pwrite64",
            file=file,
            offset=offset,
            byte_count=byte_count,
            requested_byte_count=byte_count,
        )

    def read(
        self,
        thread: Thread,
        file: File,
        offset: int,
        byte_count: int,
        file_end: int,
        into: Buffer = "reused",
    ) -> Generator[simpy.Event, object, list[int]]:
        """Copy out of the page cache, from disk before that where it has to.

        A `fresh` buffer is touched for the first time: its memory is taken page by page. Returns
        what it then occupies, by node.
        """
        machine, start_ns = self._machine, self._machine.now_ns
        found = max(0, min(byte_count, file_end - offset))
        occupied = [0] * machine.hardware.memory.node_count
        yield self._switched(thread, 0)
        for at, length in _pieces(offset, found):
            yield from self._fetched(thread, file, at, length, file_end, offset + found)
            more_ns = 0
            if into == "fresh":
                placement, by_node = machine.cache.allocate(length, thread.node)
                occupied = [one + other for one, other in zip(occupied, by_node, strict=True)]
                more_ns = machine.fault_ns(placement)
            yield from machine.copied(thread, "read", length, more_ns)
        self._done(
            Read,
            thread,
            start_ns,
            "pread64",
            file=file,
            offset=offset,
            byte_count=found,
            requested_byte_count=byte_count,
        )
        return occupied

    def _fetched(
        self, thread: Thread, file: File, at: int, length: int, file_end: int, end: int
    ) -> Waiting:
        """A piece in the cache, and the next one of the same call on its way."""
        machine, after = self._machine, at + length
        reads, before_ns = machine.reads, machine.now_ns
        yield from reads.resident(file.file_id, at, after, file_end, thread.node)
        if machine.now_ns > before_ns:  # it slept, and was woken
            machine.ledger.context_switch_count += 2
            yield machine.compute(thread, 2 * self._processor.context_switch_ns)
        reads.begin(file.file_id, after, min(end, after + _PIECE_BYTE_COUNT), thread.node)

    def sendfile(
        self, thread: Thread, file: File, offset: int, byte_count: int, file_end: int, to: Socket
    ) -> Waiting:
        """Hand pages of the cache to a socket; the link takes them by DMA."""
        start_ns = self._machine.now_ns
        for at, length in _pieces(offset, byte_count):
            yield from self._fetched(thread, file, at, length, file_end, offset + byte_count)
        self._machine.ledger.dma_byte_counts["socket"] += byte_count
        if self._machine.hardware.link.gather == "pages":
            handed_ns = self._handed_ns(byte_count)
        else:
            handed_ns = self._machine.copy_ns("sendfile", byte_count)
        yield self._switched(thread, handed_ns)
        self._transferred(thread, start_ns, "sendfile", file, offset, to, byte_count)

    def splice(
        self,
        thread: Thread,
        file: File,
        offset: int,
        byte_count: int,
        file_end: int,
        through: Pipe,
        to: Socket,
    ) -> Waiting:
        """Two calls: pages into a pipe, and on from there to a socket, by reference both times."""
        start_ns = self._machine.now_ns
        for at, length in _pieces(offset, byte_count):
            yield from self._fetched(thread, file, at, length, file_end, offset + byte_count)
        yield self._switched(thread, self._handed_ns(byte_count))
        self._transferred(thread, start_ns, "splice", file, offset, through, byte_count)
        start_ns = self._machine.now_ns
        self._machine.ledger.dma_byte_counts["socket"] += byte_count
        yield self._switched(thread, self._handed_ns(byte_count))
        self._transferred(thread, start_ns, "splice", through, None, to, byte_count)

    def send_mapped(
        self, thread: Thread, file: File, offset: int, byte_count: int, file_end: int, to: Socket
    ) -> Waiting:
        """Send out of a mapping: the copy into the socket faults the pages in.

        The faults happen inside the kernel, so they are no mode switches of their own.
        """
        start_ns, faults_ns = self._machine.now_ns, 0
        for at, length in _pieces(offset, byte_count):
            yield from self._fetched(thread, file, at, length, file_end, offset + byte_count)
            pages = -(-length // PAGE_BYTE_COUNT)
            faults_ns += pages // FAULT_AROUND_PAGES * self._processor.page_fault_ns
        yield from self._sent(thread, start_ns, "write", to, byte_count, faults_ns)

    def _handed_ns(self, byte_count: int) -> int:
        """The time to pass cached pages on by reference."""
        return -(-byte_count // PAGE_BYTE_COUNT) * self._processor.send_page_ns

    def _transferred(
        self,
        thread: Thread,
        start_ns: int,
        call: str,
        source: File | Pipe,
        offset: int | None,
        to: Socket | Pipe,
        byte_count: int,
    ) -> None:
        self._done(
            Transferred,
            thread,
            start_ns,
            call,
            source=source,
            offset=offset,
            destination=to,
            destination_offset=None,
            byte_count=byte_count,
            requested_byte_count=byte_count,
        )

    def fsync(self, thread: Thread, file: File) -> Waiting:
        """Wait until what is dirty of a file is on the device."""
        start_ns = self._machine.now_ns
        yield from self._machine.write_back.synced(file.file_id)
        yield self._switched(thread, 0)
        self._done(Synced, thread, start_ns, "fsync", file=file, scope="all")

    def truncate(self, thread: Thread, file: File, size: int) -> Waiting:
        """Set a file's size."""
        start_ns = self._machine.now_ns
        yield self._switched(thread, 0)
        self._done(Resized, thread, start_ns, "ftruncate", file=file, size_byte_count=size)

    def rename(self, thread: Thread, file: File, new_path: str) -> Waiting:
        """Give a file another name."""
        start_ns = self._machine.now_ns
        yield self._switched(thread, 0)
        self._done(
            Renamed, thread, start_ns, "rename", file=file, old_path=file.path, new_path=new_path
        )

    def unlink(self, thread: Thread, file: File) -> Waiting:
        """Take a file's name away."""
        start_ns = self._machine.now_ns
        yield self._switched(thread, 0)
        self._done(Unlinked, thread, start_ns, "unlink", file=file, path=file.path)

    def send(self, thread: Thread, socket: Socket, byte_count: int) -> Waiting:
        """Copy a buffer into a socket; the link takes it by DMA."""
        yield from self._sent(thread, self._machine.now_ns, "sendto", socket, byte_count, 0)

    def send_vector(self, thread: Thread, socket: Socket, byte_counts: Sequence[int]) -> Waiting:
        """Copy several buffers into a socket with one call (writev)."""
        total = sum(byte_counts)
        yield from self._sent(thread, self._machine.now_ns, "writev", socket, total, 0)

    def _sent(
        self,
        thread: Thread,
        start_ns: int,
        call: str,
        socket: Socket,
        byte_count: int,
        more_ns: int,
    ) -> Waiting:
        self._machine.ledger.dma_byte_counts["socket"] += byte_count
        copied_ns = self._machine.copy_ns("send", byte_count)
        yield self._switched(thread, copied_ns + more_ns)
        self._done(
            Sent,
            thread,
            start_ns,
            call,
            channel=socket,
            byte_count=byte_count,
            requested_byte_count=byte_count,
        )

    def receive(self, thread: Thread, socket: Socket, byte_count: int) -> Waiting:
        """Copy what a socket holds into a buffer, after waking up for it."""
        start_ns = self._machine.now_ns
        self._machine.ledger.context_switch_count += 1
        woken_ns = self._processor.context_switch_ns
        yield self._switched(thread, woken_ns + self._machine.copy_ns("receive", byte_count))
        self._done(
            Received,
            thread,
            start_ns,
            "recvfrom",
            channel=socket,
            byte_count=byte_count,
            requested_byte_count=byte_count,
        )

    def _switched(self, thread: Thread, inside_ns: int) -> simpy.Event:
        """Into the kernel, work there, and out again."""
        self._machine.ledger.mode_switch_count += 2
        busy_ns = 2 * self._processor.mode_switch_ns + inside_ns
        return self._machine.compute(thread, busy_ns)

    def _done(
        self,
        kind: Callable[..., AnyEvent],
        thread: Thread,
        start_ns: int,
        call: str,
        **fields: object,
    ) -> None:
        """The call returns: write its event down."""
        self._machine.recorder.add(
            kind(
                start_ns=start_ns,
                end_ns=self._machine.now_ns,
                process_id=thread.process_id,
                thread_id=thread.thread_id,
                call=call,
                **fields,
            )
        )


def _pieces(offset: int, byte_count: int) -> Iterator[tuple[int, int]]:
    """Offsets and lengths of the pieces of a long call."""
    end = offset + byte_count
    for at in range(offset, end, _PIECE_BYTE_COUNT):
        yield at, min(_PIECE_BYTE_COUNT, end - at)

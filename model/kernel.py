"""System calls of the simulated machine: what each costs and waits for, and the event it leaves.

Every call is two mode switches; a copy between a buffer and the page cache or a socket is the
processor's; `sendfile` hands pages to the socket without one. Source: design section 2;
read(2), write(2), sendfile(2).
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

import simpy

from iowitness.model.machine import Machine, Waiting
from iowitness.model.recorder import Thread
from iowitness.traces.events import (
    AnyEvent,
    Closed,
    File,
    Mapped,
    Opened,
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

_FIRST_ADDRESS = 0x7F00_0000_0000


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
        start_ns = self._machine.now_ns
        yield self._switched(thread, self._machine.copy_ns("write", byte_count))
        yield from self._machine.dirtied(file.file_id, offset, byte_count)
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
        self, thread: Thread, file: File, offset: int, byte_count: int, file_end: int
    ) -> Waiting:
        """Copy out of the page cache, from disk before that where it has to."""
        start_ns = self._machine.now_ns
        found = max(0, min(byte_count, file_end - offset))
        yield from self._machine.made_resident(file.file_id, offset, found, file_end)
        yield self._switched(thread, self._machine.copy_ns("read", found))
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

    def sendfile(
        self, thread: Thread, file: File, offset: int, byte_count: int, file_end: int, to: Socket
    ) -> Waiting:
        """Hand pages of the cache to a socket; the link takes them by DMA."""
        start_ns = self._machine.now_ns
        yield from self._machine.made_resident(file.file_id, offset, byte_count, file_end)
        self._machine.ledger.dma_byte_counts["socket"] += byte_count
        yield self._switched(thread, 0)
        self._done(
            Transferred,
            thread,
            start_ns,
            "sendfile",
            source=file,
            offset=offset,
            destination=to,
            destination_offset=None,
            byte_count=byte_count,
            requested_byte_count=byte_count,
        )

    def fsync(self, thread: Thread, file: File) -> Waiting:
        """Wait until what is dirty of a file is on the device."""
        start_ns = self._machine.now_ns
        yield from self._machine.synced(file.file_id)
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
        start_ns = self._machine.now_ns
        self._machine.ledger.dma_byte_counts["socket"] += byte_count
        yield self._switched(thread, self._machine.copy_ns("send", byte_count))
        self._done(
            Sent,
            thread,
            start_ns,
            "sendto",
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

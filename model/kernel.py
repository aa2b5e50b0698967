"""System calls of the simulated machine: what each costs and waits for, and the event it leaves.

Every call is two mode switches; a copy between a buffer and the page cache or a socket is the
processor's; `sendfile` hands pages to the socket without one. Source: design section 2;
read(2), write(2), sendfile(2).
"""

import simpy

from iowitness.model.machine import Machine, Waiting
from iowitness.model.recorder import Thread
from iowitness.traces.events import (
    Closed,
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


class Kernel:
    """The calls. Each is a generator to be run with `yield from` by the thread's process."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._processor = machine.hardware.processor
        self._add = machine.recorder.add

    def open(self, thread: Thread, file: File, descriptor: int, size: int | None) -> Waiting:
        """Open a segment for reading and appending; a `size` of None makes it."""
        start_ns = self._machine.now_ns
        yield self._switched(thread, 0)
        self._add(
            Opened(
                start_ns=start_ns,
                end_ns=self._machine.now_ns,
                process_id=thread.process_id,
                thread_id=thread.thread_id,
                call="openat",
                file=file,
                descriptor=descriptor,
                access="read-write",
                size_byte_count=size or 0,
                created=size is None,
                close_on_exec=True,
            )
        )

    def close(self, thread: Thread, endpoint: File | Socket, descriptor: int) -> Waiting:
        """Close a descriptor."""
        start_ns = self._machine.now_ns
        yield self._switched(thread, 0)
        self._add(
            Closed(
                start_ns=start_ns,
                end_ns=self._machine.now_ns,
                process_id=thread.process_id,
                thread_id=thread.thread_id,
                call="close",
                endpoint=endpoint,
                descriptor=descriptor,
            )
        )

    def write(self, thread: Thread, file: File, offset: int, byte_count: int) -> Waiting:
        """Copy into the page cache; wait if too much of it is dirty."""
        start_ns = self._machine.now_ns
        yield self._switched(thread, self._machine.copy_ns("write", byte_count))
        yield from self._machine.dirtied(file.file_id, offset, byte_count)
        self._add(
            Written(
                start_ns=start_ns,
                end_ns=self._machine.now_ns,
                process_id=thread.process_id,
                thread_id=thread.thread_id,
                call="pwrite64",
                file=file,
                offset=offset,
                byte_count=byte_count,
                requested_byte_count=byte_count,
            )
        )

    def read(
        self, thread: Thread, file: File, offset: int, byte_count: int, file_end: int
    ) -> Waiting:
        """Copy out of the page cache, from disk before that where it has to."""
        start_ns = self._machine.now_ns
        found = max(0, min(byte_count, file_end - offset))
        yield from self._machine.made_resident(file.file_id, offset, found, file_end)
        yield self._switched(thread, self._machine.copy_ns("read", found))
        self._add(
            Read(
                start_ns=start_ns,
                end_ns=self._machine.now_ns,
                process_id=thread.process_id,
                thread_id=thread.thread_id,
                call="pread64",
                file=file,
                offset=offset,
                byte_count=found,
                requested_byte_count=byte_count,
            )
        )

    def sendfile(
        self, thread: Thread, file: File, offset: int, byte_count: int, file_end: int, to: Socket
    ) -> Waiting:
        """Hand pages of the cache to a socket; the link takes them by DMA."""
        start_ns = self._machine.now_ns
        yield from self._machine.made_resident(file.file_id, offset, byte_count, file_end)
        self._machine.ledger.dma_byte_counts["socket"] += byte_count
        yield self._switched(thread, 0)
        self._add(
            Transferred(
                start_ns=start_ns,
                end_ns=self._machine.now_ns,
                process_id=thread.process_id,
                thread_id=thread.thread_id,
                call="sendfile",
                source=file,
                offset=offset,
                destination=to,
                destination_offset=None,
                byte_count=byte_count,
                requested_byte_count=byte_count,
            )
        )

    def fsync(self, thread: Thread, file: File) -> Waiting:
        """Wait until what is dirty of a file is on the device."""
        start_ns = self._machine.now_ns
        yield from self._machine.synced(file.file_id)
        yield self._switched(thread, 0)
        self._add(
            Synced(
                start_ns=start_ns,
                end_ns=self._machine.now_ns,
                process_id=thread.process_id,
                thread_id=thread.thread_id,
                call="fsync",
                file=file,
                scope="all",
            )
        )

    def truncate(self, thread: Thread, file: File, size: int) -> Waiting:
        """Set a file's size."""
        start_ns = self._machine.now_ns
        yield self._switched(thread, 0)
        self._add(
            Resized(
                start_ns=start_ns,
                end_ns=self._machine.now_ns,
                process_id=thread.process_id,
                thread_id=thread.thread_id,
                call="ftruncate",
                file=file,
                size_byte_count=size,
            )
        )

    def send(self, thread: Thread, socket: Socket, byte_count: int) -> Waiting:
        """Copy a buffer into a socket; the link takes it by DMA."""
        start_ns = self._machine.now_ns
        self._machine.ledger.dma_byte_counts["socket"] += byte_count
        yield self._switched(thread, self._machine.copy_ns("send", byte_count))
        self._add(
            Sent(
                start_ns=start_ns,
                end_ns=self._machine.now_ns,
                process_id=thread.process_id,
                thread_id=thread.thread_id,
                call="sendto",
                channel=socket,
                byte_count=byte_count,
                requested_byte_count=byte_count,
            )
        )

    def receive(self, thread: Thread, socket: Socket, byte_count: int) -> Waiting:
        """Copy what a socket holds into a buffer, after waking up for it."""
        start_ns = self._machine.now_ns
        self._machine.ledger.context_switch_count += 1
        woken_ns = self._processor.context_switch_ns
        yield self._switched(thread, woken_ns + self._machine.copy_ns("receive", byte_count))
        self._add(
            Received(
                start_ns=start_ns,
                end_ns=self._machine.now_ns,
                process_id=thread.process_id,
                thread_id=thread.thread_id,
                call="recvfrom",
                channel=socket,
                byte_count=byte_count,
                requested_byte_count=byte_count,
            )
        )

    def _switched(self, thread: Thread, inside_ns: int) -> simpy.Event:
        """Into the kernel, work there, and out again."""
        self._machine.ledger.mode_switch_count += 2
        busy_ns = 2 * self._processor.mode_switch_ns + inside_ns
        return self._machine.compute(thread, busy_ns)

"""Sequences of calls that make a change of files last: replace a file, sync a directory."""

from collections.abc import Iterator

from iowitness.model.block_io import Waiting
from iowitness.model.kernel import Kernel
from iowitness.model.recorder import Thread
from iowitness.traces.events import File


def synced_directory(
    kernel: Kernel, thread: Thread, directory: File, descriptors: Iterator[int]
) -> Waiting:
    """Open a directory, sync it, close it."""
    descriptor = next(descriptors)
    yield from kernel.open(thread, directory, descriptor, "directory")
    yield from kernel.fsync(thread, directory)
    yield from kernel.close(thread, directory, descriptor)


def replaced(
    kernel: Kernel,
    thread: Thread,
    temporary: File,
    directory: File,
    byte_count: int,
    descriptors: Iterator[int],
) -> Waiting:
    """Write `NAME.tmp`, sync it, rename it to NAME, sync the directory."""
    descriptor = next(descriptors)
    yield from kernel.open(thread, temporary, descriptor, "emptied")
    yield from kernel.write(thread, temporary, 0, byte_count)
    yield from kernel.fsync(thread, temporary)
    yield from kernel.close(thread, temporary, descriptor)
    yield from kernel.rename(thread, temporary, temporary.path.removesuffix(".tmp"))
    yield from synced_directory(kernel, thread, directory, descriptors)

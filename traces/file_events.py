"""Events about one file: opened, read, written, mapped, synced, sized."""

from typing import Literal

from iowitness.traces.event_base import File, IOEvent


class Opened(IOEvent, frozen=True, kw_only=True, gc=False):
    """A file was opened.

    `size_byte_count` is its size at that moment, None where the source cannot tell. `append` is
    O_APPEND, `created` says that this call may have made the file (O_CREAT), `truncated` that it
    emptied it (O_TRUNC). Source: open(2).
    """

    file: File
    descriptor: int
    access: Literal["read", "write", "read-write", "path"]
    size_byte_count: int | None = None
    append: bool = False
    created: bool = False
    truncated: bool = False
    close_on_exec: bool = False
    direct: bool = False
    synchronous: bool = False


class Read(IOEvent, frozen=True, kw_only=True, gc=False):
    """Bytes of a file came into a buffer of the process.

    `offset` is where in the file they start, None where unknown. `data` is the beginning of the
    bytes, as much as the source kept, None where it kept none; it is complete when as long as
    `byte_count`. Source: read(2), pread(2), readv(2).
    """

    file: File
    offset: int | None
    byte_count: int
    requested_byte_count: int
    data: bytes | None = None


class Written(IOEvent, frozen=True, kw_only=True, gc=False):
    """Bytes of a buffer of the process went into a file; fields as in `Read`.

    `append` says that the kernel chose the offset (O_APPEND, RWF_APPEND): the end of the file at
    that moment. A short write is normal; `byte_count` is what the call returned.
    Source: write(2), pwrite(2), writev(2).
    """

    file: File
    offset: int | None
    byte_count: int
    requested_byte_count: int
    append: bool = False
    data: bytes | None = None


class Mapped(IOEvent, frozen=True, kw_only=True, gc=False):
    """A file appeared in the address space: its bytes may now move without any call.

    Source: mmap(2), mremap(2). Anonymous memory yields no event.
    """

    file: File
    address: int
    offset: int
    byte_count: int
    writable: bool
    shared: bool


class Unmapped(IOEvent, frozen=True, kw_only=True, gc=False):
    """A mapping of a file, or a part of one, went away. Source: munmap(2), mremap(2)."""

    file: File
    address: int
    byte_count: int


class Synced(IOEvent, frozen=True, kw_only=True, gc=False):
    """What had been written to a file, folder or file system was asked to become durable.

    `scope`: `all` fsync, `data` fdatasync, `range` sync_file_range (promises nothing about
    metadata or the drive's cache), `mapping` msync, `filesystem` syncfs and sync.
    `file` is None for sync(2). Source: fsync(2), sync_file_range(2), msync(2), sync(2).
    """

    file: File | None
    scope: Literal["all", "data", "range", "mapping", "filesystem"]
    offset: int | None = None
    byte_count: int | None = None


class Sized(IOEvent, frozen=True, kw_only=True, gc=False):
    """The size of a file became known, or turned out to be another than was known.

    It was this at the end of the call, which changed nothing. Source: stat(2), statx(2), lseek(2)
    with SEEK_END, a read(2) of nothing at the end of what was read.
    """

    file: File
    size_byte_count: int


class Resized(IOEvent, frozen=True, kw_only=True, gc=False):
    """The size of a file was set. Source: truncate(2), ftruncate(2)."""

    file: File
    size_byte_count: int


class Allocated(IOEvent, frozen=True, kw_only=True, gc=False):
    """Space was reserved, punched, zeroed, collapsed or inserted. Source: fallocate(2).

    `mode` has the names of the flags, joined by `|`; empty for a plain reservation, which grows
    the file if it ends beyond its size.
    """

    file: File
    offset: int
    byte_count: int
    mode: str = ""

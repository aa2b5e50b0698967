"""A file system in memory behind the log's port that writes down what a tracer would have seen.

For logs that run in this process, planted bugs and failing calls included: their calls become a
history like any other.
"""

import errno

from iowitness.crash_run.image_files import ImageFiles
from iowitness.impl.log_files import Buffer, Lock, MappedFile, OpenFile
from iowitness.traces.events import (
    AnyEvent,
    DirectoryMade,
    File,
    Mapped,
    Opened,
    Received,
    Renamed,
    Resized,
    Sent,
    Socket,
    Synced,
    Unlinked,
    Unmapped,
    Written,
)
from iowitness.traces.history import History, Provenance

_CLIENT = Socket(socket_id=1, family="TCP")


class WitnessedFiles:
    """`LogFiles`; `history` has what happened so far. One process, time goes by calls.

    Subclasses make calls fail or vanish: see `before`, `taken` and `forgets`.
    """

    def __init__(self) -> None:
        self._files = ImageFiles({}, ["/"])
        self._ids: dict[str, File] = {}
        self._events: list[AnyEvent] = []
        self._cached: dict[int, _Cached] = {}

    def before(self, call: str, path: str) -> None:
        """Asked before each call that changes or syncs anything; raises `OSError` to fail it."""

    def taken(self, path: str, byte_count: int) -> int:
        """How much of a write is taken."""
        del path
        return byte_count

    def forgets(self, call: str, path: str) -> bool:
        """Whether a sync is not done at all, and said to be."""
        del call, path
        return False

    def history(self) -> History:
        return History(
            events=tuple(self._events),
            data_is_visible=True,
            provenance=Provenance(source="constructed"),
        )

    def contents(self, root: str) -> dict[str, bytes]:
        below = root + "/"
        found = self._files.contents().items()
        return {p.removeprefix(below): c for p, c in found if p.startswith(below)}

    def folders(self, root: str) -> list[str]:
        """Every folder's path below the root."""
        return [path for path in self._files.folders() if path.startswith(root + "/")]

    def heard(self, data: bytes) -> None:
        self.saw(
            Received,
            "recvfrom",
            channel=_CLIENT,
            byte_count=len(data),
            requested_byte_count=65_536,
            data=data,
        )

    def said(self, data: bytes) -> None:
        self.saw(
            Sent,
            "sendto",
            channel=_CLIENT,
            byte_count=len(data),
            requested_byte_count=len(data),
            data=data,
        )

    def saw(self, kind: type, call: str, **fields: object) -> None:
        place = len(self._events) + 1
        self._events.append(
            kind(
                start_ns=2 * place,
                end_ns=2 * place + 1,
                process_id=1,
                thread_id=1,
                call=call,
                line=place,
                **fields,
            )
        )

    def _file(self, path: str) -> File:
        return self._ids.setdefault(path, File(file_id=len(self._events) + 1, path=path))

    def _opened(self, path: str, *, created: bool, truncated: bool = False) -> File:
        file = self._file(path)
        self.saw(
            Opened,
            "openat",
            file=file,
            descriptor=3,
            access="read-write",
            created=created,
            truncated=truncated,
        )
        return file

    def create(self, path: str) -> OpenFile:
        self.before("open", path)
        opened = self._files.create(path)
        return _File(self, self._opened(path, created=True, truncated=True), opened)

    def open(self, path: str) -> OpenFile:
        self.before("open", path)
        opened = self._files.open(path)
        return _File(self, self._opened(path, created=False), opened)

    def map(self, path: str) -> MappedFile:
        self.before("open", path)
        mapped = self._files.map(path)
        mapping = _Mapping(self, self._opened(path, created=True), mapped)
        mapping.show()
        return mapping

    def names(self, directory: str) -> list[str]:
        return self._files.names(directory)

    def exists(self, path: str) -> bool:
        return self._files.exists(path)

    def is_directory(self, path: str) -> bool:
        return self._files.is_directory(path)

    def modified_ms(self, path: str) -> int:
        return self._files.modified_ms(path)

    def make_directory(self, path: str) -> None:
        if not self._files.exists(path):
            self.before("mkdir", path)
            self._files.make_directory(path)
            self.saw(DirectoryMade, "mkdir", path=path)

    def remove(self, path: str) -> None:
        self.before("unlink", path)
        self._files.remove(path)
        self.saw(Unlinked, "unlink", file=self._ids.pop(path, None), path=path)

    def remove_directory(self, path: str) -> None:
        self.before("rmdir", path)
        self._files.remove_directory(path)
        self.saw(Unlinked, "rmdir", file=None, path=path, directory=True)

    def rename(self, old_path: str, new_path: str) -> None:
        self.before("rename", old_path)
        self._files.rename(old_path, new_path)
        moved = self._ids.pop(old_path, None)
        if moved is not None:
            self._ids[new_path] = moved
        self.saw(Renamed, "rename", file=moved, old_path=old_path, new_path=new_path)

    def sync_directory(self, path: str) -> None:
        """The folder's names are synced."""
        self.synced(self._file(path), "fsync of a folder")

    def synced(self, file: File, call: str = "fsync") -> None:
        """One sync, which may fail."""
        if self.forgets(call, file.path):
            return
        try:
            self.before(call, file.path)
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0, "EIO")
            self.saw(Synced, "fsync", file=file, scope="all", error=name)
            self.cached(file).failed()
            raise
        self.saw(Synced, "fsync", file=file, scope="all")
        self.cached(file).synced()

    def cached(self, file: File) -> "_Cached":
        """What the page cache and the disk have of a file."""
        return self._cached.setdefault(file.file_id, _Cached())

    def lock(self, path: str) -> Lock:
        self._opened(path, created=True)
        return self._files.lock(path)


class _Cached:
    """What the disk has of a file, where a failed sync left the page cache showing more.

    A failed sync marks pages clean: later syncs do not write them, and only what is written after
    it reaches the disk. Source: "Can Applications Recover from fsync Failures?" (ATC 2020).
    """

    def __init__(self) -> None:
        self._synced = b""
        self._written: list[tuple[int, bytes]] = []
        self._has_failed = False

    def wrote(self, offset: int, data: bytes) -> None:
        self._written.append((offset, data))

    def synced(self) -> None:
        self._synced = self._on_disk(0)
        self._written.clear()

    def failed(self) -> None:
        self._has_failed = True
        self._written.clear()

    def forget(self, opened: OpenFile) -> None:
        if self._has_failed:
            opened.write_at(self._on_disk(opened.byte_count())[: opened.byte_count()], 0)
            self._has_failed = False

    def _on_disk(self, byte_count: int) -> bytes:
        content = bytearray(self._synced)
        for offset, data in self._written:
            content.extend(bytes(max(offset - len(content), 0)))
            content[offset : offset + len(data)] = data
        return bytes(content.ljust(byte_count, b"\0"))


class _File:
    def __init__(self, files: WitnessedFiles, file: File, opened: OpenFile) -> None:
        self._files = files
        self._file = file
        self._opened = opened
        self._cached = files.cached(file)
        self.path = file.path

    def fileno(self) -> int:
        return 1_000_000

    def write_at(self, buffer: Buffer, position: int) -> int:
        self._files.before("pwrite64", self.path)
        given = memoryview(buffer)[: self._files.taken(self.path, len(buffer))]
        count = self._opened.write_at(given, position)
        self._cached.wrote(position, bytes(given))
        self._files.saw(
            Written,
            "pwrite64",
            file=self._file,
            offset=position,
            byte_count=count,
            requested_byte_count=len(buffer),
            data=bytes(given),
        )
        return count

    def read_at(self, byte_count: int, position: int) -> bytes:
        return self._opened.read_at(byte_count, position)

    def read_into(self, buffer: bytearray | memoryview, position: int) -> int:
        return self._opened.read_into(buffer, position)

    def forget_cached(self) -> None:
        self._cached.forget(self._opened)

    def byte_count(self) -> int:
        return self._opened.byte_count()

    def truncate(self, byte_count: int) -> None:
        self._files.before("ftruncate", self.path)
        self._opened.truncate(byte_count)
        self._files.saw(Resized, "ftruncate", file=self._file, size_byte_count=byte_count)

    def sync(self) -> None:
        self._files.synced(self._file)

    def close(self) -> None:
        self._opened.close()


class _Mapping:
    def __init__(self, files: WitnessedFiles, file: File, mapped: MappedFile) -> None:
        self._files = files
        self._file = file
        self._mapped = mapped
        self._byte_count = 0
        self.path = file.path
        self.mapping = mapped.mapping  # of a file in memory: the same object at any size

    def show(self) -> None:
        self._byte_count = len(self.mapping)
        if self._byte_count:
            self._files.saw(
                Mapped,
                "mmap",
                file=self._file,
                address=4_096,
                offset=0,
                byte_count=self._byte_count,
                writable=True,
                shared=True,
            )

    def hide(self) -> None:
        if self._byte_count:
            self._files.saw(
                Unmapped, "munmap", file=self._file, address=4_096, byte_count=self._byte_count
            )
        self._byte_count = 0

    def resize(self, byte_count: int) -> None:
        self._files.before("ftruncate", self.path)
        self.hide()
        self._mapped.resize(byte_count)
        self._files.saw(Resized, "ftruncate", file=self._file, size_byte_count=byte_count)
        self.show()

    def allocate(self, position: int, byte_count: int) -> None:
        self._files.before("fallocate", self.path)
        self._mapped.allocate(position, byte_count)

    def sync(self) -> None:
        self._files.synced(self._file)

    def close(self) -> None:
        self.hide()
        self._mapped.close()

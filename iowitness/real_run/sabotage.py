"""Sabotage: deliberate faults in the real run, each of which one contract must catch.

They are planted from outside, in the processes of the run, through the ports and classes that
`impl` has anyway: `impl` itself knows no switch for any of them.
"""

import mmap
import os
import socket
from collections.abc import Callable

from msgspec import Struct

from iowitness.impl.appended import Appended
from iowitness.impl.batch_format import Codec
from iowitness.impl.batch_reader import batches, records
from iowitness.impl.batch_writer import encode_batch
from iowitness.impl.compression import Compressor
from iowitness.impl.log import Log
from iowitness.impl.log_files import Buffer, LogFiles, RealFile, RealFiles

_EVERY_WRITES = 16
"""One write in so many goes to an earlier place, as a careless in-place update would."""


class Sabotage(Struct, frozen=True, kw_only=True):
    """One fault: what it does, and the claim that must not HOLD because of it."""

    name: str
    does: str
    caught_by: str


SABOTAGES: dict[str, Sabotage] = {
    one.name: one
    for one in (
        Sabotage(
            name="copying-reader",
            does="fetches are answered by pread and send",
            caught_by="zero-copy-reads",
        ),
        Sabotage(
            name="random-writes",
            does="the log rewrites the head of an earlier batch",
            caught_by="sequential-writes",
        ),
        Sabotage(
            name="unbatched",
            does="the producer sends a request for each record",
            caught_by="batched-sends",
        ),
        Sabotage(
            name="network-on-caller",
            does="the thread that calls send asks the broker for its name first",
            caught_by="producer-threads",
        ),
        Sabotage(
            name="recompress",
            does="the broker decompresses batches and stores them recompressed",
            caught_by="stored-as-sent",
        ),
        Sabotage(
            name="hidden-mapping",
            does="the broker maps each segment shared and writable",
            caught_by="zero-copy-reads",
        ),
    )
}
"""Every fault by its name, which is what `verify --sabotage` takes."""


class _RewritingFile(RealFile):
    """A segment that now and then writes 17 bytes of an earlier batch's head again."""

    __slots__ = ("_write_count",)

    def __init__(self, path: str, flags: int) -> None:
        super().__init__(path, flags)
        self._write_count = 0

    def write_at(self, buffer: Buffer, position: int) -> int:
        """The write that was asked for, and sometimes one that nobody asked for."""
        written = super().write_at(buffer, position)
        self._write_count += 1
        if self._write_count % _EVERY_WRITES == 0:
            os.pwrite(self.fileno(), self.read_at(17, 0), 0)
        return written


class _MappedFile(RealFile):
    """A segment that is mapped as soon as it has bytes, and stays so for as long as it is open."""

    __slots__ = ("_mapping",)

    def __init__(self, path: str, flags: int) -> None:
        super().__init__(path, flags)
        self._mapping: mmap.mmap | None = None

    def write_at(self, buffer: Buffer, position: int) -> int:
        """The write that was asked for, and after the first one a mapping of the whole file."""
        written = super().write_at(buffer, position)
        if self._mapping is None:
            self._mapping = mmap.mmap(self.fileno(), 0)
        return written


class _FaultyFiles(RealFiles):
    """The kernel's file system, with segment files of another class."""

    def __init__(self, segment: type[RealFile]) -> None:
        self._segment = segment

    def create(self, path: str) -> RealFile:
        """As the real one, faulty for segments."""
        return self._opened(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)

    def open(self, path: str) -> RealFile:
        """As the real one, faulty for segments."""
        return self._opened(path, os.O_RDWR)

    def _opened(self, path: str, flags: int) -> RealFile:
        kind = self._segment if path.endswith(".log") else RealFile
        return kind(path, flags)


def broker_files(sabotage: str | None) -> LogFiles:
    """The file system that the broker gets."""
    if sabotage == "random-writes":
        return _FaultyFiles(_RewritingFile)
    if sabotage == "hidden-mapping":
        return _FaultyFiles(_MappedFile)
    return RealFiles()


def plant_in_broker(sabotage: str | None) -> None:
    """Change the broker's own process before it starts, where a port does not reach."""
    if sabotage == "recompress":
        _recompress_on_append()


def _recompress_on_append() -> None:
    append = Log.append

    def recompressing(
        log: Log, batch_set: Buffer, *, now_ms: int, leader_epoch: int = 0
    ) -> Appended:
        return append(log, _recompressed(batch_set), now_ms=now_ms, leader_epoch=leader_epoch)

    Log.append = recompressing  # type: ignore[assignment]  # the fault is the point


def _recompressed(batch_set: Buffer) -> bytearray:
    """The same records with another codec, so that no byte of the payload is as it came."""
    stored = bytearray()
    for batch in batches(bytes(batch_set)):
        fields = [(r.timestamp_ms, r.key, r.value, r.headers) for r in records(batch)]
        stored += encode_batch(fields, Compressor(Codec.ZSTD))
    return stored


def caller_hook(sabotage: str | None, address: tuple[str, int]) -> Callable[[int], None]:
    """What the producer's calling thread does before it sends record number `index`."""
    if sabotage != "network-on-caller":
        return lambda _index: None

    def ask(index: int) -> None:
        if index % 1000 == 0:
            with socket.create_connection(address) as connection:
                connection.sendall(_API_VERSIONS)
                connection.recv(4096)

    return ask


_API_VERSIONS = bytes.fromhex("0000000a 0012 0000 00000001 ffff")
"""An ApiVersions request, version 0: length 10, key 18, correlation id 1, no client id."""

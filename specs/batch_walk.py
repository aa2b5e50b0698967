"""A walk over the record batches of a file as they are written, by their lengths alone.

Only what a judge of bytes needs to know of Kafka's format: a batch begins with its base offset
(8 bytes) and the length of what follows (4 bytes, big-endian); byte 16 is the magic, 2; bytes 21
and 22 are the attributes. Source: docs/formats, and Kafka's DefaultRecordBatch.
"""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

LENGTH_END = 12
"""Where the length field ends; the length counts from there."""

HEAD_BYTE_COUNT = 61
"""The smallest batch: a head without records."""

_MAGIC_AT = 16
_MAGIC = 2


class StoredBatch(Struct, frozen=True, gc=False):
    """One batch as far as its bytes were kept.

    `known` are its first bytes, all of them when as long as `byte_count`, which is None unless
    `state` is `whole`: the others are `lost` (its length was not kept), `foreign` (no batch) and
    `unfinished` (what follows it in the file is not the rest of it).
    """

    offset: int
    byte_count: int | None
    known: bytes
    state: Literal["whole", "lost", "foreign", "unfinished"] = "whole"

    @property
    def is_known(self) -> bool:
        """True if every byte is known."""
        return self.byte_count == len(self.known)


class BatchWalk:
    """Where in one file the next batch begins, with the bytes known from there on.

    A write that does not continue the last one is taken to begin with a batch, and so is the one
    after a batch whose length was not kept.
    """

    __slots__ = ("_end", "_known", "_start")

    def __init__(self) -> None:
        self._start = 0
        self._end = -1
        self._known = bytearray()

    def feed(self, offset: int, byte_count: int, data: bytes | None) -> Iterator[StoredBatch]:
        """Take one write in; the batches that are complete with it."""
        kept = data or b""
        if offset != self._end:
            yield from self.rest()
            self._start = self._end = offset
            self._known.clear()
        if len(self._known) == self._end - self._start:
            self._known += kept
        self._end += byte_count
        while True:
            if not self._known and self._start >= offset:
                self._known += kept[self._start - offset :]
            batch = self._next()
            if batch is None:
                return
            yield batch
            gone = self._end - self._start if batch.byte_count is None else batch.byte_count
            del self._known[:gone]
            self._start += gone

    def rest(self) -> Iterator[StoredBatch]:
        """The batch that was begun and not finished, if there is one."""
        if self._start < self._end:
            yield StoredBatch(self._start, None, bytes(self._known), "unfinished")

    def _next(self) -> StoredBatch | None:
        known, there = self._known, self._end - self._start
        if len(known) < LENGTH_END:
            if there == len(known):
                return None
            return StoredBatch(self._start, None, bytes(known), "lost")
        byte_count = LENGTH_END + int.from_bytes(known[8:LENGTH_END], "big", signed=True)
        foreign = len(known) > _MAGIC_AT and known[_MAGIC_AT] != _MAGIC
        if byte_count < HEAD_BYTE_COUNT or foreign:
            return StoredBatch(self._start, None, bytes(known), "foreign")
        if there < byte_count:
            return None
        return StoredBatch(self._start, byte_count, bytes(known[:byte_count]))

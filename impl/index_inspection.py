"""The indexes of a segment held to its batches, while those are walked over: nothing is changed.

An entry of the offset index has to name the first byte of a batch that begins at or below its
offset: then a lookup finds what it looks for. That also fits brokers before 4.0, whose entries
stood for a whole set of batches. Times and offsets of the time index have to rise, and none may be
later than the latest record. Zeros after the used part, as a crash leaves them, are no entries.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from iowitness.impl import offset_index, time_index
from iowitness.impl.log_names import LOG, OFFSET_INDEX, TIME_INDEX
from iowitness.impl.segment import BatchAt


class IndexFault(Struct, frozen=True):
    """An index entry that cannot be one of its segment; `number` counts from 0."""

    path: str
    number: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path} entry {self.number}: {self.reason}"


class IndexInspection:
    """Both indexes of one segment, as far as they are there."""

    __slots__ = ("_base_offset", "_entries", "_latest_ms", "_next", "_number", "_path", "_times")

    def __init__(self, segment_path: str, base_offset: int) -> None:
        stem = segment_path.removesuffix(LOG)
        self._base_offset = base_offset
        self._path = stem + OFFSET_INDEX
        self._times = stem + TIME_INDEX
        self._entries = _entries(self._path, ">ii", offset_index.ENTRY_BYTE_COUNT)
        self._number = -1
        self._next: tuple[int, ...] | None = None
        self._latest_ms = -1
        self._advance()

    def _advance(self) -> None:
        self._next = next(self._entries, None)
        self._number += 1

    def see(self, batch: BatchAt) -> Iterator[IndexFault]:
        """What is wrong with the entries up to a batch; the batches come in order."""
        header = batch.header
        self._latest_ms = max(self._latest_ms, header.max_timestamp_ms)
        while self._next is not None and self._next[1] <= batch.position:
            relative, position = self._next
            offset = self._base_offset + relative
            if position < batch.position:
                yield self._fault(f"position={position}, expected the first byte of a batch")
            elif offset < header.base_offset:
                yield self._fault(f"offset={offset}, expected {header.base_offset} or more")
            self._advance()

    def skip_to(self, position: int) -> None:
        """Entries before a position are not looked at: they lie in a damaged stretch."""
        while self._next is not None and self._next[1] < position:
            self._advance()

    def finish(self, byte_count: int) -> Iterator[IndexFault]:
        """What is wrong with the entries past the last batch, and with the time index.

        Of a segment without damage: what cannot be read says nothing of times.
        """
        while self._next is not None:
            position = self._next[1]
            yield self._fault(f"position={position}, expected below the segment's {byte_count} B")
            self._advance()
        yield from _left_over(self._path, offset_index.ENTRY_BYTE_COUNT)
        yield from _left_over(self._times, time_index.ENTRY_BYTE_COUNT)
        last_ms = last = -1
        entries = _entries(self._times, ">qi", time_index.ENTRY_BYTE_COUNT)
        for number, (timestamp_ms, relative) in enumerate(entries):
            if timestamp_ms <= last_ms or relative < last:
                reason = f"timestamp={timestamp_ms} ms offset={self._base_offset + relative}"
                yield IndexFault(self._times, number, f"{reason}, expected both to rise")
            elif timestamp_ms > self._latest_ms:
                reason = f"timestamp={timestamp_ms} ms, expected at most {self._latest_ms} ms"
                yield IndexFault(self._times, number, f"{reason}, the latest record's")
            last_ms, last = timestamp_ms, relative

    def _fault(self, reason: str) -> IndexFault:
        return IndexFault(self._path, self._number, reason)


def _left_over(path: str, entry_byte_count: int) -> Iterator[IndexFault]:
    file = Path(path)
    byte_count = file.stat().st_size if file.is_file() else 0
    if byte_count % entry_byte_count:
        reason = f"size={byte_count} B, expected a multiple of {entry_byte_count} B"
        yield IndexFault(path, byte_count // entry_byte_count, reason)


def _entries(path: str, layout: str, entry_byte_count: int) -> Iterator[tuple[int, ...]]:
    """The entries in use of an index file; none where there is no such file."""
    file = Path(path)
    if not file.is_file():
        return
    stored = file.read_bytes()
    used = len(stored.rstrip(b"\0"))
    used_count = -(-used // entry_byte_count)
    whole = stored[: min(used_count, len(stored) // entry_byte_count) * entry_byte_count]
    yield from struct.iter_unpack(layout, whole)

"""A segment file read from one end to the other, every checksum compared, in flat memory.

For recovery and for `iowitness log`; ordinary reads never come here.
"""

from collections.abc import Iterator
from typing import Final

from crc32c import crc32c

from iowitness.impl.batch_format import (
    CRC_START,
    HEADER,
    HEADER_BYTE_COUNT,
    LENGTH_END,
    MAGIC,
    MAGIC_POSITION,
    BatchHeader,
    check_sound,
    read_header,
)
from iowitness.impl.errors import CorruptBatch
from iowitness.impl.log_files import OpenFile
from iowitness.impl.segment import BatchAt

_CHUNK_BYTE_COUNT: Final = 256 * 1024
"""About what stays in a core's cache between the read and the checksum."""


class _Window:
    """A stretch of a file in a buffer that is reused, since fresh pages cost more than the read."""

    __slots__ = ("_buffer", "_file", "_limit", "end", "start", "view")

    def __init__(self, file: OpenFile, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._buffer = bytearray(_CHUNK_BYTE_COUNT)
        self.view = memoryview(self._buffer)
        self.start = self.end = 0

    def hold(self, position: int, byte_count: int) -> bool:
        """Makes the stretch `view[position - start:]`; False if the file ends before it does."""
        if position + byte_count <= self.end and position >= self.start:
            return True
        if position + byte_count > self._limit:
            return False
        if byte_count > len(self._buffer):
            self.view.release()
            self._buffer = bytearray(byte_count)
            self.view = memoryview(self._buffer)
        self.start = self.end = position
        wanted = min(len(self._buffer), self._limit - position)
        while self.end < position + wanted:
            got = self._file.read_into(self.view[self.end - position : wanted], self.end)
            if not got:
                break
            self.end += got
        return position + byte_count <= self.end


def scan(file: OpenFile, start: int, end: int, next_offset: int) -> Iterator[BatchAt]:
    """The whole, sound batches from `start` on, in order, at or after `next_offset`.

    Raises `CorruptBatch`, with the place and both checksums, at the first batch that is cut, does
    not match its checksum, contradicts itself, or does not follow the one before it.
    """
    window = _Window(file, end)
    position = start
    while position < end:
        at = position - window.start
        if window.end - position < HEADER_BYTE_COUNT:
            if not window.hold(position, HEADER_BYTE_COUNT):
                raise _cut(file, position, f"{end - position} B left, expected a head of 61 B")
            at = position - window.start
        try:
            header = read_header(window.view, at)
            check_sound(header)
        except CorruptBatch as error:
            raise error.located(file.path, position) from None
        byte_count = header.byte_count
        if window.end - position < byte_count:
            if not window.hold(position, byte_count):
                left = f"{end - position} B left"
                raise _cut(file, position, f"{left}, expected a batch of {byte_count} B")
            at = position - window.start
        computed = crc32c(window.view[at + CRC_START : at + byte_count])
        if computed != header.crc:
            raise CorruptBatch(
                f"stored crc32c=0x{header.crc:08x}, computed 0x{computed:08x}",
                position=position,
                file=file.path,
                stored_crc=header.crc,
                computed_crc=computed,
            )
        if header.base_offset < next_offset:
            raise _cut(file, position, f"base offset={header.base_offset}, expected {next_offset}+")
        yield BatchAt(position, header)
        next_offset = header.base_offset + header.last_offset_delta + 1
        position += byte_count


def _cut(file: OpenFile, position: int, reason: str) -> CorruptBatch:
    return CorruptBatch(reason, position=position, file=file.path)


def find_intact(file: OpenFile, start: int, end: int, next_offset: int) -> BatchAt | None:
    """The first whole batch with a matching checksum at or after a byte; None if there is none.

    For damage: every byte is tried that has the magic in the right distance and a length and an
    offset that can be.
    """
    window = _Window(file, end)
    position = start
    while position + HEADER_BYTE_COUNT <= end:
        stretch = min(_CHUNK_BYTE_COUNT, end - position)
        if not window.hold(position, stretch):
            return None
        at = position - window.start
        found = bytes(window.view[at : at + stretch]).find(MAGIC, MAGIC_POSITION)
        if found < 0:
            position += stretch - MAGIC_POSITION
            continue
        position += found - MAGIC_POSITION
        header = _intact_at(window, position, end, next_offset)
        if header is not None:
            return BatchAt(position, header)
        position += 1
    return None


def _intact_at(window: _Window, position: int, end: int, next_offset: int) -> BatchHeader | None:
    if not window.hold(position, HEADER_BYTE_COUNT):
        return None
    fields = HEADER.unpack_from(window.view, position - window.start)
    byte_count = fields[1] + LENGTH_END
    if fields[0] < next_offset or not HEADER_BYTE_COUNT <= byte_count <= end - position:
        return None
    if not window.hold(position, byte_count):
        return None
    at = position - window.start
    try:
        header = read_header(window.view, at)
    except CorruptBatch:
        return None
    computed = crc32c(window.view[at + CRC_START : at + byte_count])
    return header if computed == header.crc else None

"""A segment file read from one end to the other, every checksum compared, in flat memory.

For recovery and for `iowitness log`; ordinary reads never come here.
"""

import struct
from collections.abc import Iterator
from typing import Final

from iowitness.impl.batch_format import (
    HEADER_BYTE_COUNT,
    LENGTH_END,
    MAGIC,
    MAGIC_POSITION,
    BatchHeader,
    read_header,
    read_sound_header,
)
from iowitness.impl.errors import CorruptBatch, OldFormat
from iowitness.impl.log_files import OpenFile
from iowitness.impl.offset_index import MAX_RELATIVE_OFFSET
from iowitness.impl.old_messages import HEAD_BYTE_COUNT as OLD_HEAD_BYTE_COUNT
from iowitness.impl.old_messages import is_old_message, old_byte_count
from iowitness.impl.segment import BatchAt

MAX_OFFSET: Final = 2**63 - 1

_PLACE: Final = struct.Struct(">qi")
"""Base offset and length, the head's first fields."""

_CHUNK_BYTE_COUNT: Final = 512 * 1024
"""About what stays in a core's cache between the read and the checksum."""


class Window:
    """A stretch of a file in a buffer that is reused, since fresh pages cost more than the read.

    `view` has the bytes from `start` to `end` of the file, and room for more.
    """

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
        self._fill(position)
        return position + byte_count <= self.end

    def find(self, byte: int, position: int) -> int | None:
        """Where that byte comes first from a position on, as far as the window reaches."""
        found = self._buffer.find(byte, position - self.start, self.end - self.start)
        return None if found < 0 else self.start + found

    def begin_at(self, position: int) -> bool:
        """Makes `view` begin at a position of the file; False if it does so already."""
        if position == self.start and self.end > position:
            return False
        self._fill(position)
        return True

    def _fill(self, position: int) -> None:
        self.start = self.end = position
        wanted = min(len(self._buffer), self._limit - position)
        while self.end < position + wanted:
            got = self._file.read_into(self.view[self.end - position : wanted], self.end)
            if not got:
                break
            self.end += got


class Scanner:
    """The batches of a file up to `end`, one after another from `position` on.

    `next_offset` is the least that the next batch may begin with.
    """

    __slots__ = ("end", "file", "next_offset", "position", "window")

    def __init__(self, file: OpenFile, start: int, end: int, next_offset: int) -> None:
        self.file = file
        self.position = start
        self.end = end
        self.next_offset = next_offset
        self.window = Window(file, end)

    def refill(self) -> bool:
        """Reads on so that the window begins at `position`; False if it does so already."""
        return self.position < self.end and self.window.begin_at(self.position)

    def take(self, most_offset: int = MAX_OFFSET) -> BatchAt:
        """The batch at `position`, which moves behind it.

        Raises `CorruptBatch`, with the place and both checksums, where it is cut, does not match
        its checksum, contradicts itself, or does not lie between the one before it and
        `most_offset`.
        """
        window, position = self.window, self.position
        try:
            if not window.hold(position, HEADER_BYTE_COUNT):
                raise self._cut(HEADER_BYTE_COUNT, "a head")
            byte_count = read_header(window.view, position - window.start).byte_count
            if not window.hold(position, byte_count):
                raise self._cut(byte_count, "a batch")
            at = position - window.start
            header = read_sound_header(window.view[at : at + byte_count])
        except CorruptBatch as error:
            self.refuse_old_format()
            raise error.located(self.file.path, position) from None
        if header.base_offset < self.next_offset:
            reason = f"base offset={header.base_offset}, expected {self.next_offset} or more"
            raise CorruptBatch(reason, position=position, file=self.file.path)
        if header.last_offset > most_offset:
            reason = f"last offset={header.last_offset}, expected at most {most_offset}"
            raise CorruptBatch(reason, position=position, file=self.file.path)
        self.next_offset = header.next_offset
        self.position = position + byte_count
        return BatchAt(position, header)

    def refuse_old_format(self) -> None:
        """Raises `OldFormat` if the bytes at `position` are a sound message of an old format."""
        window, position = self.window, self.position
        if not window.hold(position, OLD_HEAD_BYTE_COUNT):
            return
        byte_count = old_byte_count(window.view, position - window.start)
        if byte_count is None or not window.hold(position, byte_count):
            return
        at = position - window.start
        if is_old_message(window.view[at : at + byte_count]):
            raise OldFormat(
                f"a message of format {window.view[at + MAGIC_POSITION]}, from before Kafka 0.11, "
                "expected format 2: let a Kafka of 0.11 to 3 copy the topic",
                position=position,
                file=self.file.path,
            )

    def _cut(self, byte_count: int, what: str) -> CorruptBatch:
        left = self.end - self.position
        return CorruptBatch(f"{left} B left, expected {what} of {byte_count} B")


def scan(file: OpenFile, start: int, end: int, next_offset: int) -> Iterator[BatchAt]:
    """The whole, sound batches from `start` on, in order, at or after `next_offset`.

    Raises `CorruptBatch` at the first one that is not, as `Scanner.take` does.
    """
    scanner = Scanner(file, start, end, next_offset)
    while scanner.position < end:
        yield scanner.take()


def find_intact(file: OpenFile, start: int, end: int, next_offset: int) -> BatchAt | None:
    """The first whole batch with a matching checksum at or after a byte; None if there is none.

    For damage: every byte is tried that has the magic in the right distance and a length and an
    offset that can be.
    """
    window = Window(file, end)
    position = start
    while position + HEADER_BYTE_COUNT <= end and window.hold(position, HEADER_BYTE_COUNT):
        found = window.find(MAGIC, position + MAGIC_POSITION)
        if found is None:
            # No magic in the window: the next batch's may be the first byte after it.
            position = max(window.end - MAGIC_POSITION, position + 1)
            continue
        position = found - MAGIC_POSITION
        header = _intact_at(window, position, end, next_offset)
        if header is not None:
            return BatchAt(position, header)
        position += 1
    return None


def _intact_at(window: Window, position: int, end: int, next_offset: int) -> BatchHeader | None:
    if not window.hold(position, HEADER_BYTE_COUNT):
        return None
    at = position - window.start
    # What the head alone rules out is not read: a stretch of noise has many bytes like the magic.
    base_offset, length = _PLACE.unpack_from(window.view, at)
    if not (
        next_offset <= base_offset <= next_offset + MAX_RELATIVE_OFFSET
        and HEADER_BYTE_COUNT <= length + LENGTH_END <= end - position
    ):
        return None
    try:
        byte_count = read_header(window.view, at).byte_count
        if not window.hold(position, byte_count):
            return None
        at = position - window.start
        return read_sound_header(window.view[at : at + byte_count])
    except CorruptBatch:
        return None

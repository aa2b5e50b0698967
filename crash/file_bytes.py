"""One file's bytes, as they may be after a crash."""

import hashlib
from collections.abc import Iterator
from enum import Enum

from msgspec import Struct

from iowitness.crash.operations import Grow, OpenBytes, SetSize, WriteBlock


class Fill(Enum):
    """What stands where nobody knows: where a mapping was stored to, or a file grew unwritten.

    KEPT: in mapped ranges what the file held at the end of the recording, elsewhere zeros.
    """

    KEPT = "kept"
    ZEROS = "zeros"
    GARBAGE = "garbage"


class Torn(Struct, frozen=True):
    """A block that was written in part: its head up to `cut` bytes, or its tail from there on."""

    number: int
    cut: int
    keeps_tail: bool


class Loss(Struct, frozen=True):
    """What a crash did: which changes are gone, which block is torn, what fills the unknown."""

    lost: frozenset[int] = frozenset()
    torn: Torn | None = None
    fill: Fill = Fill.KEPT


class FileBytes:
    """A file's durable bytes, and the changes since, each with its place in the recording."""

    __slots__ = ("_base", "_changes", "_durable", "_inode", "_kept", "_ranges", "is_mapped")

    def __init__(self, inode: int, content: bytes, kept: bytes | None) -> None:
        self._inode = inode
        self._base = content
        self._changes: list[tuple[int, WriteBlock | Grow | SetSize]] = []
        self._durable: set[int] = set()
        self._ranges: list[tuple[int, int]] = []
        self._kept = kept
        self.is_mapped = False

    def add(self, number: int, change: WriteBlock | Grow | SetSize) -> None:
        """One change more, not durable yet."""
        self._changes.append((number, change))

    def open_bytes(self, mapped: OpenBytes) -> None:
        """A range is mapped: its bytes can be any from here on."""
        self.is_mapped = True
        if (mapped.offset, mapped.byte_count) not in self._ranges:
            self._ranges.append((mapped.offset, mapped.byte_count))

    def settle(self, numbers: set[int]) -> None:
        """These changes are durable; those at the front are forgotten as changes."""
        self._durable |= numbers
        count = 0
        while count < len(self._changes) and self._changes[count][0] in self._durable:
            count += 1
        if count:
            self._base = self._replayed(self._changes[:count], Loss(), fills_garbage=False)
            self._durable.difference_update(number for number, _ in self._changes[:count])
            del self._changes[:count]

    def content(self, loss: Loss, *, shows_garbage: bool) -> bytes:
        """The bytes after a crash."""
        fills_garbage = shows_garbage and loss.fill is Fill.GARBAGE
        content = self._replayed(self._changes, loss, fills_garbage=fills_garbage)
        return self._overlaid(content, loss.fill) if self._ranges else content

    @property
    def has_open_bytes(self) -> bool:
        """Whether `Fill` matters although nothing is lost."""
        return bool(self._ranges) and (self.is_mapped or self._kept is None)

    def _replayed(
        self,
        changes: list[tuple[int, WriteBlock | Grow | SetSize]],
        loss: Loss,
        *,
        fills_garbage: bool,
    ) -> bytes:
        buffer = bytearray(self._base)
        size = len(buffer)
        for number, change in changes:
            if number in loss.lost:
                continue
            match change:
                case WriteBlock(_, _, offset, data):
                    if loss.torn is not None and loss.torn.number == number:
                        cut = loss.torn.cut
                        offset, data = (
                            (offset + cut, data[cut:])
                            if loss.torn.keeps_tail
                            else (offset, data[:cut])
                        )
                    self._extend(buffer, offset, fills_garbage=fills_garbage)
                    buffer[offset : offset + len(data)] = data
                case Grow(_, _, byte_count):
                    size = max(size, byte_count)
                case SetSize(_, _, byte_count):
                    # What lies past the end is not seen again: it reads as zeros if the file grows.
                    del buffer[min(size, byte_count) :]
                    buffer.extend(bytes(byte_count - len(buffer)))
                    size = byte_count
        self._extend(buffer, size, fills_garbage=fills_garbage)
        return bytes(buffer[:size])

    def _extend(self, buffer: bytearray, size: int, *, fills_garbage: bool) -> None:
        missing = size - len(buffer)
        if missing > 0:
            pattern = _garbage(self._inode, size)[len(buffer) :] if fills_garbage else b""
            buffer.extend(pattern or bytes(missing))

    def _overlaid(self, content: bytes, fill: Fill) -> bytes:
        if not self.is_mapped and self._kept is not None:
            fill = Fill.KEPT
        buffer = bytearray(content)
        for offset, byte_count in self._ranges:
            end = min(offset + byte_count, len(buffer))
            if offset >= end:
                continue
            match fill:
                case Fill.KEPT:
                    source = (self._kept or b"")[offset:end].ljust(end - offset, b"\0")
                case Fill.ZEROS:
                    source = bytes(end - offset)
                case Fill.GARBAGE:
                    source = _garbage(self._inode, end)[offset:]
            buffer[offset:end] = source
        return bytes(buffer)


def _garbage(inode: int, byte_count: int) -> bytes:
    """Bytes that look like nothing, the same at every run."""
    return b"".join(_pieces(inode, byte_count))[:byte_count]


def _pieces(inode: int, byte_count: int) -> Iterator[bytes]:
    for number in range(-(-byte_count // 4_096)):
        yield hashlib.shake_128(b"%d %d" % (inode, number)).digest(4_096)

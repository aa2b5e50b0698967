"""Kafka's primitive types on the wire: a cursor that reads them, functions that write them.

Integers are big-endian. Non-flexible: string int16 length, bytes int32 length, array int32 count,
-1 for null. Flexible (`compact`): length + 1 as an unsigned varint, 0 for null, and tagged fields
at the end of each struct. Source: KIP-482; docs/formats/produce-and-fetch.md.
"""

import struct
from typing import TypeAlias

from iowitness.impl.wire_errors import ProtocolViolation

Buffer: TypeAlias = bytes | bytearray | memoryview

MAX_TAGGED_FIELD_COUNT = 64
"""More tagged fields than this in one struct are refused: Kafka defines at most three, and twenty
million empty ones in one frame would hold the event loop for seconds."""

MAX_STRING_BYTE_COUNT = 32_767
"""Source: Kafka's generated message code, which refuses longer ones in compact form too."""

MOST_REQUEST_ELEMENT_COUNT = 100_000
"""More elements in all arrays of one request are refused: an element of two bytes on the wire is an
object of a hundred in memory, and twenty million of them fit into the largest frame."""

_UNLIMITED = 2**31
_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_INT64 = struct.Struct(">q")
_UINT32 = struct.Struct(">I")


class Cursor:
    """A place in one frame that moves on as values are read.

    Every method raises `ProtocolViolation` where the frame ends before the value does. Counts and
    lengths are checked against the bytes left before anything is allocated for them, and the counts
    of all arrays together against `most_element_count`.
    """

    __slots__ = ("_most_element_count", "end", "position", "unread_element_count", "view")

    def __init__(
        self, frame: Buffer, position: int = 0, most_element_count: int = _UNLIMITED
    ) -> None:
        self.view = memoryview(frame)
        self.position = position
        self.end = len(self.view)
        self._most_element_count = most_element_count
        self.unread_element_count = most_element_count

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return self.end - self.position

    def take(self, byte_count: int) -> memoryview:
        """The next bytes as a view into the frame; nothing is copied."""
        start = self.position
        stop = start + byte_count
        if byte_count < 0 or stop > self.end:
            raise ProtocolViolation(
                f"frame byte {start}: length={byte_count} B, expected 0 to {self.end - start} B"
            )
        self.position = stop
        return self.view[start:stop]

    def _unpack(self, layout: struct.Struct) -> int:
        start = self.position
        if start + layout.size > self.end:
            raise ProtocolViolation(
                f"frame byte {start}: {self.end - start} B left, expected {layout.size} B"
            )
        self.position = start + layout.size
        value: int = layout.unpack_from(self.view, start)[0]
        return value

    def boolean(self) -> bool:
        """One byte, 0 for false."""
        return self.take(1)[0] != 0

    def int8(self) -> int:
        """A signed byte."""
        value = self.take(1)[0]
        return value - 256 if value > 127 else value

    def int16(self) -> int:
        """A signed 16-bit integer."""
        return self._unpack(_INT16)

    def int32(self) -> int:
        """A signed 32-bit integer."""
        return self._unpack(_INT32)

    def int64(self) -> int:
        """A signed 64-bit integer."""
        return self._unpack(_INT64)

    def uint32(self) -> int:
        """An unsigned 32-bit integer."""
        return self._unpack(_UINT32)

    def uuid(self) -> bytes:
        """16 bytes."""
        return bytes(self.take(16))

    def unsigned_varint(self) -> int:
        """7 bits a byte, low group first, at most 5 bytes."""
        value = 0
        for shift in range(0, 35, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ProtocolViolation(
            f"frame byte {self.position - 5}: varint longer than 5 B, expected at most 5 B"
        )

    def nullable_bytes(self, *, compact: bool) -> memoryview | None:
        """Bytes with their length in front, or None."""
        length = self.unsigned_varint() - 1 if compact else self.int32()
        if length == -1:
            return None
        return self.take(length)

    def nullable_string(self, *, compact: bool) -> str | None:
        """UTF-8 text with its length in front, or None."""
        length = self.unsigned_varint() - 1 if compact else self.int16()
        if length == -1:
            return None
        start = self.position
        if length > MAX_STRING_BYTE_COUNT:
            raise ProtocolViolation(
                f"frame byte {start}: string of {length} B, expected at most "
                f"{MAX_STRING_BYTE_COUNT} B"
            )
        try:
            return str(self.take(length), "utf-8")
        except UnicodeDecodeError as error:
            raise ProtocolViolation(f"frame byte {start}: {error}, expected UTF-8") from None

    def string(self, *, compact: bool) -> str:
        """UTF-8 text with its length in front; null is a violation."""
        value = self.nullable_string(compact=compact)
        if value is None:
            raise ProtocolViolation(f"frame byte {self.position}: null, expected a string")
        return value

    def nullable_count(self, *, compact: bool) -> int | None:
        """The number of elements of an array, each of at least one byte, or None."""
        start = self.position
        count = self.unsigned_varint() - 1 if compact else self.int32()
        if count == -1:
            return None
        if not 0 <= count <= self.left:
            raise ProtocolViolation(
                f"frame byte {start}: array count={count}, expected 0 to the {self.left} B left"
            )
        self.unread_element_count -= count
        if self.unread_element_count < 0:
            raise ProtocolViolation(
                f"frame byte {start}: {self._most_element_count - self.unread_element_count} "
                f"array elements in one frame, expected at most {self._most_element_count}"
            )
        return count

    def count(self, *, compact: bool) -> int:
        """The number of elements of an array; null counts as none."""
        return self.nullable_count(compact=compact) or 0

    def tagged_fields(self) -> dict[int, memoryview]:
        """The tagged fields at the end of a flexible struct, by tag, unread."""
        if self.position < self.end and self.view[self.position] == 0:
            self.position += 1
            return {}
        start = self.position
        count = self.unsigned_varint()
        if count > MAX_TAGGED_FIELD_COUNT:
            raise ProtocolViolation(
                f"frame byte {start}: {count} tagged fields, expected at most "
                f"{MAX_TAGGED_FIELD_COUNT}"
            )
        fields: dict[int, memoryview] = {}
        for _ in range(count):
            tag = self.unsigned_varint()
            fields[tag] = self.take(self.unsigned_varint())
        return fields


def write_int8(out: bytearray, value: int) -> None:
    """Append a signed byte."""
    out.append(value & 0xFF)


def write_int16(out: bytearray, value: int) -> None:
    """Append a signed 16-bit integer."""
    out += _INT16.pack(value)


def write_int32(out: bytearray, value: int) -> None:
    """Append a signed 32-bit integer."""
    out += _INT32.pack(value)


def write_int64(out: bytearray, value: int) -> None:
    """Append a signed 64-bit integer."""
    out += _INT64.pack(value)


def write_unsigned_varint(out: bytearray, value: int) -> None:
    """Append 7 bits a byte, low group first."""
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def write_string(out: bytearray, value: str | None, *, compact: bool) -> None:
    """Append UTF-8 text with its length in front; None is null."""
    encoded = b"" if value is None else value.encode()
    if compact:
        write_unsigned_varint(out, 0 if value is None else len(encoded) + 1)
    else:
        write_int16(out, -1 if value is None else len(encoded))
    out += encoded


def write_bytes(out: bytearray, value: Buffer | None, *, compact: bool) -> None:
    """Append bytes with their length in front; None is null."""
    write_bytes_length(out, None if value is None else len(value), compact=compact)
    if value is not None:
        out += value


def write_bytes_length(out: bytearray, byte_count: int | None, *, compact: bool) -> None:
    """Append only the length, for bytes that follow by another way."""
    if compact:
        write_unsigned_varint(out, 0 if byte_count is None else byte_count + 1)
    else:
        write_int32(out, -1 if byte_count is None else byte_count)


def write_count(out: bytearray, count: int | None, *, compact: bool) -> None:
    """Append an array's number of elements; None is null."""
    write_bytes_length(out, count, compact=compact)


def write_no_tagged_fields(out: bytearray) -> None:
    """Append the end of a flexible struct that has no tagged fields."""
    out.append(0)


def stamp_size(frame: bytearray, byte_count: int) -> None:
    """Write the size of what follows into a frame's first four bytes."""
    _INT32.pack_into(frame, 0, byte_count)

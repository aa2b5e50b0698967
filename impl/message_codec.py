"""Messages declared once for all their versions, and the codec made out of a declaration.

A message is a frozen struct whose annotations say each field's wire type and versions:

    class Topic(Struct, frozen=True, kw_only=True):
        name: str
        topic_id: Annotated[Uuid, since(10)] = NO_UUID
        partitions: tuple[Partition, ...]

`str` is a string, `bool` a boolean, `bytes` is bytes, `tuple[X, ...]` an array, a struct itself,
and `| None` makes a field nullable. A field that a version lacks takes its default when read and
is left out when written. This serves what is asked rarely; produce and fetch have codecs by hand.
Source: KIP-482; Kafka 4.3, clients/src/main/resources/common/message.
"""

import functools
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from iowitness.impl import wire
from iowitness.impl.wire import Cursor
from iowitness.impl.wire_errors import ProtocolViolation

MessageT = TypeVar("MessageT", bound=Struct)

Read: TypeAlias = Callable[[Cursor], Any]
Write: TypeAlias = Callable[[bytearray, Any], None]

NO_UUID = bytes(16)


class WireInteger(Struct, frozen=True):
    """The width of an integer on the wire."""

    read: Callable[[Cursor], int]
    write: Callable[[bytearray, int], None]


Int8: TypeAlias = Annotated[int, WireInteger(Cursor.int8, wire.write_int8)]
Int16: TypeAlias = Annotated[int, WireInteger(Cursor.int16, wire.write_int16)]
Int32: TypeAlias = Annotated[int, WireInteger(Cursor.int32, wire.write_int32)]
Int64: TypeAlias = Annotated[int, WireInteger(Cursor.int64, wire.write_int64)]


class WireUuid(Struct, frozen=True):
    """Marks bytes that are 16 raw bytes and not length-prefixed."""


Uuid: TypeAlias = Annotated[bytes, WireUuid()]


class Versions(Struct, frozen=True):
    """The versions in which a field is there, both ends included; a tag if it is a tagged field."""

    first: int
    last: int = 1_000
    tag: int | None = None


def since(first: int) -> Versions:
    """A field that is there from one version on."""
    return Versions(first)


def until(last: int) -> Versions:
    """A field that is there up to one version."""
    return Versions(0, last)


def between(first: int, last: int) -> Versions:
    """A field that came and went."""
    return Versions(first, last)


def tagged(tag: int, first: int) -> Versions:
    """A tagged field; it is written only if it differs from its default."""
    return Versions(first, tag=tag)


class _FieldCodec(Struct, frozen=True):
    name: str
    read: Read
    write: Write
    tag: int | None
    default: Any


class MessageCodec(typing.Generic[MessageT]):
    """Reads and writes one message type at one version."""

    def __init__(self, message_type: type[MessageT], version: int, *, flexible: bool) -> None:
        self._type = message_type
        self._flexible = flexible
        fields = _fields(message_type, version, flexible=flexible)
        self._plain = tuple(field for field in fields if field.tag is None)
        self._tagged = {field.tag: field for field in fields if field.tag is not None}

    def read(self, cursor: Cursor) -> MessageT:
        """The message at the cursor. Raises ProtocolViolation."""
        values = {field.name: field.read(cursor) for field in self._plain}
        if self._flexible:
            for tag, view in cursor.tagged_fields().items():
                field = self._tagged.get(tag)
                if field is not None:
                    values[field.name] = field.read(Cursor(view, 0, cursor.unread_element_count))
        return self._type(**values)

    def write(self, out: bytearray, message: MessageT) -> None:
        """Append the message."""
        for field in self._plain:
            field.write(out, getattr(message, field.name))
        if self._flexible:
            self._write_tagged(out, message)

    def _write_tagged(self, out: bytearray, message: MessageT) -> None:
        present = [
            field
            for field in sorted(self._tagged.values(), key=lambda f: f.tag or 0)
            if getattr(message, field.name) != field.default
        ]
        wire.write_unsigned_varint(out, len(present))
        for field in present:
            body = bytearray()
            field.write(body, getattr(message, field.name))
            wire.write_unsigned_varint(out, field.tag or 0)
            wire.write_unsigned_varint(out, len(body))
            out += body


@functools.cache
def _compiled(message_type: type[Any], version: int, *, flexible: bool) -> MessageCodec[Any]:
    return MessageCodec(message_type, version, flexible=flexible)


def codec_of(
    message_type: type[MessageT], version: int, *, flexible: bool
) -> MessageCodec[MessageT]:
    """The codec of a message type at a version; made once."""
    return _compiled(message_type, version, flexible=flexible)


def _fields(message_type: type[Struct], version: int, *, flexible: bool) -> tuple[_FieldCodec, ...]:
    hints = typing.get_type_hints(message_type, include_extras=True)
    defaults = {field.name: field.default for field in msgspec.structs.fields(message_type)}
    made = []
    for name in message_type.__struct_fields__:
        hint, marks = _unwrapped(hints[name])
        versions = next((mark for mark in marks if isinstance(mark, Versions)), Versions(0))
        if not versions.first <= version <= versions.last:
            continue
        read, write = _codec(hint, marks, version, flexible=flexible)
        made.append(_FieldCodec(name, read, write, versions.tag, defaults[name]))
    return tuple(made)


def _unwrapped(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    if typing.get_origin(hint) is Annotated:
        inner, *marks = typing.get_args(hint)
        return inner, tuple(marks)
    return hint, ()


def _codec(
    hint: Any, marks: tuple[Any, ...], version: int, *, flexible: bool
) -> tuple[Read, Write]:
    nullable = isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
    if nullable:
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
        hint, inner_marks = _unwrapped(hint)
        marks += inner_marks
    for mark in marks:
        if isinstance(mark, WireInteger):
            return mark.read, mark.write
        if isinstance(mark, WireUuid):
            return Cursor.uuid, bytearray.extend
    if typing.get_origin(hint) is tuple:
        read, write = _array_codec(typing.get_args(hint)[0], version, flexible=flexible)
        return (read if nullable else _not_null(read)), write
    if isinstance(hint, type) and issubclass(hint, Struct):
        codec = codec_of(hint, version, flexible=flexible)
        return codec.read, codec.write
    read, write = _SCALARS[hint](flexible=flexible)
    return (read if nullable else _not_null(read)), write


def _not_null(read: Read) -> Read:
    """The same, but null is a violation: handlers need not think of it."""

    def checked(cursor: Cursor) -> Any:
        start = cursor.position
        value = read(cursor)
        if value is None:
            raise ProtocolViolation(f"frame byte {start}: null, expected a value")
        return value

    return checked


def _array_codec(element: Any, version: int, *, flexible: bool) -> tuple[Read, Write]:
    hint, marks = _unwrapped(element)
    read_element, write_element = _codec(hint, marks, version, flexible=flexible)

    def read(cursor: Cursor) -> tuple[Any, ...] | None:
        count = cursor.nullable_count(compact=flexible)
        if count is None:
            return None
        return tuple([read_element(cursor) for _ in range(count)])

    def write(out: bytearray, values: tuple[Any, ...] | None) -> None:
        wire.write_count(out, None if values is None else len(values), compact=flexible)
        for value in values or ():
            write_element(out, value)

    return read, write


def _string_codec(*, flexible: bool) -> tuple[Read, Write]:
    return (
        functools.partial(Cursor.nullable_string, compact=flexible),
        functools.partial(wire.write_string, compact=flexible),
    )


def _bytes_codec(*, flexible: bool) -> tuple[Read, Write]:
    def read(cursor: Cursor) -> bytes | None:
        view = cursor.nullable_bytes(compact=flexible)
        return None if view is None else bytes(view)

    return read, functools.partial(wire.write_bytes, compact=flexible)


def _boolean_codec(*, flexible: bool) -> tuple[Read, Write]:
    del flexible
    return Cursor.boolean, lambda out, value: out.append(1 if value else 0)


_SCALARS: dict[Any, Callable[..., tuple[Read, Write]]] = {
    str: _string_codec,
    bytes: _bytes_codec,
    bool: _boolean_codec,
}

"""Records as text lines, as sized fields, as JSON lines: read and written. No files, no sockets.

`lines`: a record a line; with a key separator, key and value around its first occurrence; null is
written as nothing. Values that hold line ends do not come back: that is what the others are for.
`sized`: of each record the key and then the value, each as an int32, big-endian, with the number
of bytes that follow, -1 for null.
`json`: an object a line with `value`, `key`, `headers` as [name, value] pairs, `timestamp_ms`;
bytes that are UTF-8 as a string, others as {"base64": "..."}. Written ones tell `topic`,
`partition` and `offset` too, which reading leaves alone.
"""

import base64
import struct
from collections.abc import Iterator
from typing import Final, Literal, Protocol

import msgspec
from msgspec import Struct

Form = Literal["lines", "sized", "json"]
FORMS: Final = ("lines", "sized", "json")
_LENGTH: Final = struct.Struct(">i")
_LARGEST_FIELD_BYTE_COUNT: Final = 1 << 30


class GivenRecord(Struct, frozen=True):
    """A record to be sent; without a timestamp it gets the time of sending."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp_ms: int | None = None


class PlacedRecord(GivenRecord, frozen=True, kw_only=True):
    """A record that was read, and where."""

    topic: str
    partition: int
    offset: int


class RecordFormError(ValueError):
    """Input that is not in the form that was told; says where."""


class Source(Protocol):
    """Bytes as they come: any part of what is there, nothing at the end."""

    def read1(self, size: int, /) -> bytes:
        """Up to so many bytes, at least one before the end."""


def given_lines(source: Source, name: str, separator: bytes | None) -> Iterator[list[GivenRecord]]:
    """Records of the form `lines`, in lists as they come."""
    for lines in _lines(source):
        if separator is None:
            yield [GivenRecord(line) for line in lines]
        else:
            yield [_keyed(line, separator) for line in lines]
    del name


def _keyed(line: bytes, separator: bytes) -> GivenRecord:
    key, found, value = line.partition(separator)
    return GivenRecord(value, key) if found else GivenRecord(line)


def given_json(source: Source, name: str) -> Iterator[list[GivenRecord]]:
    """Records of the form `json`, in lists as they come. Raises `RecordFormError`."""
    number = 0
    for lines in _lines(source):
        records = []
        for line in lines:
            number += 1
            if line.strip():
                records.append(_from_json(line, f"{name}:{number}"))
        yield records


def given_sized(source: Source, name: str) -> Iterator[list[GivenRecord]]:
    """Records of the form `sized`, in lists as they come. Raises `RecordFormError`."""
    pending, position = b"", 0
    while chunk := source.read1(_CHUNK_BYTE_COUNT):
        pending += chunk
        records, used = _sized_records(pending, name, position)
        pending, position = pending[used:], position + used
        yield records
    if pending:
        raise RecordFormError(
            f"{name} at byte {position}: {len(pending)} B are left over, expected a whole record"
        )


_CHUNK_BYTE_COUNT: Final = 1 << 18


def _lines(source: Source) -> Iterator[list[bytes]]:
    pieces: list[bytes] = []
    while chunk := source.read1(_CHUNK_BYTE_COUNT):
        head, end, rest = chunk.rpartition(b"\n")
        if not end:
            pieces.append(chunk)
            continue
        pieces.append(head)
        lines = b"".join(pieces).split(b"\n")
        pieces = [rest] if rest else []
        yield lines
    if pieces:
        yield [b"".join(pieces)]


def _sized_records(stored: bytes, name: str, position: int) -> tuple[list[GivenRecord], int]:
    """The whole records at the front, and how many bytes they take."""
    records: list[GivenRecord] = []
    used = 0
    while True:
        fields: list[bytes | None] = []
        end = used
        for _ in ("key", "value"):
            if len(stored) - end < _LENGTH.size:
                return records, used
            (length,) = _LENGTH.unpack_from(stored, end)
            if not -1 <= length <= _LARGEST_FIELD_BYTE_COUNT:
                raise RecordFormError(
                    f"{name} at byte {position + end}: length={length} B, expected -1 for null "
                    f"or 0 to {_LARGEST_FIELD_BYTE_COUNT} B"
                )
            start = end + _LENGTH.size
            end = start + max(length, 0)
            if end > len(stored):
                return records, used
            fields.append(None if length < 0 else stored[start:end])
        key, value = fields
        records.append(GivenRecord(value, key))
        used = end


class _JsonRecord(Struct, frozen=True):
    """What is read of one line of JSON."""

    value: str | dict[str, str] | None
    key: str | dict[str, str] | None = None
    headers: tuple[tuple[str, str | dict[str, str] | None], ...] = ()
    timestamp_ms: int | None = None


def _from_json(line: bytes, place: str) -> GivenRecord:
    try:
        told = msgspec.json.decode(line, type=_JsonRecord)
        headers = tuple((name, _bytes(content)) for name, content in told.headers)
        return GivenRecord(_bytes(told.value), _bytes(told.key), headers, told.timestamp_ms)
    except (msgspec.DecodeError, ValueError) as error:
        raise RecordFormError(f"{place}: {error}") from None


def _bytes(told: str | dict[str, str] | None) -> bytes | None:
    if told is None:
        return None
    if isinstance(told, str):
        return told.encode()
    if told.keys() != {"base64"}:
        raise ValueError(f'{told!r}, expected a string, null or {{"base64": "..."}}')
    return base64.b64decode(told["base64"], validate=True)


def line_of(record: PlacedRecord, separator: bytes | None) -> bytes:
    """A record in the form `lines`."""
    value = record.value or b""
    if separator is None:
        return value + b"\n"
    return (record.key or b"") + separator + value + b"\n"


def sized_of(record: PlacedRecord) -> bytes:
    """A record in the form `sized`."""
    return b"".join(
        _LENGTH.pack(-1) if field is None else _LENGTH.pack(len(field)) + field
        for field in (record.key, record.value)
    )


def json_of(record: PlacedRecord) -> bytes:
    """A record in the form `json`."""
    told = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "key": _text(record.key),
        "value": _text(record.value),
        "headers": [[name, _text(content)] for name, content in record.headers],
    }
    return msgspec.json.encode(told) + b"\n"


def _text(field: bytes | None) -> str | dict[str, str] | None:
    if field is None:
        return None
    try:
        return field.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(field).decode()}

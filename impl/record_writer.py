"""Records to bytes: the part of a batch after its head, before compression.

The common record has a value and nothing else. What stands before its value depends on three
small numbers only (value size, timestamp delta, offset delta), so those heads are kept in a table:
6 million records/s against 2.6 million with the varints put together each time (CPython 3.11).
Layout: docs/formats/record-batch.md, "Record".
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import ClassVar, Final, TypeAlias

from iowitness.impl.varint import ENCODED, TABLE_COUNT, encoded

Headers: TypeAlias = Sequence[tuple[str, bytes | None]]
RecordFields: TypeAlias = tuple[int, bytes | None, bytes | None, Headers]
"""Timestamp in ms, key, value, headers; None is Kafka's null."""

NO_HEADERS: Final = b"\x00"
_NULL: Final = b"\x01"
_ATTRIBUTES: Final = b"\x00"
_KEPT_HEAD_COUNT: Final = 1 << 16
_KEPT_UNIFORM_COUNT: Final = 256
_KEPT_VALUE_BYTE_COUNT: Final = 2_048
_LEAST_BARE_OVERHEAD_BYTE_COUNT: Final = 7
"""Length, attributes, time, place, no key, value length, no headers: a byte each at least."""

KEPT_HEADS: Final[dict[tuple[int, int, int], bytes]] = {}
_PLACES: Final = [varint + b"\x01" for varint in ENCODED]
"""Offset deltas, each with the null key after it."""
_Fitting: TypeAlias = tuple[int, int]
_mixed_heads: Final[dict[int, "MixedHeads"]] = {}
_uniform_heads: Final[dict[tuple[int, int], "UniformHeads"]] = {}


def encoded_records(records: Iterable[RecordFields], base_timestamp_ms: int) -> tuple[bytes, int]:
    """The records one after another, offset deltas from 0, and their largest timestamp."""
    pieces: list[bytes] = []
    append = pieces.append
    kept_head = KEPT_HEADS.get
    max_timestamp_ms = base_timestamp_ms
    index = 0
    for timestamp_ms, key, value, headers in records:
        if timestamp_ms > max_timestamp_ms:
            max_timestamp_ms = timestamp_ms
        if key is None and value is not None and not headers:
            numbers = (len(value), timestamp_ms - base_timestamp_ms, index)
            append(kept_head(numbers) or new_head(numbers))
            append(value)
            append(NO_HEADERS)
        else:
            append(encoded_record(timestamp_ms - base_timestamp_ms, index, key, value, headers))
        index += 1  # noqa: SIM113  enumerate's tuple costs a tenth of the rate
    return b"".join(pieces), max_timestamp_ms


def encoded_values(values: Sequence[bytes]) -> bytes:
    """Records with a value each, no key, no headers and timestamp delta 0, one after another."""
    sizes = set(map(len, values))
    if len(sizes) == 1 and len(values) <= TABLE_COUNT:
        return b"".join(uniform_heads(sizes.pop(), 0).pieces(values, 0))
    plain, _ = encoded_records(((0, None, value, ()) for value in values), 0)
    return plain


class UniformHeads:
    """What stands between the values of bare records of one size and timestamp delta.

    Grows as larger offset deltas are asked for, up to `TABLE_COUNT`.
    """

    __slots__ = ("_delta_ms", "_ends", "_firsts", "_joints", "_size")

    def __init__(self, size: int, delta_ms: int) -> None:
        self._size = size
        self._delta_ms = delta_ms
        self._firsts: list[bytes] = []
        self._joints: list[bytes] = []
        self._ends = [0]

    def fitting_count(self, index: int, room_byte_count: int, most: int) -> _Fitting:
        """How many records from offset delta `index` on fit, at most `most`, and their bytes.

        A batch's very first always fits.
        """
        most = min(most, room_byte_count // (self._size + _LEAST_BARE_OVERHEAD_BYTE_COUNT) + 1)
        most = min(max(1, most), TABLE_COUNT - index)
        if len(self._firsts) < index + most:
            self._grow(index + most)
        start = self._ends[index]
        count = bisect_right(self._ends, start + room_byte_count, index, index + most + 1) - 1
        count = max(count - index, 0 if index else 1)
        return count, self._ends[index + count] - start

    def pieces(self, values: Sequence[bytes], index: int) -> list[bytes]:
        """Those values as records from offset delta `index` on, in pieces to be joined."""
        count = len(values)
        if len(self._firsts) < index + count:
            self._grow(index + count)
        pieces = [NO_HEADERS] * (2 * count + 1)
        pieces[:-1:2] = self._joints[index : index + count]
        pieces[0] = self._firsts[index]
        pieces[1::2] = values
        return pieces

    def _grow(self, least_count: int) -> None:
        first = len(self._firsts)
        for index in range(first, min(max(least_count, 2 * first), TABLE_COUNT)):
            head = _head_anew((self._size, self._delta_ms, index))
            self._firsts.append(head)
            self._joints.append(NO_HEADERS + head)
            self._ends.append(self._ends[-1] + len(head) + self._size + len(NO_HEADERS))


class MixedHeads:
    """What stands between the values of bare records of any sizes and one timestamp delta.

    A head is made of three pieces: what depends on the size and on how many bytes the offset delta
    takes, the offset delta, and the size again.
    """

    __slots__ = ("_byte_counts", "_fronts")

    STRETCHES: ClassVar = (64, TABLE_COUNT)
    """Offset deltas below each take as many bytes: one, two."""

    def __init__(self, delta_ms: int) -> None:
        delta = encoded(delta_ms)
        self._fronts = tuple(_Fronts(delta, count) for count in (1, 2))
        self._byte_counts = tuple(_ByteCounts(len(delta), count) for count in (1, 2))

    def fitting_count(self, index: int, room_byte_count: int, sizes: Sequence[int]) -> _Fitting:
        """How many records of these sizes fit from offset delta `index` on, and their bytes.

        Looks no further than offset deltas take as many bytes. A batch's very first always fits.
        """
        stretch = index >= self.STRETCHES[0]
        byte_counts = map(
            self._byte_counts[stretch].__getitem__, sizes[: self.STRETCHES[stretch] - index]
        )
        ends = list(accumulate(byte_counts))
        count = bisect_right(ends, room_byte_count)
        count = max(count, 0 if index else 1)
        return count, ends[count - 1] if count else 0

    def pieces(self, values: Sequence[bytes], sizes: Sequence[int], index: int) -> list[bytes]:
        """Those values as records from offset delta `index` on, in pieces to be joined."""
        count = len(values)
        fronts = self._fronts[index >= self.STRETCHES[0]]
        pieces = [NO_HEADERS] * (4 * count + 1)
        pieces[:-1:4] = map(fronts.__getitem__, sizes)
        pieces[0] = pieces[0][len(NO_HEADERS) :]
        pieces[1::4] = _PLACES[index : index + count]
        pieces[2::4] = map(encoded, sizes)
        pieces[3::4] = values
        return pieces


class _Fronts(dict[int, bytes]):
    """By value size: the end of the record before, and this one's bytes up to its offset delta."""

    def __init__(self, delta: bytes, place_byte_count: int) -> None:
        super().__init__()
        self._delta = delta
        self._byte_counts = _ByteCounts(len(delta), place_byte_count)

    def __missing__(self, size: int) -> bytes:
        front = NO_HEADERS + encoded(self._byte_counts.fields(size)) + _ATTRIBUTES + self._delta
        if size < _KEPT_VALUE_BYTE_COUNT:
            self[size] = front
        return front


class _ByteCounts(dict[int, int]):
    """By value size: the bytes of the whole record."""

    def __init__(self, delta_byte_count: int, place_byte_count: int) -> None:
        super().__init__()
        # Attributes, timestamp, place, no key, no headers.
        self._fixed = 1 + delta_byte_count + place_byte_count + len(_NULL) + len(NO_HEADERS)

    def fields(self, size: int) -> int:
        """All of a record but its own length field."""
        return self._fixed + len(encoded(size)) + size

    def __missing__(self, size: int) -> int:
        fields = self.fields(size)
        byte_count = len(encoded(fields)) + fields
        if size < _KEPT_VALUE_BYTE_COUNT:
            self[size] = byte_count
        return byte_count


def mixed_heads(delta_ms: int) -> MixedHeads:
    """The tables for a delta, kept for the next time."""
    heads = _mixed_heads.get(delta_ms)
    if heads is None:
        if len(_mixed_heads) >= _KEPT_UNIFORM_COUNT:
            _mixed_heads.clear()
        heads = _mixed_heads[delta_ms] = MixedHeads(delta_ms)
    return heads


def uniform_heads(size: int, delta_ms: int) -> UniformHeads:
    """The table for a size and a delta, kept for the next time."""
    heads = _uniform_heads.get((size, delta_ms))
    if heads is None:
        if len(_uniform_heads) >= _KEPT_UNIFORM_COUNT:
            _uniform_heads.clear()
        heads = _uniform_heads[size, delta_ms] = UniformHeads(size, delta_ms)
    return heads


def new_head(numbers: tuple[int, int, int]) -> bytes:
    """What stands before the value of a bare record: its length to the value's; kept if small."""
    head = _head_anew(numbers)
    if numbers[0] < _KEPT_VALUE_BYTE_COUNT:
        if len(KEPT_HEADS) >= _KEPT_HEAD_COUNT:
            KEPT_HEADS.clear()
        KEPT_HEADS[numbers] = head
    return head


def _head_anew(numbers: tuple[int, int, int]) -> bytes:
    size, delta_ms, index = numbers
    fields = b"\x00%b%b\x01%b" % (encoded(delta_ms), encoded(index), encoded(size))
    return encoded(len(fields) + size + len(NO_HEADERS)) + fields


def encoded_record(
    delta_ms: int,
    index: int,
    key: bytes | None,
    value: bytes | None,
    headers: Headers,
) -> bytes:
    """Any record, its own length field included."""
    if key is not None and value is not None and not headers:
        fields = b"\x00%b%b%b%b%b%b\x00" % (
            encoded(delta_ms),
            encoded(index),
            encoded(len(key)),
            key,
            encoded(len(value)),
            value,
        )
        return encoded(len(fields)) + fields
    pieces = [_ATTRIBUTES, encoded(delta_ms), encoded(index), *_field(key), *_field(value)]
    pieces.append(encoded(len(headers)))
    for name, header_value in headers:
        pieces += _field(name.encode())
        pieces += _field(header_value)
    fields = b"".join(pieces)
    return encoded(len(fields)) + fields


def _field(field: bytes | None) -> tuple[bytes, ...]:
    return (_NULL,) if field is None else (encoded(len(field)), field)

"""Record batches being made: record by record for the producer, or many at once.

The size rule, which the simulation shares (docs/formats/record-batch.md, "When a batch is full"):
a batch takes a record if its exact encoded size with it, head included and before compression, is
at most its limit; the first record is always taken.
"""

import struct
from collections.abc import Sequence
from typing import Final

from crc32c import crc32c
from msgspec import Struct

from iowitness.impl.batch_format import (
    CHECKED_HEADER,
    CONTROL,
    HEADER_BYTE_COUNT,
    LENGTH_END,
    MAGIC,
    NO_PRODUCER_ID,
    NO_SEQUENCE,
    NO_TIMESTAMP_MS,
    TRANSACTIONAL,
)
from iowitness.impl.compression import NO_COMPRESSION, Compressor
from iowitness.impl.record_columns import encoded_columns
from iowitness.impl.record_writer import (
    KEPT_HEADS,
    NO_HEADERS,
    Headers,
    MixedHeads,
    RecordFields,
    encoded_record,
    encoded_records,
    encoded_values,
    mixed_heads,
    new_head,
    uniform_heads,
)
from iowitness.impl.varint import TABLE_COUNT

_LEADER_EPOCH: Final = -1
_UNCHECKED: Final = struct.Struct(">qiibI")
"""The head's fields up to the checksum, which covers none of them."""

_LEAST_BARE_BYTE_COUNT: Final = 7
_MOST_AT_ONCE: Final = 256
"""More values than this are not looked at ahead: a batch of 16 KiB rarely takes them."""

_kept_head = KEPT_HEADS.get


class ProducerStamp(Struct, frozen=True, gc=False):
    """Who made a batch, for idempotence; -1 throughout means nobody in particular."""

    producer_id: int = NO_PRODUCER_ID
    producer_epoch: int = -1
    base_sequence: int = NO_SEQUENCE
    attributes: int = 0

    @classmethod
    def transactional(
        cls, producer_id: int, producer_epoch: int, base_sequence: int
    ) -> "ProducerStamp":
        """The stamp of data inside a transaction."""
        return cls(producer_id, producer_epoch, base_sequence, TRANSACTIONAL)

    @classmethod
    def marker(cls, producer_id: int, producer_epoch: int) -> "ProducerStamp":
        """The stamp of a control batch: transactional, and without a sequence."""
        return cls(producer_id, producer_epoch, NO_SEQUENCE, TRANSACTIONAL | CONTROL)


NO_PRODUCER: Final = ProducerStamp()


class BatchBuilder:
    """A batch that grows record by record and is encoded once, at the end.

    `byte_count` is exact for what `build` gives without compression. Appending encodes the record's
    head and keeps a reference to its value, so it is cheap for the thread that calls `send`;
    joining, compression and checksum happen in `build`, on the thread that sends.
    """

    __slots__ = (
        "_base_timestamp_ms",
        "_max_timestamp_ms",
        "_pieces",
        "byte_count",
        "limit_byte_count",
        "record_count",
    )

    def __init__(self, limit_byte_count: int) -> None:
        self.limit_byte_count = limit_byte_count
        self.byte_count = HEADER_BYTE_COUNT
        self.record_count = 0
        self._base_timestamp_ms = NO_TIMESTAMP_MS
        self._max_timestamp_ms = NO_TIMESTAMP_MS
        self._pieces: list[bytes] = []

    def try_append(
        self,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
    ) -> bool:
        """Takes the record, or says no because it would pass the limit; never no to the first."""
        index = self.record_count
        if not index:
            self._base_timestamp_ms = self._max_timestamp_ms = timestamp_ms
        if key is None and value is not None and not headers:
            numbers = (len(value), timestamp_ms - self._base_timestamp_ms, index)
            head = _kept_head(numbers) or new_head(numbers)
            pieces: tuple[bytes, ...] = (head, value, NO_HEADERS)
            byte_count = self.byte_count + len(head) + len(value) + 1
        else:
            delta_ms = timestamp_ms - self._base_timestamp_ms
            record = encoded_record(delta_ms, index, key, value, headers)
            pieces = (record,)
            byte_count = self.byte_count + len(record)
        if byte_count > self.limit_byte_count and index:
            return False
        self.byte_count = byte_count
        self.record_count = index + 1
        if timestamp_ms > self._max_timestamp_ms:
            self._max_timestamp_ms = timestamp_ms
        self._pieces += pieces
        return True

    def extend(
        self, timestamp_ms: int, values: Sequence[bytes], sizes: Sequence[int], first: int = 0
    ) -> int:
        """Takes values from place `first` on, bare, of these sizes, while they fit; how many.

        As many calls of `try_append` would, in a fifth of the time.
        """
        if not self.record_count:
            self._base_timestamp_ms = self._max_timestamp_ms = timestamp_ms
        heads = mixed_heads(timestamp_ms - self._base_timestamp_ms)
        place = first
        while place < len(values):
            index = self.record_count
            if index >= TABLE_COUNT:
                place += self._extended_singly(timestamp_ms, values, place)
                break
            room = self.limit_byte_count - self.byte_count
            last = place + room // _LEAST_BARE_BYTE_COUNT + 1
            guessed = sizes[place : min(last, place + _MOST_AT_ONCE)]
            count, byte_count = heads.fitting_count(index, room, guessed)
            taken = slice(place, place + count)
            if count:
                self._pieces += heads.pieces(values[taken], sizes[taken], index)
                self._took(count, byte_count, timestamp_ms)
            place += count
            if not count or (
                count < len(guessed) and self.record_count not in MixedHeads.STRETCHES
            ):
                break
        return place - first

    def extend_uniform(
        self, timestamp_ms: int, values: Sequence[bytes], size: int, first: int = 0
    ) -> int:
        """As `extend`, for values of one size: in a tenth of the time."""
        index = self.record_count
        if not index:
            self._base_timestamp_ms = self._max_timestamp_ms = timestamp_ms
        if index >= TABLE_COUNT:
            return self._extended_singly(timestamp_ms, values, first)
        heads = uniform_heads(size, timestamp_ms - self._base_timestamp_ms)
        room = self.limit_byte_count - self.byte_count
        count, byte_count = heads.fitting_count(index, room, len(values) - first)
        if not count:
            return 0
        self._pieces += heads.pieces(values[first : first + count], index)
        self._took(count, byte_count, timestamp_ms)
        if index + count == TABLE_COUNT:
            count += self._extended_singly(timestamp_ms, values, first + count)
        return count

    def _took(self, count: int, byte_count: int, timestamp_ms: int) -> None:
        self.byte_count += byte_count
        self.record_count += count
        if timestamp_ms > self._max_timestamp_ms:
            self._max_timestamp_ms = timestamp_ms

    def _extended_singly(self, timestamp_ms: int, values: Sequence[bytes], first: int) -> int:
        place = first
        while place < len(values) and self.try_append(timestamp_ms, None, values[place]):
            place += 1
        return place - first

    def build(
        self,
        compressor: Compressor = NO_COMPRESSION,
        stamp: ProducerStamp = NO_PRODUCER,
    ) -> bytes:
        """The batch as a producer sends it: base offset 0, leader epoch -1.

        May be called again, with another stamp or codec. Raises `ValueError` for an empty one.
        """
        if not self.record_count:
            raise ValueError("record_count=0, expected at least 1")
        timestamps_ms = (self._base_timestamp_ms, self._max_timestamp_ms)
        plain = b"".join(self._pieces)
        return _batch(plain, self.record_count, timestamps_ms, compressor, stamp)


def encode_batch(
    records: Sequence[RecordFields],
    compressor: Compressor = NO_COMPRESSION,
    stamp: ProducerStamp = NO_PRODUCER,
) -> bytes:
    """A batch of many records at once; at least one, since an empty one has no base timestamp."""
    if not records:
        raise ValueError("record_count=0, expected at least 1")
    base_timestamp_ms = records[0][0]
    plain, max_timestamp_ms = encoded_columns(records) or encoded_records(
        records, base_timestamp_ms
    )
    return _batch(plain, len(records), (base_timestamp_ms, max_timestamp_ms), compressor, stamp)


def encode_values(
    values: Sequence[bytes],
    timestamp_ms: int,
    compressor: Compressor = NO_COMPRESSION,
    stamp: ProducerStamp = NO_PRODUCER,
) -> bytes:
    """A batch of values without keys or headers, all of one timestamp: the fastest way in."""
    if not values:
        raise ValueError("record_count=0, expected at least 1")
    plain = encoded_values(values)
    return _batch(plain, len(values), (timestamp_ms, timestamp_ms), compressor, stamp)


def _batch(
    plain: bytes,
    record_count: int,
    timestamps_ms: tuple[int, int],
    compressor: Compressor,
    stamp: ProducerStamp,
) -> bytes:
    stored = compressor.compressed(plain)
    checked = CHECKED_HEADER.pack(
        stamp.attributes | compressor.codec,
        record_count - 1,
        *timestamps_ms,
        stamp.producer_id,
        stamp.producer_epoch,
        stamp.base_sequence,
        record_count,
    )
    crc = crc32c(stored, crc32c(checked))
    head = _UNCHECKED.pack(
        0, HEADER_BYTE_COUNT - LENGTH_END + len(stored), _LEADER_EPOCH, MAGIC, crc
    )
    return b"".join((head, checked, stored))

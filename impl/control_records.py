"""Transaction markers: the one record of a control batch, and the index of aborted transactions.

Marker key: int16 version, int16 type. Value: int16 version, int32 coordinator epoch.
Aborted transaction (34 bytes): int16 version 0, int64 producer id, int64 first, last and last
stable offset. Source: docs/formats/record-batch.md and log-directory.md.
"""

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

from msgspec import Struct

from iowitness.impl.batch_reader import Batch, records
from iowitness.impl.batch_writer import ProducerStamp, encode_batch
from iowitness.impl.errors import CorruptIndex, CorruptRecord

_KEY: Final = struct.Struct(">hh")
_VALUE: Final = struct.Struct(">hi")
_ABORTED: Final = struct.Struct(">hqqqq")
ABORTED_BYTE_COUNT: Final = _ABORTED.size


class MarkerKind(IntEnum):
    """What a marker says of its producer's open transaction."""

    ABORT = 0
    COMMIT = 1


class Marker(Struct, frozen=True, gc=False):
    """The end of a transaction. `kind` is None for types that are to be skipped."""

    kind: MarkerKind | None
    coordinator_epoch: int


class AbortedTransaction(Struct, frozen=True, gc=False):
    """A producer's records from `first_offset` up to its marker at `last_offset` do not count."""

    producer_id: int
    first_offset: int
    last_offset: int
    last_stable_offset: int


def read_marker(batch: Batch) -> Marker:
    """The marker of a control batch; an empty one, as compaction leaves it, has none to obey.

    Raises `CorruptRecord` for a key or value that is too short.
    """
    for record in records(batch):
        key, value = record.key or b"", record.value or b""
        if len(key) < _KEY.size:
            raise CorruptRecord(f"control key of {len(key)} B, expected {_KEY.size} B")
        _, number = _KEY.unpack_from(key)
        if number not in tuple(MarkerKind):
            return Marker(None, -1)
        if len(value) < _VALUE.size:
            raise CorruptRecord(f"control value of {len(value)} B, expected {_VALUE.size} B")
        return Marker(MarkerKind(number), _VALUE.unpack_from(value)[1])
    return Marker(None, -1)


def encode_marker(
    marker: Marker, timestamp_ms: int, producer_id: int, producer_epoch: int
) -> bytes:
    """A control batch with one marker, as a coordinator writes it."""
    if marker.kind is None:
        raise ValueError("kind=None, expected ABORT or COMMIT")
    key = _KEY.pack(0, marker.kind)
    value = _VALUE.pack(0, marker.coordinator_epoch)
    stamp = ProducerStamp.marker(producer_id, producer_epoch)
    return encode_batch([(timestamp_ms, key, value, ())], stamp=stamp)


def encode_aborted(aborted: AbortedTransaction) -> bytes:
    """The entry of an aborted transaction."""
    return _ABORTED.pack(
        0,
        aborted.producer_id,
        aborted.first_offset,
        aborted.last_offset,
        aborted.last_stable_offset,
    )


def read_aborted(buffer: bytes, file: str = "") -> Iterator[AbortedTransaction]:
    """The entries of a `.txnindex` file. Raises `CorruptIndex` for a cut or unknown one."""
    if len(buffer) % _ABORTED.size:
        raise CorruptIndex(f"{file}: size={len(buffer)} B, expected a multiple of {_ABORTED.size}")
    for position in range(0, len(buffer), _ABORTED.size):
        version, *fields = _ABORTED.unpack_from(buffer, position)
        if version != 0:
            raise CorruptIndex(f"{file} at byte {position}: version={version}, expected 0")
        yield AbortedTransaction(*fields)

"""The `.snapshot` file: what was known of the producers at an offset, in Kafka's format.

int16 version 1, uint32 CRC-32C of the rest, int32 count, then 46 bytes each. Kafka writes one entry
a producer, its last batch. Here a producer has up to five, oldest first, so that a retry of any of
them is known after a restart; Kafka keeps the last one that it reads of an id.
Source: docs/formats/log-directory.md; ProducerStateManager.
"""

import struct
from typing import Final

from crc32c import crc32c

from iowitness.impl.errors import CorruptIndex
from iowitness.impl.producer_states import Producer, ProducerStates, RememberedBatch

VERSION: Final = 1

_HEAD: Final = struct.Struct(">hI")
_COUNT: Final = struct.Struct(">i")
_ENTRY: Final = struct.Struct(">qhiqiqiq")
_NONE: Final = -1


def encode_snapshot(states: ProducerStates) -> bytes:
    """The whole file."""
    entries: list[bytes] = []
    for producer in states:
        nothing = (RememberedBatch(_NONE, _NONE, 0, producer.last_timestamp_ms),)
        for batch in producer.batches or nothing:
            is_last = not producer.batches or batch is producer.batches[-1]
            start = producer.transaction_start if is_last else None
            entries.append(
                _ENTRY.pack(
                    producer.producer_id,
                    producer.producer_epoch,
                    batch.last_sequence,
                    batch.last_offset,
                    batch.offset_delta,
                    batch.timestamp_ms,
                    producer.coordinator_epoch,
                    _NONE if start is None else start,
                )
            )
    body = _COUNT.pack(len(entries)) + b"".join(entries)
    return _HEAD.pack(VERSION, crc32c(body)) + body


def read_snapshot(buffer: bytes, file: str = "") -> ProducerStates:
    """The producers of a whole file.

    Raises `CorruptIndex` if it is short or long, of another version, or against its checksum.
    """
    if len(buffer) < _HEAD.size + _COUNT.size:
        raise CorruptIndex(f"{file}: {len(buffer)} B, expected {_HEAD.size + _COUNT.size} or more")
    version, stored_crc = _HEAD.unpack_from(buffer)
    if version != VERSION:
        raise CorruptIndex(f"{file}: version={version}, expected {VERSION}")
    body = memoryview(buffer)[_HEAD.size :]
    computed_crc = crc32c(body)
    if computed_crc != stored_crc:
        raise CorruptIndex(
            f"{file}: stored crc32c=0x{stored_crc:08x}, computed 0x{computed_crc:08x}"
        )
    (count,) = _COUNT.unpack_from(body)
    if count < 0 or len(body) != _COUNT.size + count * _ENTRY.size:
        raise CorruptIndex(f"{file}: count={count} in {len(buffer)} B")
    producers: dict[int, Producer] = {}
    for number in range(count):
        _read_entry(body, _COUNT.size + number * _ENTRY.size, producers)
    return ProducerStates(tuple(producers.values()))


def _read_entry(body: memoryview, position: int, producers: dict[int, Producer]) -> None:
    producer_id, epoch, last_sequence, last_offset, delta, timestamp_ms, coordinator, start = (
        _ENTRY.unpack_from(body, position)
    )
    producer = producers.get(producer_id)
    if producer is None or producer.producer_epoch != epoch:
        producer = producers[producer_id] = Producer(producer_id, epoch)
    producer.coordinator_epoch = coordinator
    producer.transaction_start = None if start == _NONE else start
    producer.last_timestamp_ms = timestamp_ms
    if last_offset != _NONE:
        producer.batches.append(RememberedBatch(last_sequence, last_offset, delta, timestamp_ms))

"""Which records of a compacted log stay, and the batches they are kept in. Pure.

A record stays if no later one has its key. A tombstone stays until its delete horizon: a compaction
that first meets it sets the horizon, one that comes after it drops the record. Batches keep their
first and last offset and their producer fields; an emptied one goes unless it is its producer's
last, which later sequences are checked against. Source: KIP-534; docs/kafka-behaviours.md, item 46.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from iowitness.impl.batch_format import (
    DELETE_HORIZON,
    HEADER,
    HEADER_BYTE_COUNT,
    LENGTH_END,
    BatchHeader,
    with_crc,
)
from iowitness.impl.batch_reader import Batch, records
from iowitness.impl.compression import Compressor
from iowitness.impl.control_records import AbortedTransaction
from iowitness.impl.record_reader import Record
from iowitness.impl.record_writer import encoded_record


class LatestOffsets(Struct, frozen=True):
    """The last offset of every key, over the stretch of log that was looked at."""

    by_key: dict[bytes, int]

    @classmethod
    def of(
        cls, batches: Iterable[Batch], aborted: Sequence[AbortedTransaction] = ()
    ) -> "LatestOffsets":
        """Reads every record with a key of batches in order, as `take` does."""
        latest = cls({})
        for batch in batches:
            latest.take(batch, aborted)
        return latest

    def take(self, batch: Batch, aborted: Sequence[AbortedTransaction] = ()) -> None:
        """Notes a later batch's records; neither markers nor aborted records count."""
        header = batch.header
        if header.is_control or any(is_part_of(header, one) for one in aborted):
            return
        for record in records(batch):
            if record.key is not None:
                self.by_key[record.key] = record.offset

    def supersedes(self, record: Record) -> bool:
        """Whether a later record has the same key."""
        return record.key is None or self.by_key.get(record.key, -1) > record.offset


def is_part_of(header: BatchHeader, aborted: AbortedTransaction) -> bool:
    """Whether a batch belongs to an aborted transaction, marker excluded."""
    return (
        header.is_transactional
        and header.producer_id == aborted.producer_id
        and aborted.first_offset <= header.base_offset < aborted.last_offset
    )


def compacted(
    batch: Batch, latest: LatestOffsets, *, now_ms: int, delete_retention_ms: int
) -> bytes | None:
    """The batch without what may go; the same bytes if all stays; None if nothing is left.

    Control batches stay as they are. A batch of an idempotent producer is kept empty.
    """
    header = batch.header
    if header.is_control:
        return bytes(batch.stored)
    horizon_ms = header.delete_horizon_ms
    all_records = list(records(batch))
    kept = [
        record
        for record in all_records
        if not latest.supersedes(record)
        and not (record.value is None and horizon_ms is not None and now_ms >= horizon_ms)
    ]
    has_tombstones = any(record.value is None for record in kept)
    new_horizon_ms = horizon_ms
    if has_tombstones and horizon_ms is None:
        new_horizon_ms = now_ms + delete_retention_ms
    if len(kept) == len(all_records) and new_horizon_ms == horizon_ms:
        return bytes(batch.stored)
    if not kept and header.producer_id < 0:
        return None
    return _rebuilt(header, kept, new_horizon_ms)


def _rebuilt(header: BatchHeader, kept: list[Record], horizon_ms: int | None) -> bytes:
    attributes = header.attributes
    if horizon_ms is not None:
        attributes |= DELETE_HORIZON
    # With a horizon in the base timestamp's place, deltas count from the horizon.
    base_ms = header.base_timestamp_ms if horizon_ms is None else horizon_ms
    plain = b"".join(
        encoded_record(
            record.timestamp_ms - base_ms,
            record.offset - header.base_offset,
            record.key,
            record.value,
            record.headers,
        )
        for record in kept
    )
    stored = Compressor(header.codec).compressed(plain)
    max_timestamp_ms = header.max_timestamp_ms
    if kept and not header.has_log_append_time:
        max_timestamp_ms = max(record.timestamp_ms for record in kept)
    head = bytearray(HEADER_BYTE_COUNT)
    HEADER.pack_into(
        head,
        0,
        header.base_offset,
        HEADER_BYTE_COUNT - LENGTH_END + len(stored),
        header.partition_leader_epoch,
        header.magic,
        0,
        attributes,
        header.last_offset_delta,
        base_ms,
        max_timestamp_ms,
        header.producer_id,
        header.producer_epoch,
        header.base_sequence,
        len(kept),
    )
    return with_crc(head, stored)

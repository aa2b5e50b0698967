"""Recovery's fast lane: runs of sound batches that hold data and begin no new leader epoch.

Whatever is not plain ends the run and is left to `Scanner.take`, which also says what is wrong with
it. In one function and over plain numbers, because an object for each head costs more than reading
its batch and summing it; only the last few batches of a producer get one.
"""

from collections import deque
from typing import Final

from crc32c import crc32c
from msgspec import Struct

from iowitness.impl.batch_format import (
    CODEC_MASK,
    CONTROL,
    CRC_START,
    HEADER,
    HEADER_BYTE_COUNT,
    LENGTH_END,
    MAGIC,
    NO_PRODUCER_ID,
    TRANSACTIONAL,
    BatchHeader,
    Codec,
)
from iowitness.impl.log_scan import Scanner
from iowitness.impl.producer_states import REMEMBERED_BATCH_COUNT
from iowitness.impl.segment_indexes import PlacedBatch

_ATTRIBUTES_FIELD: Final = 5
_PRODUCER_FIELD: Final = 9
_KIND_MASK: Final = CODEC_MASK | CONTROL
_LAST_CODEC: Final = int(Codec.ZSTD)


class PlainLimits(Struct, frozen=True):
    """What is plain here: no later leader epoch, no offset past what the segment may hold."""

    latest_epoch: int
    most_offset: int


class PlainRun(Struct, frozen=True):
    """Plain batches, in order, and the fields of the heads of those that a producer sent."""

    placed: list[PlacedBatch]
    of_producers: list[tuple[int, ...]]

    def remembered(self) -> list[BatchHeader]:
        """The heads that are remembered of each producer: the last few, in order.

        All of them where one is part of a transaction, whose first offset is remembered too.
        """
        heads = self.of_producers
        if not any(fields[_ATTRIBUTES_FIELD] & TRANSACTIONAL for fields in heads):
            by_producer: dict[int, deque[tuple[int, ...]]] = {}
            for fields in heads:
                producer_id = fields[_PRODUCER_FIELD]
                if producer_id not in by_producer:
                    by_producer[producer_id] = deque(maxlen=REMEMBERED_BATCH_COUNT)
                by_producer[producer_id].append(fields)
            heads = [fields for latest in by_producer.values() for fields in latest]
        return [BatchHeader(base, n + LENGTH_END, *rest) for base, n, *rest in heads]


def take_plain(scanner: Scanner, limits: PlainLimits) -> PlainRun:
    """Takes the plain batches that the scanner's window holds from its position on.

    Stops before the first one that is not plain, not sound, or not whole in the window.
    """
    window = scanner.window
    view, start, held_byte_count = window.view, window.start, window.end - window.start
    latest_epoch, most_offset = limits.latest_epoch, limits.most_offset
    next_offset, at = scanner.next_offset, scanner.position - window.start
    run = PlainRun([], [])
    unpack, keep, keep_head = HEADER.unpack_from, run.placed.append, run.of_producers.append
    kind_mask, last_codec = _KIND_MASK, _LAST_CODEC
    while at <= held_byte_count - HEADER_BYTE_COUNT:
        fields = unpack(view, at)
        (
            base,
            length,
            epoch,
            magic,
            crc,
            attributes,
            delta,
            _,
            latest_ms,
            producer,
            producer_epoch,
            sequence,
            count,
        ) = fields
        after = at + length + LENGTH_END
        last_offset = base + delta
        if not (
            magic == MAGIC
            and attributes & kind_mask <= last_codec
            and epoch <= latest_epoch
            and next_offset <= base <= last_offset <= most_offset
            and 0 <= count <= delta + 1
            and at + HEADER_BYTE_COUNT <= after <= held_byte_count
            and (producer == NO_PRODUCER_ID or (producer_epoch >= 0 and sequence >= 0))
            and crc32c(view[at + CRC_START : after]) == crc
        ):
            break
        keep((start + at, after - at, last_offset, latest_ms))
        if producer != NO_PRODUCER_ID:
            keep_head(fields)
        next_offset = last_offset + 1
        at = after
    scanner.next_offset, scanner.position = next_offset, start + at
    return run

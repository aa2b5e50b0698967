"""Record batches out of bytes: heads first, records only when they are asked for.

A buffer holds whole batches one after another and perhaps a last one that is cut, as a fetch
answer or a file that is being written does; the cut one is left alone, for the caller to decide.
"""

from collections.abc import Iterator

from msgspec import Struct

from iowitness.impl.batch_format import (
    HEADER_BYTE_COUNT,
    BatchHeader,
    check_crc,
    check_sound,
    read_header,
)
from iowitness.impl.compression import DEFAULT_LIMITS, ReadLimits, plain_bytes, plain_chunks
from iowitness.impl.errors import CorruptRecord
from iowitness.impl.record_reader import Record, RecordPlaces, read_records, record_byte_count


class Batch(Struct, frozen=True):
    """One whole batch: its head, and a view of all of its bytes."""

    header: BatchHeader
    stored: memoryview

    def check(self) -> None:
        """Raises `CorruptBatch` unless the checksum matches and the head is consistent."""
        check_crc(self.header, self.stored)
        check_sound(self.header)


def batches(buffer: bytes | bytearray | memoryview, offset: int = 0) -> Iterator[Batch]:
    """The whole batches of a buffer; a cut last one is not yielded.

    Only lengths are looked at: `Batch.check` compares the checksum. Raises `CorruptBatch`, with
    the position in the buffer, at a head that cannot be one.
    """
    view = memoryview(buffer)
    position = offset
    while len(view) - position >= HEADER_BYTE_COUNT:
        header = read_header(view, position)
        after = position + header.byte_count
        if after > len(view):
            return
        yield Batch(header, view[position:after])
        position = after


def records(batch: Batch, limits: ReadLimits = DEFAULT_LIMITS) -> Iterator[Record]:
    """The batch's records, decompressed in one piece.

    The checksum is the caller's to check, once. Raises `CorruptRecord` for records that are not
    what the head says, and `LimitExceeded` before more is decompressed than `limits` allow.
    """
    header = batch.header
    if _is_bare_head(header):
        return iter(())
    plain = plain_bytes(header.codec, bytes(batch.stored[HEADER_BYTE_COUNT:]), limits)
    return read_records(plain, 0, header.record_count, _places(header))


def streamed_records(batch: Batch, limits: ReadLimits = DEFAULT_LIMITS) -> Iterator[Record]:
    """The same records, decompressed as they are read: memory for one record and one chunk."""
    header = batch.header
    if _is_bare_head(header):
        return
    places = _places(header)
    pieces = plain_chunks(header.codec, bytes(batch.stored[HEADER_BYTE_COUNT:]), limits)
    waiting: list[bytes] = []
    waiting_byte_count = needed_byte_count = count = 0
    last_delta = -1
    for piece in pieces:
        waiting.append(piece)
        waiting_byte_count += len(piece)
        if waiting_byte_count < needed_byte_count:
            continue
        plain = b"".join(waiting)
        whole = _whole_records(plain, header.record_count - count)
        for record in read_records(plain[: whole.byte_count], 0, whole.count, places, last_delta):
            yield record
            last_delta = record.offset - header.base_offset
        count += whole.count
        waiting = [plain[whole.byte_count :]]
        waiting_byte_count = len(waiting[0])
        needed_byte_count = whole.next_byte_count
    if waiting_byte_count or count != header.record_count:
        raise CorruptRecord(
            f"{count} records and {waiting_byte_count} B, expected {header.record_count} records"
        )


class _WholeRecords(Struct, frozen=True, gc=False):
    """How many whole records some bytes begin with, and what the next one needs to be whole."""

    count: int
    byte_count: int
    next_byte_count: int


def _whole_records(plain: bytes, most_count: int) -> _WholeRecords:
    count = position = 0
    while count < most_count:
        byte_count = record_byte_count(plain, position, len(plain))
        if byte_count is None or position + byte_count > len(plain):
            return _WholeRecords(count, position, byte_count or 0)
        position += byte_count
        count += 1
    return _WholeRecords(count, position, 0)


def _is_bare_head(header: BatchHeader) -> bool:
    """A batch that compaction has emptied; whatever its codec, there is no stream to read."""
    return not header.record_count and header.byte_count == HEADER_BYTE_COUNT


def _places(header: BatchHeader) -> RecordPlaces:
    return RecordPlaces(
        header.base_offset,
        header.base_timestamp_ms,
        header.max_timestamp_ms if header.has_log_append_time else None,
        header.last_offset_delta,
    )

"""The log of one partition: segments in order, the last of which is written at its end.

One thread at a time. Which calls reach the files, in which order and of which size:
docs/formats/log-reads-and-writes.md; the simulation is written from that page too.
"""

from bisect import bisect_right
from typing import Final

from msgspec import Struct

from iowitness.impl.batch_format import (
    HEADER_BYTE_COUNT,
    NO_TIMESTAMP_MS,
    BatchHeader,
    check_crc,
    check_sound,
    read_header,
    stamp_offsets,
)
from iowitness.impl.errors import BatchRefused, CorruptBatch, LogClosed, OffsetOutOfRange
from iowitness.impl.file_region import FetchSlice, FileRegion
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_files import Buffer, LogFiles
from iowitness.impl.log_loading import Loaded, LogStart, load
from iowitness.impl.segment import BatchAt, Segment, SegmentPlace

MESSAGE_TOO_LARGE: Final = 10
RECORD_LIST_TOO_LARGE: Final = 18


class Appended(Struct, frozen=True):
    """Where a batch set went. `log_append_time_ms` is -1 unless the topic stamps it."""

    base_offset: int
    last_offset: int
    byte_count: int
    log_append_time_ms: int = NO_TIMESTAMP_MS


class Log:
    """An open log. `end_offset` is the next offset, `recovery_point` the first unsynced one."""

    def __init__(self, place: SegmentPlace, loaded: Loaded, start: LogStart) -> None:
        self._place = place
        self._segments = loaded.segments
        self._bases = [segment.base_offset for segment in loaded.segments]
        self._is_closed = False
        self.end_offset = loaded.end_offset
        self.start_offset = max(start.start_offset, self._bases[0])
        self.recovery_point = min(start.recovery_point, loaded.end_offset)
        self.recovery = loaded.report

    @classmethod
    def open(
        cls,
        directory: str,
        config: LogConfig,
        files: LogFiles,
        *,
        now_ms: int,
        start: LogStart | None = None,
    ) -> "Log":
        """The log in a directory, made if it is missing and recovered if it was not closed.

        Without `start` nothing is known of the last stop, and everything is scanned. Raises
        `DamagedLog`, with nothing cut, where synced bytes are damaged.
        """
        start = LogStart() if start is None else start
        files.make_directory(directory)
        place = SegmentPlace(files, directory, start.start_offset, config)
        return cls(place, load(place, start, now_ms, lambda _header: None), start)

    @property
    def directory(self) -> str:
        """Where its files are."""
        return self._place.directory

    @property
    def config(self) -> LogConfig:
        """How it behaves."""
        return self._place.config

    @property
    def active_segment(self) -> Segment:
        """The one that is written."""
        return self._segments[-1]

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All of them, in order of base offset."""
        return tuple(self._segments)

    @property
    def byte_count(self) -> int:
        """The data of all segments."""
        return sum(segment.byte_count for segment in self._segments)

    def append(self, batch_set: Buffer, *, now_ms: int, leader_epoch: int = 0) -> Appended:
        """Appends whole batches as the leader: consecutive offsets from the log's end.

        A writable buffer is stamped in place, others are copied first. The set is written with one
        call. Raises `CorruptBatch` for bytes that are no sound batches, and `BatchRefused` for a
        batch or set that is too large; then nothing was written.
        """
        self._check_open()
        view = memoryview(batch_set)
        if view.readonly:
            view = memoryview(bytearray(batch_set))
        base_offset = self.end_offset
        headers = self._stamped(view, base_offset, leader_epoch)
        self._write(view, headers, now_ms)
        return Appended(base_offset, self.end_offset - 1, len(view))

    def append_as_follower(self, batch_set: Buffer, *, now_ms: int) -> Appended:
        """Appends whole batches with the offsets they have; gaps are accepted.

        Raises `BatchRefused` for an offset below the log's end or batches out of order.
        """
        self._check_open()
        headers: list[BatchHeader] = []
        next_offset = self.end_offset
        position = 0
        while position < len(batch_set):
            header = self._checked(batch_set, position)
            if header.base_offset < next_offset:
                raise BatchRefused(
                    f"base offset={header.base_offset}, expected {next_offset} or more",
                    error_code=-1,
                )
            next_offset = header.next_offset
            headers.append(header)
            position += header.byte_count
        self._write(batch_set, headers, now_ms)
        return Appended(headers[0].base_offset, self.end_offset - 1, len(batch_set))

    def _stamped(self, view: memoryview, offset: int, leader_epoch: int) -> list[BatchHeader]:
        headers: list[BatchHeader] = []
        position = 0
        while position < len(view):
            if len(view) - position >= HEADER_BYTE_COUNT:
                stamp_offsets(view, offset, leader_epoch, position)
            header = self._checked(view, position)
            if header.byte_count > self.config.max_batch_byte_count:
                raise BatchRefused(
                    f"batch of {header.byte_count} B, expected at most "
                    f"{self.config.max_batch_byte_count} B (max.message.bytes)",
                    error_code=MESSAGE_TOO_LARGE,
                )
            offset = header.next_offset
            headers.append(header)
            position += header.byte_count
        return headers

    @staticmethod
    def _checked(buffer: Buffer, position: int) -> BatchHeader:
        header = read_header(buffer, position)
        check_crc(header, buffer, position)
        check_sound(header)
        return header

    def _write(self, batch_set: Buffer, headers: list[BatchHeader], now_ms: int) -> None:
        if not headers:
            raise CorruptBatch("0 B, expected at least one batch")
        if len(batch_set) > self.config.segment_byte_count:
            raise BatchRefused(
                f"batch set of {len(batch_set)} B, expected at most "
                f"{self.config.segment_byte_count} B (segment.bytes)",
                error_code=RECORD_LIST_TOO_LARGE,
            )
        max_timestamp_ms = max([header.max_timestamp_ms for header in headers])
        if self._must_roll(len(batch_set), max_timestamp_ms, headers[-1].last_offset, now_ms):
            self.roll(now_ms=now_ms, base_offset=headers[0].base_offset)
        self.active_segment.append(batch_set, headers)
        self.end_offset = headers[-1].next_offset

    def _must_roll(
        self, byte_count: int, max_timestamp_ms: int, last_offset: int, now_ms: int
    ) -> bool:
        """Source: docs/kafka-behaviours.md, items 8, 11, 12 and 13."""
        active, config = self.active_segment, self.config
        if active.byte_count > config.segment_byte_count - byte_count:
            return True
        limit_ms = config.segment_ms - config.segment_jitter_ms
        if active.byte_count and active.waited_ms(max_timestamp_ms, now_ms) > limit_ms:
            return True
        return active.has_full_index or not active.fits(last_offset)

    def roll(self, *, now_ms: int, base_offset: int | None = None) -> Segment:
        """Seals and syncs the active segment and starts a new one at the log's end.

        An empty active segment of the same base is replaced. Raises `ValueError` for a base that
        another segment has.
        """
        self._check_open()
        base = self.end_offset if base_offset is None else max(base_offset, self.end_offset)
        active = self.active_segment
        if base == active.base_offset:
            if active.byte_count:
                raise ValueError(f"{active.file.path} exists and has {active.byte_count} B")
            active.remove()
            self._segments.pop()
            self._bases.pop()
        else:
            active.seal()
            active.flush()
        segment = Segment.create(self._place.at(base), now_ms)
        self._place.files.sync_directory(self.directory)
        self._segments.append(segment)
        self._bases.append(base)
        self.recovery_point = self.end_offset
        return segment

    def flush(self) -> None:
        """Everything appended so far is on the disk when it returns."""
        self._check_open()
        self.active_segment.flush()
        self.recovery_point = self.end_offset

    def read(
        self,
        offset: int,
        max_byte_count: int,
        *,
        at_least_one_batch: bool = False,
        limit_offset: int | None = None,
    ) -> FetchSlice:
        """The stretch of one segment that starts with the batch holding an offset.

        At most `max_byte_count` long, cut inside a batch if need be; with `at_least_one_batch` the
        first batch comes whole however long it is. Nothing at or after `limit_offset` is given.
        In a gap the next batch is given. At the end, and for a limit at or below the offset, there
        is no region. Raises `OffsetOutOfRange` below the start or past the end.
        """
        self._check_open()
        if not self.start_offset <= offset <= self.end_offset:
            raise OffsetOutOfRange(offset, self.start_offset, self.end_offset)
        limit = self.end_offset if limit_offset is None else min(limit_offset, self.end_offset)
        if offset >= limit or (max_byte_count <= 0 and not at_least_one_batch):
            return FetchSlice(None, offset)
        number = bisect_right(self._bases, offset) - 1
        for segment in self._segments[max(number, 0) :]:
            found = segment.find(offset)
            if found is not None:
                least = found.header.byte_count if at_least_one_batch else 0
                return self._slice(segment, found, max(max_byte_count, least), limit)
        return FetchSlice(None, offset)

    def _slice(self, segment: Segment, first: BatchAt, most: int, limit: int) -> FetchSlice:
        end = segment.byte_count
        if limit < self.end_offset:
            past = segment.find(limit) if limit > first.header.base_offset else first
            end = end if past is None else past.position
        byte_count = min(most, end - first.position)
        if byte_count <= 0:
            return FetchSlice(None, first.header.base_offset)
        region = FileRegion(segment.file, first.position, byte_count)
        return FetchSlice(region, first.header.base_offset, byte_count < first.header.byte_count)

    def close(self) -> None:
        """Seals and syncs the active segment and gives all descriptors back.

        Regions of this log raise `LogClosed` from then on. A second call does nothing.
        """
        if self._is_closed:
            return
        self.active_segment.seal()
        self.flush()
        self._place.files.sync_directory(self.directory)
        self._is_closed = True
        for segment in self._segments:
            segment.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise LogClosed(f"{self.directory} is closed")

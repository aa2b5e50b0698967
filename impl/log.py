"""The log of one partition: segments in order, the last of which is written at its end.

One thread at a time. Which calls reach the files, in which order and of which size:
docs/formats/log-reads-and-writes.md; the simulation is written from that page too.
"""

from contextlib import AbstractContextManager

import msgspec

from iowitness.impl.appended import Appended
from iowitness.impl.batch_format import NO_PRODUCER_ID, BatchHeader
from iowitness.impl.control_records import AbortedTransaction
from iowitness.impl.doomed_files import DoomedFiles
from iowitness.impl.epoch_journal import EpochJournal
from iowitness.impl.errors import LogFenced, OffsetOutOfRange
from iowitness.impl.file_region import FetchSlice
from iowitness.impl.flush_policy import FlushPolicy
from iowitness.impl.incoming import (
    check_sequences,
    kept_headers,
    refuse_set_size,
    stamped_headers,
)
from iowitness.impl.leader_epochs import LeaderEpochs
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_files import Buffer, LogFiles
from iowitness.impl.log_loading import Loaded, LogLoader, LogStart
from iowitness.impl.log_reading import (
    ReadLimit,
    TimedOffset,
    aborted_between,
    latest_timestamp,
    offset_for_time,
    read_slice,
)
from iowitness.impl.log_state import LogState
from iowitness.impl.producer_journal import ProducerJournal
from iowitness.impl.producer_states import ProducerStates
from iowitness.impl.segment import MAX_SEGMENT_BYTE_COUNT, Segment
from iowitness.impl.segment_place import SegmentPlace


class Log:
    """An open log. `end_offset` is the next offset, `recovery_point` the first unsynced one."""

    def __init__(
        self,
        place: SegmentPlace,
        loaded: Loaded,
        start: LogStart,
        journal: ProducerJournal,
        epochs: EpochJournal,
    ) -> None:
        """Takes over what `open` has loaded."""
        self._place = place
        self._segments = loaded.segments
        self._journal = journal
        self._epochs = epochs
        self._doomed = DoomedFiles(place.files)
        self._flush_policy = FlushPolicy(place.config)
        self._state = LogState(place.directory)
        self.end_offset = loaded.end_offset
        self.start_offset = max(start.start_offset, loaded.segments[0].base_offset)
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
        journal = ProducerJournal(files, directory)
        epochs = EpochJournal(files, directory)
        loaded = LogLoader(place, start, journal, epochs.epochs).load(now_ms)
        epochs.save()
        if loaded.report.scanned_segment_count:
            journal.take_snapshot(loaded.end_offset)
            loaded.report.removed += journal.remove_strays(
                [segment.base_offset for segment in loaded.segments], loaded.end_offset
            )
            files.sync_directory(directory)
        return cls(place, loaded, start, journal, epochs)

    @property
    def directory(self) -> str:
        """Where its files are."""
        return self._place.directory

    @property
    def place(self) -> SegmentPlace:
        """Where its segments live."""
        return self._place

    @property
    def config(self) -> LogConfig:
        """How it behaves."""
        return self._place.config

    def reconfigure(self, config: LogConfig) -> None:
        """Behaves by other settings from now on; segments that are there keep what they have."""
        self._place = msgspec.structs.replace(self._place, config=config)
        self._flush_policy = FlushPolicy(config)

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

    @property
    def is_fenced(self) -> bool:
        """A write or a sync has failed: everything but `close` and `abandon` is refused."""
        return self._state.fault is not None

    @property
    def last_stable_offset(self) -> int:
        """Where the oldest open transaction starts, or the log's end."""
        first = self._journal.states.first_open_offset()
        return self.end_offset if first is None else first

    @property
    def producers(self) -> ProducerStates:
        """What its batches say of the producers that are not forgotten yet."""
        return self._journal.states

    @property
    def leader_epochs(self) -> LeaderEpochs:
        """Which leader epoch started where."""
        return self._epochs.epochs

    def append(self, batch_set: Buffer, *, now_ms: int, leader_epoch: int = 0) -> Appended:
        """Appends whole batches as the leader: consecutive offsets from the log's end.

        A writable buffer is stamped in place, others are copied first. The set is written with one
        call. Raises `CorruptBatch` for bytes that are no sound batches, and `BatchRefused` for one
        that is too large or whose sequence or epoch is wrong; then nothing was written.
        """
        self._state.check()
        config = self._place.config
        view = memoryview(batch_set)
        byte_count = len(view)
        if byte_count > config.segment_byte_count:
            refuse_set_size(byte_count, config.segment_byte_count)
        if view.readonly:
            view = memoryview(bytearray(batch_set))
        headers = stamped_headers(view, self.end_offset, leader_epoch, config.max_batch_byte_count)
        if len(headers) > 1 or headers[0].producer_id != NO_PRODUCER_ID:
            repeated = check_sequences(headers, self._journal.states)
            if repeated is not None:
                first, last = repeated.first_offset, repeated.last_offset
                return Appended(first, last, byte_count, is_duplicate=True)
        return self._append(view, headers, now_ms)

    def append_as_follower(self, batch_set: Buffer, *, now_ms: int) -> Appended:
        """Appends whole batches with the offsets and epochs they have, whatever their sequences.

        Gaps are accepted. Raises `BatchRefused` for an offset below the log's end or batches out
        of order.
        """
        self._state.check()
        if len(batch_set) > self.config.segment_byte_count:
            refuse_set_size(len(batch_set), self.config.segment_byte_count)
        return self._append(batch_set, kept_headers(batch_set, self.end_offset), now_ms)

    def _append(self, batch_set: Buffer, headers: list[BatchHeader], now_ms: int) -> Appended:
        first = last = headers[0]
        byte_count, max_timestamp_ms = len(batch_set), first.max_timestamp_ms
        if len(headers) > 1:
            last = headers[-1]
            max_timestamp_ms = max([header.max_timestamp_ms for header in headers])
        if first.partition_leader_epoch != self._epochs.epochs.latest or first is not last:
            self._epochs.assign(headers)
        base_offset, last_offset = first.base_offset, last.last_offset
        active = self._segments[-1]
        if active.is_full_for(byte_count, max_timestamp_ms, last_offset, now_ms, self.config):
            active = self.roll(now_ms=now_ms, base_offset=base_offset)
        position = active.byte_count
        try:
            active.append(batch_set, headers)
            if first is not last or first.producer_id != NO_PRODUCER_ID:
                self._journal.take_in_set(active, batch_set, headers)
        except OSError as error:
            if active.byte_count != position or isinstance(error, LogFenced):
                self._state.fence(error)
            raise
        self.end_offset = last_offset + 1
        if self._flush_policy.is_due_after(self.end_offset - base_offset, now_ms):
            self.flush(now_ms=now_ms)
        return Appended(base_offset, last_offset, byte_count)

    def roll(self, *, now_ms: int, base_offset: int | None = None) -> Segment:
        """Seals and syncs the active segment and starts a new one at the log's end.

        An empty active segment of the same base is replaced. Raises `ValueError` for a base that
        another segment has.
        """
        self._state.check()
        base = self.end_offset if base_offset is None else base_offset
        active = self.active_segment
        if base < self.end_offset or (base == active.base_offset and active.byte_count):
            raise ValueError(
                f"{active.file.path}: new base offset={base}, expected {self.end_offset} or more"
            )
        with self._state.fencing():
            if base == active.base_offset:
                active.remove()
                self._segments.pop()
            else:
                active.seal()
                active.flush()
                self._journal.take_snapshot(base)
            segment = Segment.create(self._place.at(base), now_ms)
            self._place.files.sync_directory(self.directory)
        self._segments.append(segment)
        self._note_flush(now_ms)
        return segment

    def flush(self, *, now_ms: int | None = None) -> None:
        """Everything appended so far is on the disk when it returns; a failure fences the log."""
        self._state.check()
        with self._state.fencing():
            self.active_segment.flush()
        self._note_flush(now_ms)

    def _note_flush(self, now_ms: int | None) -> None:
        self.recovery_point = self.end_offset
        self._flush_policy.flushed(now_ms)

    def tick(self, *, now_ms: int) -> None:
        """What time makes due: a flush, the removal of deleted files, forgetting producers."""
        self._state.check()
        if self._flush_policy.is_due_after(0, now_ms):
            self.flush(now_ms=now_ms)
        self._doomed.remove_due(now_ms)
        self._journal.states.expire(now_ms, self.config.producer_expiration_ms)

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
        self._state.check()
        if not self.start_offset <= offset <= self.end_offset:
            raise OffsetOutOfRange(offset, self.start_offset, self.end_offset)
        limit = self.end_offset if limit_offset is None else min(limit_offset, self.end_offset)
        if offset >= limit or (max_byte_count <= 0 and not at_least_one_batch):
            return FetchSlice(None, offset)
        first_batch_byte_count = MAX_SEGMENT_BYTE_COUNT if at_least_one_batch else 0
        end_offset = None if limit == self.end_offset else limit
        return read_slice(
            self._segments, offset, ReadLimit(max_byte_count, first_batch_byte_count, end_offset)
        )

    def offset_for_time(self, timestamp_ms: int) -> TimedOffset | None:
        """The first record that is not older than a timestamp; None if all are."""
        self._state.check()
        return offset_for_time(self._segments, timestamp_ms, self.start_offset)

    def latest_timestamp(self) -> TimedOffset | None:
        """The first record with the largest timestamp; None for a log without timestamps."""
        self._state.check()
        return latest_timestamp(self._segments)

    def aborted_transactions(self, offset: int, end_offset: int) -> list[AbortedTransaction]:
        """The aborted transactions that have records between two offsets, by their markers."""
        self._state.check()
        return aborted_between(self._segments, offset, end_offset)

    def batch_start(self, offset: int) -> int:
        """The base offset of the batch that holds an offset; the offset itself where none does."""
        held = self.read(offset, 1) if self.start_offset <= offset < self.end_offset else None
        return offset if held is None else min(offset, held.base_offset)

    def truncate_to(self, offset: int, *, now_ms: int) -> None:
        """Drops every record at or after an offset, and any batch that holds it.

        At or below the log's first segment everything goes, and the log goes on at that offset.
        A saved recovery point above the offset has to be lowered before: `LogDirectory.truncate`.
        """
        self._state.check()
        if offset >= self.end_offset:
            return
        with self._state.fencing():
            self._truncate_to(offset, now_ms)

    def _truncate_to(self, offset: int, now_ms: int) -> None:
        while self._segments and self._segments[-1].base_offset >= offset:
            self._segments.pop().remove()
        if self._segments:
            self.end_offset = self.active_segment.truncate_to(offset)
        else:
            self._segments.append(Segment.create(self._place.at(offset), now_ms))
            self.start_offset = self.end_offset = offset
        self.active_segment.flush()
        self._place.files.sync_directory(self.directory)
        self.recovery_point = min(self.recovery_point, self.end_offset)
        self._epochs.epochs.truncate_from_end(self.end_offset)
        self._epochs.save()
        self._journal.start_over(self._segments, self.start_offset, self.end_offset)

    def advance_start_offset(self, offset: int) -> None:
        """Records below an offset are no longer given; their segments go with the next retention.

        Raises `OffsetOutOfRange` past the end; an offset below the start changes nothing.
        """
        self._state.check()
        if offset > self.end_offset:
            raise OffsetOutOfRange(offset, self.start_offset, self.end_offset)
        self.start_offset = max(self.start_offset, offset)
        self._epochs.epochs.truncate_from_start(self.start_offset)
        self._epochs.save()

    def drop_oldest(self, count: int, *, now_ms: int) -> None:
        """The first `count` segments are renamed now and removed after the configured delay.

        The log always keeps one: if all go, an empty one is rolled first.
        """
        self._state.check()
        if count == len(self._segments):
            self.roll(now_ms=now_ms)
        doomed, self._segments[:] = self._segments[:count], self._segments[count:]
        due_ms = now_ms + self.config.file_delete_delay_ms
        with self._state.fencing():
            for segment in doomed:
                self._doomed.add(due_ms, segment.rename_deleted())
            self._place.files.sync_directory(self.directory)
            self._journal.remove_below(self._segments[0].base_offset)
        self.advance_start_offset(self._segments[0].base_offset)

    def fencing(self) -> AbstractContextManager[None]:
        """Work on the log's files from outside, after whose failure they may be anything."""
        return self._state.fencing()

    def put_in_place(self, old: Segment, new: Segment, doomed: list[str], *, now_ms: int) -> None:
        """A segment made from another takes its place; the old one's files go after the delay."""
        self._state.check()
        self._segments[self._segments.index(old)] = new
        self._doomed.add(now_ms + self.config.file_delete_delay_ms, doomed)

    def close(self) -> None:
        """Seals and syncs the active segment and gives all descriptors back.

        Regions of this log raise `LogClosed` from then on. A second call does nothing. A fenced log
        is left as it is, as a crash would; an `OSError` fences the log, and its descriptors are
        given back all the same.
        """
        if self._state.is_closed:
            return
        try:
            if not self.is_fenced:
                with self._state.fencing():
                    self._close_files()
        finally:
            self.abandon()

    def _close_files(self) -> None:
        self._doomed.remove_all()
        self.active_segment.seal()
        self.flush()
        self._journal.take_snapshot(self.end_offset)
        self._place.files.sync_directory(self.directory)

    def abandon(self) -> None:
        """Gives all descriptors back and leaves the files as they are, as a crash would."""
        self._state.is_closed = True
        for segment in self._segments:
            segment.close()

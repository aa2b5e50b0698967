"""Opening a log: which files belong to it, what has to be scanned, where it ends."""

from collections.abc import Sequence

from msgspec import Struct

from iowitness.impl.batch_format import BatchHeader
from iowitness.impl.errors import CorruptBatch, CorruptIndex, DamagedLog, OldFormat
from iowitness.impl.leader_epochs import LeaderEpochs
from iowitness.impl.log_names import LOG, SWAP, base_offset_of, file_name, suffix_of
from iowitness.impl.log_scan import scan
from iowitness.impl.log_sweep import Removal, Replacement, finished_swaps, swept
from iowitness.impl.producer_journal import ProducerJournal
from iowitness.impl.recovery import (
    BatchWatch,
    OnDamage,
    RecoveryReport,
    Stretch,
    Unwatched,
    recover_segment,
)
from iowitness.impl.segment import BatchAt, Segment
from iowitness.impl.segment_place import SegmentPlace


class LogStart(Struct, frozen=True, kw_only=True):
    """What is known of a log before it is opened, from the checkpoints of its directory.

    Everything below `recovery_point` was synced. `is_clean` says that the last stop was: then no
    segment is scanned.
    """

    start_offset: int = 0
    recovery_point: int = 0
    is_clean: bool = False
    on_damage: OnDamage = OnDamage.REFUSE


class Loaded(Struct, frozen=True):
    """The segments of a log, in order, and the offset after the last record."""

    segments: list[Segment]
    end_offset: int
    report: RecoveryReport


class LogLoader:
    """One opening of a log's folder; `journal` and `epochs` are filled on the way."""

    __slots__ = ("_epochs", "_journal", "_now_ms", "_place", "_report", "_start")

    def __init__(
        self, place: SegmentPlace, start: LogStart, journal: ProducerJournal, epochs: LeaderEpochs
    ) -> None:
        self._place = place
        self._start = start
        self._journal = journal
        self._epochs = epochs
        self._report = RecoveryReport()

    def load(self, now_ms: int) -> Loaded:
        """Opens, and where needed recovers, every segment.

        Raises `DamagedLog` where synced bytes are damaged; what was sound is left as it was.
        """
        self._sweep()
        segments: list[Segment] = []
        try:
            segments.extend(Segment.open(self._place.at(base), now_ms) for base in self._bases())
            end_offset = self._make_ready(segments)
        except BaseException:
            for segment in segments:
                segment.close()
            raise
        if segments and end_offset < self._start.start_offset:
            for segment in segments:
                self._remove(segment)
            segments = []
        if not segments:
            end_offset = self._start.start_offset
            segments = [Segment.create(self._place.at(end_offset), now_ms)]
            self._place.files.sync_directory(self._place.directory)
            self._journal.load(end_offset, end_offset)
        self._epochs.truncate_from_end(end_offset)
        self._report.removed += self._journal.remove_strays(
            [segment.base_offset for segment in segments], end_offset
        )
        return Loaded(segments, end_offset, self._report)

    def _bases(self) -> list[int]:
        names = self._place.files.names(self._place.directory)
        bases = (base_offset_of(name) for name in names if suffix_of(name) == LOG)
        return [base for base in bases if base is not None]

    def _sweep(self) -> None:
        """Carries out what is to be done with the leftovers of a crash."""
        files, directory = self._place.files, self._place.directory
        names = files.names(directory)
        steps = swept(names, {base: self._swap_end(base) for base in finished_swaps(names)})
        for step in steps:
            match step:
                case Removal(name):
                    files.remove(f"{directory}/{name}")
                    self._report.removed.append(f"{directory}/{name}")
                case Replacement(old_name, new_name):
                    files.rename(f"{directory}/{old_name}", f"{directory}/{new_name}")
        if steps:
            files.sync_directory(directory)

    def _swap_end(self, base_offset: int) -> int:
        """The offset after the last record of a segment's replacement. Raises `DamagedLog`."""
        files = self._place.files
        file = files.open(f"{self._place.directory}/{file_name(base_offset, LOG + SWAP)}")
        try:
            end_offset = base_offset
            for batch in scan(file, 0, file.byte_count(), base_offset):
                end_offset = batch.header.next_offset
        except CorruptBatch as fault:
            raise DamagedLog(
                f"{fault}; it was to replace other segments: restore the file, or remove it if "
                "those are still there"
            ) from fault
        finally:
            file.close()
        return end_offset

    def _make_ready(self, segments: list[Segment]) -> int:
        """Recovers or resumes each segment; drops those after a cut. The end offset."""
        start = self._start
        end_offset = start.start_offset
        settled = len(segments)
        if not start.is_clean:
            settled = sum(later.base_offset <= start.recovery_point for later in segments[1:])
        has_producers = False
        for number, segment in enumerate(list(segments)):
            is_last = number == len(segments) - 1
            if number < settled:
                end_offset, was_cut = self._settle(segment, is_last=is_last)
            else:
                if not has_producers:
                    self._load_producers(segments[:number], segment.base_offset)
                    has_producers = True
                segment.aborted.drop()  # made anew from the markers that the scan will find
                stretch = Stretch(is_last, start.recovery_point, start.on_damage)
                end_offset, was_cut = self._scan(
                    segment, stretch, _Watch(segment, self._epochs, self._journal)
                )
            if was_cut:
                for later in segments[number + 1 :]:
                    self._remove(later)
                del segments[number + 1 :]
                break
        if not has_producers:
            self._load_producers(segments, end_offset)
        return end_offset

    def _load_producers(self, segments: list[Segment], end_offset: int) -> None:
        """What is known of the producers before an offset: a snapshot, and the heads after it."""
        self._report.removed += self._journal.load(self._start.start_offset, end_offset)
        if self._journal.next_offset < end_offset:
            self._journal.replay(segments, end_offset)

    def _settle(self, segment: Segment, *, is_last: bool) -> tuple[int, bool]:
        """Takes up a segment that was synced as a whole; scans it if its indexes do not fit."""
        if segment.has_indexes:
            try:
                segment.check_indexes()
                return segment.resume() if is_last else segment.base_offset, False
            except OldFormat:
                raise
            except (CorruptIndex, CorruptBatch):
                pass
        stretch = Stretch(is_last=False, recovery_point=0, on_damage=self._start.on_damage)
        return self._scan(segment, stretch, Unwatched())

    def _scan(self, segment: Segment, stretch: Stretch, watch: BatchWatch) -> tuple[int, bool]:
        self._report.scanned_segment_count += 1
        self._report.rebuilt.append(segment.file.path)
        end_offset, cut = recover_segment(segment, segment.base_offset, stretch, watch)
        if cut is not None:
            self._report.cuts.append(cut)
        return end_offset, cut is not None

    def _remove(self, segment: Segment) -> None:
        self._report.removed.append(segment.file.path)
        segment.remove()


class _Watch:
    """Notes the leader epochs and producers of a segment's batches."""

    __slots__ = ("_epochs", "_journal", "_segment", "latest_epoch")

    def __init__(self, segment: Segment, epochs: LeaderEpochs, journal: ProducerJournal) -> None:
        self._segment = segment
        self._epochs = epochs
        self._journal = journal
        self.latest_epoch = epochs.latest

    def see(self, batch: BatchAt) -> None:
        """One sound batch, in the order of the log."""
        header = batch.header
        if header.partition_leader_epoch > self.latest_epoch:
            self._epochs.assign(header.partition_leader_epoch, header.base_offset)
            self.latest_epoch = self._epochs.latest
        if header.producer_id >= 0:
            self._journal.see(self._segment, batch)

    def see_data(self, headers: Sequence[BatchHeader]) -> None:
        """Batches of producers, in the order of the log: no markers, no later epoch."""
        self._journal.see_data(headers)

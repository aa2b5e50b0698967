"""Opening a log: which files belong to it, what has to be scanned, where it ends."""

from collections.abc import Callable

from msgspec import Struct

from iowitness.impl.batch_format import BatchHeader
from iowitness.impl.errors import CorruptBatch, CorruptIndex
from iowitness.impl.log_names import LOG, base_offset_of, suffix_of
from iowitness.impl.log_sweep import Removal, Replacement, swept
from iowitness.impl.recovery import OnDamage, RecoveryReport, Stretch, recover_segment
from iowitness.impl.segment import Segment, SegmentPlace


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


def load(
    place: SegmentPlace, start: LogStart, now_ms: int, seen: Callable[[BatchHeader], None]
) -> Loaded:
    """Opens, and where needed recovers, every segment in a directory.

    `place` is the first segment's, with the log's start as its base. `seen` is told the batches
    of the scanned segments. Raises `DamagedLog`, with nothing cut, as `recover_segment` does.
    """
    report = RecoveryReport()
    _sweep(place, report)
    bases = [
        base
        for name in place.files.names(place.directory)
        if suffix_of(name) == LOG and (base := base_offset_of(name)) is not None
    ]
    segments = [Segment.open(place.at(base), now_ms) for base in bases]
    try:
        end_offset = _make_ready(segments, start, report, seen)
    except BaseException:
        for segment in segments:
            segment.close()
        raise
    if segments and end_offset < start.start_offset:
        report.removed += [segment.file.path for segment in segments]
        for segment in segments:
            segment.remove()
        segments = []
    if not segments:
        segments = [Segment.create(place.at(start.start_offset), now_ms)]
        place.files.sync_directory(place.directory)
        end_offset = start.start_offset
    return Loaded(segments, end_offset, report)


def _sweep(place: SegmentPlace, report: RecoveryReport) -> None:
    names = place.files.names(place.directory)
    for step in swept(names):
        match step:
            case Removal(name):
                place.files.remove(f"{place.directory}/{name}")
                report.removed.append(f"{place.directory}/{name}")
            case Replacement(old_name, new_name):
                place.files.rename(f"{place.directory}/{old_name}", f"{place.directory}/{new_name}")
    if report.removed:
        place.files.sync_directory(place.directory)


def _make_ready(
    segments: list[Segment],
    start: LogStart,
    report: RecoveryReport,
    seen: Callable[[BatchHeader], None],
) -> int:
    """Recovers or resumes each segment in place; drops those after a cut. The end offset."""
    end_offset = start.start_offset
    for number, segment in enumerate(list(segments)):
        is_last = number == len(segments) - 1
        follower = None if is_last else segments[number + 1]
        if _is_settled(segment, follower, start):
            end_offset = segment.base_offset if follower is None else follower.base_offset
            if follower is None:
                end_offset = segment.resume()
            continue
        stretch = Stretch(is_last, start.recovery_point, start.on_damage)
        report.scanned_segment_count += 1
        report.rebuilt.append(segment.file.path)
        end_offset, cut = recover_segment(segment, segment.base_offset, stretch, seen)
        if cut is not None:
            report.cuts.append(cut)
            for later in segments[number + 1 :]:
                report.removed.append(later.file.path)
                later.remove()
            del segments[number + 1 :]
            break
    return end_offset


def _is_settled(segment: Segment, follower: Segment | None, start: LogStart) -> bool:
    """Whether a segment needs no scan: synced as a whole, and with indexes that fit it."""
    end = None if follower is None else follower.base_offset
    if not start.is_clean and (end is None or end > start.recovery_point):
        return False
    if not segment.has_indexes:
        return False
    try:
        segment.check_indexes()
        if follower is None:
            segment.resume()
    except (CorruptIndex, CorruptBatch):
        return False
    return True

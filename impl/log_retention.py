"""Old segments go: by time, by size, below the log's start. Source: retention.ms."""

from iowitness.impl.log import Log
from iowitness.impl.retention import (
    SegmentAge,
    count_deletable,
    count_doomed_by_size,
    count_doomed_by_start,
    count_doomed_by_time,
)


def delete_old_segments(log: Log, *, now_ms: int, high_watermark: int | None = None) -> int:
    """Applies the log's retention; how many segments went.

    None that reaches past the high watermark, by default the log's end, is touched. If all may go,
    an empty one is rolled first, so offsets go on counting.
    """
    ages = _ages(log)
    config = log.config
    most = count_deletable(ages, log.end_offset if high_watermark is None else high_watermark)
    doomed = count_doomed_by_start(ages, log.start_offset)
    if config.retention_ms is not None:
        doomed = max(doomed, count_doomed_by_time(ages, config.retention_ms, now_ms))
    if config.retention_byte_count is not None:
        left = ages[doomed:]
        doomed += count_doomed_by_size(left, config.retention_byte_count)
    doomed = min(doomed, most)
    if doomed:
        log.drop_oldest(doomed, now_ms=now_ms)
    return doomed


def _ages(log: Log) -> list[SegmentAge]:
    segments = log.segments
    ends = [segment.base_offset for segment in segments[1:]] + [log.end_offset]
    return [segment.age(end) for segment, end in zip(segments, ends, strict=True)]

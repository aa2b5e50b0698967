"""Which segments are old enough to go. Pure.

Source: docs/kafka-behaviours.md, items 42 to 44.
"""

from collections.abc import Sequence

from msgspec import Struct


class SegmentAge(Struct, frozen=True, gc=False):
    """What retention has to know of a segment.

    `latest_ms` is its largest timestamp, or the file's time where it has none.
    """

    base_offset: int
    end_offset: int
    byte_count: int
    latest_ms: int


def count_doomed_by_time(segments: Sequence[SegmentAge], retention_ms: int, now_ms: int) -> int:
    """How many segments from the oldest on are older than allowed, up to the first that is not."""
    count = 0
    for segment in segments:
        if now_ms - segment.latest_ms <= retention_ms:
            break
        count += 1
    return count


def count_doomed_by_size(segments: Sequence[SegmentAge], retention_byte_count: int) -> int:
    """How many may go from the oldest on with at least the limit left after each."""
    excess = sum(segment.byte_count for segment in segments) - retention_byte_count
    count = 0
    for segment in segments:
        excess -= segment.byte_count
        if excess < 0:
            break
        count += 1
    return count


def count_doomed_by_start(segments: Sequence[SegmentAge], start_offset: int) -> int:
    """How many lie below the log's start as a whole."""
    return sum(segment.end_offset <= start_offset for segment in segments)


def count_deletable(segments: Sequence[SegmentAge], high_watermark: int) -> int:
    """How many retention may touch at all: those that do not reach past the high watermark.

    An empty last segment is never deleted: there would be nothing gained.
    """
    count = 0
    for segment in segments:
        if segment.end_offset > high_watermark:
            break
        count += 1
    if count == len(segments) and count and not segments[-1].byte_count:
        count -= 1
    return count

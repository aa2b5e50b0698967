"""Recovery's fast lane finds, indexes and remembers what the careful way does."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl import log_scan, recovery
from iowitness.impl.batch_writer import NO_PRODUCER, ProducerStamp, encode_batch
from iowitness.impl.control_records import Marker, MarkerKind, encode_marker
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_loading import LogStart
from iowitness.impl.log_scan import Scanner
from iowitness.impl.plain_run import PlainLimits, PlainRun
from iowitness.impl.recovery import OnDamage
from tests.doubles.forgetting_files import ForgettingFiles
from tests.strategies.batches import COMPRESSORS

CONFIG = LogConfig(segment_byte_count=3_000, index_interval_byte_count=200, index_byte_count=240)


@st.composite
def appended(draw: st.DrawFn) -> list[tuple[bytes, int]]:
    """Batches of nobody, of two producers and of their transactions, each with a leader epoch."""
    sequences = {7: 0, 8: 0}
    epoch = 0
    found: list[tuple[bytes, int]] = []
    for _ in range(draw(st.integers(1, 25))):
        epoch += draw(st.sampled_from([0, 0, 0, 1]))
        kind = draw(st.sampled_from(["plain", "plain", "idempotent", "transactional", "marker"]))
        producer_id = draw(st.sampled_from([7, 8]))
        times = draw(st.lists(st.integers(-1, 50), min_size=1, max_size=5))
        fields = [(ms, None, b"v" * draw(st.integers(0, 90)), ()) for ms in times]
        if kind == "marker":
            ending = Marker(draw(st.sampled_from(list(MarkerKind))), 0)
            found.append((encode_marker(ending, 5, producer_id, 0), epoch))
            continue
        stamp = NO_PRODUCER
        if kind != "plain":
            make = ProducerStamp.transactional if kind == "transactional" else ProducerStamp
            stamp = make(producer_id, 0, sequences[producer_id])
            sequences[producer_id] += len(fields)
        found.append((encode_batch(fields, draw(COMPRESSORS), stamp), epoch))
    return found


@contextmanager
def careful() -> Iterator[None]:
    """Without the fast lane."""

    def nothing(_scanner: Scanner, _limits: PlainLimits) -> PlainRun:
        return PlainRun([], [])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recovery, "take_plain", nothing)
        yield


@given(appended(), st.integers(0, 200), st.sampled_from([100, 1_000, 1 << 19]))
def test_the_fast_lane_and_the_careful_way_leave_the_same_files_and_producers(
    batches: list[tuple[bytes, int]], cut: int, window_byte_count: int
) -> None:
    files = ForgettingFiles()
    log = Log.open("/t-0", CONFIG, files, now_ms=0)
    for stored, epoch in batches:
        log.append(stored, now_ms=0, leader_epoch=epoch)
    log.abandon()
    last = log.active_segment.file.path
    before = files.snapshot()
    before[last] = before[last][: max(len(before[last]) - cut, 0)]
    left = []
    for way in ("fast", "careful"):
        again = ForgettingFiles()
        for path, content in before.items():
            again.put(path, content)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log_scan, "_CHUNK_BYTE_COUNT", window_byte_count)
            start = LogStart(on_damage=OnDamage.CUT)
            if way == "careful":
                with careful():
                    opened = Log.open("/t-0", CONFIG, again, now_ms=0, start=start)
            else:
                opened = Log.open("/t-0", CONFIG, again, now_ms=0, start=start)
        states = sorted((one.producer_id, one.last_sequence) for one in opened.producers)
        left.append((again.snapshot(), states, opened.end_offset, str(opened.recovery.cuts)))
    assert left[0] == left[1]

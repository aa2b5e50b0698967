"""Compaction keeps the newest value of each key, and everything else as it was."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl.batch_format import HEADER_BYTE_COUNT, Codec, with_crc
from iowitness.impl.batch_reader import Batch, batches, records, streamed_records
from iowitness.impl.batch_writer import ProducerStamp, encode_batch
from iowitness.impl.compaction import LatestOffsets, compacted
from iowitness.impl.compression import Compressor
from iowitness.impl.control_records import Marker, MarkerKind, encode_marker
from iowitness.impl.log import Log
from iowitness.impl.log_cleaner import compact
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_loading import LogStart
from tests.doubles.forgetting_files import Crashed, ForgettingFiles
from tests.strategies.batches import COMPRESSORS

CONFIG = LogConfig(
    segment_byte_count=300,
    index_interval_byte_count=50,
    index_byte_count=240,
    delete_retention_ms=100,
)
KEYED = st.lists(
    st.lists(
        st.tuples(st.sampled_from([b"a", b"b", b"c", b"d"]), st.none() | st.binary(max_size=9)),
        min_size=1,
        max_size=4,
    ),
    min_size=1,
    max_size=12,
)


def all_records(log: Log) -> dict[int, tuple[bytes | None, bytes | None]]:
    found = {}
    offset = log.start_offset
    while offset < log.end_offset:
        region = log.read(offset, 4_096, at_least_one_batch=True).region
        if region is None:
            break
        for batch in batches(region.read()):
            batch.check()
            found |= {r.offset: (r.key, r.value) for r in records(batch)}
            offset = batch.header.next_offset
    return found


def filled(
    files: ForgettingFiles, sets: list[list[tuple[bytes, bytes | None]]], compressor: Compressor
) -> Log:
    log = Log.open("/t-0", CONFIG, files, now_ms=0)
    for records_in in sets:
        log.append(encode_batch([(5, k, v, ()) for k, v in records_in], compressor), now_ms=0)
    return log


@given(KEYED, COMPRESSORS)
def test_the_newest_value_of_each_key_stays_at_its_offset(
    sets: list[list[tuple[bytes, bytes | None]]], compressor: Compressor
) -> None:
    files = ForgettingFiles()
    log = filled(files, sets, compressor)
    before = all_records(log)
    end_offset, active = log.end_offset, log.active_segment
    kept_active = {o: r for o, r in before.items() if o >= active.base_offset}
    compact(log, now_ms=0)
    after = all_records(log)
    newest = {key: offset for offset, (key, _) in before.items()}
    wanted = {o: r for o, r in before.items() if newest[r[0]] == o or o in kept_active}
    assert after == wanted
    assert (log.end_offset, log.active_segment) == (end_offset, active)
    log.close()
    log = Log.open("/t-0", CONFIG, files, now_ms=0)
    assert all_records(log) == wanted


@given(KEYED, st.integers(0, 40), st.integers(0, 2**20))
def test_a_crash_within_a_compaction_loses_no_newest_value(
    sets: list[list[tuple[bytes, bytes | None]]], calls: int, seed: int
) -> None:
    files = ForgettingFiles()
    log = filled(files, sets, Compressor())
    before = all_records(log)
    log.flush()
    files.calls_until_crash = calls
    with contextlib.suppress(Crashed):
        compact(log, now_ms=0)
    files.crash(seed)
    after = all_records(Log.open("/t-0", CONFIG, files, now_ms=0))
    newest = {key: offset for offset, (key, _) in before.items()}
    for key, offset in newest.items():
        assert after[offset] == before[offset], key
    assert all(before[offset] == record for offset, record in after.items())


def test_a_tombstone_stays_until_its_horizon_and_goes_then() -> None:
    (batch,) = batches(encode_batch([(5, b"a", None, ()), (6, b"b", b"v", ())]))
    latest = LatestOffsets.of([batch])
    first = compacted(batch, latest, now_ms=1_000, delete_retention_ms=100)
    assert first is not None
    (marked,) = batches(first)
    marked.check()
    assert marked.header.delete_horizon_ms == 1_100
    assert [(r.key, r.timestamp_ms) for r in records(marked)] == [(b"a", 5), (b"b", 6)]
    assert compacted(marked, latest, now_ms=1_099, delete_retention_ms=100) == first
    later = compacted(marked, latest, now_ms=1_100, delete_retention_ms=100)
    assert later is not None
    assert [r.key for r in records(next(batches(later)))] == [b"b"]


def test_a_batch_keeps_its_offsets_and_sequences_and_an_empty_one_its_producer() -> None:
    stamp = ProducerStamp(7, 1, 40)
    (old,) = batches(encode_batch([(5, b"a", b"1", ()), (5, b"a", b"2", ())], stamp=stamp))
    latest = LatestOffsets({b"a": 99})
    kept = compacted(old, latest, now_ms=0, delete_retention_ms=0)
    assert kept is not None
    (empty,) = batches(kept)
    empty.check()
    assert (empty.header.record_count, empty.header.byte_count) == (0, 61)
    assert (empty.header.last_offset, empty.header.last_sequence) == (1, 41)
    assert list(records(empty)) == []
    (anonymous,) = batches(encode_batch([(5, b"a", b"1", ())]))
    assert compacted(anonymous, latest, now_ms=0, delete_retention_ms=0) is None
    assert isinstance(old, Batch)


@pytest.mark.parametrize("codec", list(Codec))
def test_an_emptied_batch_holds_nothing_whatever_its_codec(codec: Codec) -> None:
    stamp = ProducerStamp(7, 1, 40, attributes=codec)
    head = bytearray(encode_batch([(5, b"a", b"1", ())], stamp=stamp)[:HEADER_BYTE_COUNT])
    head[8:12] = (HEADER_BYTE_COUNT - 12).to_bytes(4, "big")
    head[57:61] = bytes(4)
    (empty,) = batches(with_crc(head, b""))
    empty.check()
    assert empty.header.codec is codec
    assert list(records(empty)) == list(streamed_records(empty)) == []


def transactional(producer_id: int, sequence: int, key: bytes, value: bytes) -> bytes:
    stamp = ProducerStamp.transactional(producer_id, 0, sequence)
    return encode_batch([(5, key, value, ())], stamp=stamp)


def with_an_aborted_transaction(files: ForgettingFiles) -> Log:
    """Offset 0 committed, 1 aborted by the marker at 2, 3 of a transaction still open; key `a`."""
    log = Log.open("/t-0", CONFIG, files, now_ms=0)
    log.append(encode_batch([(5, b"a", b"committed", ())]), now_ms=0)
    log.append(transactional(7, 0, b"a", b"aborted"), now_ms=0)
    log.append(encode_marker(Marker(MarkerKind.ABORT, 0), 5, 7, 0), now_ms=0)
    log.roll(now_ms=0)
    log.append(transactional(8, 0, b"a", b"open"), now_ms=0)
    log.roll(now_ms=0)
    return log


def test_neither_aborted_nor_undecided_records_take_the_place_of_committed_ones() -> None:
    log = with_an_aborted_transaction(ForgettingFiles())
    compact(log, now_ms=0)
    found = all_records(log)
    assert [found[offset] for offset in (0, 3)] == [(b"a", b"committed"), (b"a", b"open")]
    log.append(encode_marker(Marker(MarkerKind.COMMIT, 0), 5, 8, 0), now_ms=0)
    log.roll(now_ms=0)
    compact(log, now_ms=0)
    found = all_records(log)
    assert 0 not in found
    assert found[3] == (b"a", b"open")


@pytest.mark.parametrize("loses_an_index", [False, True])
def test_aborted_transactions_are_known_after_a_compaction_and_a_restart(
    loses_an_index: bool,
) -> None:
    files = ForgettingFiles()
    log = with_an_aborted_transaction(files)
    log.append(encode_marker(Marker(MarkerKind.COMMIT, 0), 5, 8, 0), now_ms=0)
    log.roll(now_ms=0)
    before = log.aborted_transactions(0, 10)
    assert [(one.producer_id, one.first_offset, one.last_offset) for one in before] == [(7, 1, 2)]
    assert compact(log, now_ms=0) > 0
    assert log.aborted_transactions(0, 10) == before
    log.close()
    if loses_an_index:
        files.remove(f"/t-0/{0:020d}.index")
    start = LogStart(is_clean=True, recovery_point=log.end_offset)
    log = Log.open("/t-0", CONFIG, files, now_ms=0, start=start)
    assert log.aborted_transactions(0, 10) == before


def test_a_tombstone_goes_from_a_log_that_nothing_else_has_to_go_from() -> None:
    log = Log.open("/t-0", CONFIG, ForgettingFiles(), now_ms=0)
    log.append(encode_batch([(5, b"a", None, ())]), now_ms=0)
    log.roll(now_ms=0)
    compact(log, now_ms=1_000)
    assert all_records(log) == {0: (b"a", None)}
    compact(log, now_ms=1_099)
    assert all_records(log) == {0: (b"a", None)}
    compact(log, now_ms=1_100)
    assert all_records(log) == {}
    assert log.end_offset == 1


def test_a_compaction_that_has_nothing_to_do_leaves_the_files_alone() -> None:
    files = ForgettingFiles()
    log = filled(files, [[(b"a", b"1")], [(b"b", b"2")], [(b"c", b"3")]], Compressor())
    log.roll(now_ms=0)
    before = files.snapshot()
    assert compact(log, now_ms=0) == 0
    assert files.snapshot() == before

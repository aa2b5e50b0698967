"""What a log does, item by item of docs/kafka-behaviours.md, on the file system in memory."""

import errno

import pytest

from iowitness.impl.batch_reader import batches, records
from iowitness.impl.batch_writer import NO_PRODUCER, ProducerStamp, encode_batch
from iowitness.impl.control_records import Marker, MarkerKind, encode_marker
from iowitness.impl.errors import (
    BatchRefused,
    CorruptBatch,
    DamagedLog,
    LogClosed,
    LogFenced,
    OffsetOutOfRange,
)
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_loading import LogStart
from iowitness.impl.log_retention import delete_old_segments
from iowitness.impl.recovery import OnDamage
from tests.doubles.forgetting_files import ForgettingFiles

DIRECTORY = "/logs/t-0"
SMALL = LogConfig(segment_byte_count=1_000, index_interval_byte_count=100, index_byte_count=1_200)


def open_log(
    files: ForgettingFiles, config: LogConfig = SMALL, start: LogStart | None = None
) -> Log:
    return Log.open(DIRECTORY, config, files, now_ms=0, start=start)


def batch(
    count: int = 1, size: int = 20, timestamp_ms: int = 1_000, stamp: ProducerStamp = NO_PRODUCER
) -> bytes:
    fields = [(timestamp_ms, None, b"%d" % i * size, ()) for i in range(count)]
    return encode_batch(fields, stamp=stamp)


def offsets_at(log: Log, offset: int, **options: object) -> list[int]:
    piece = log.read(offset, 10_000, **options)  # type: ignore[arg-type]
    if piece.region is None:
        return []
    return [r.offset for b in batches(piece.region.read()) for r in records(b)]


def test_a_leader_gives_consecutive_offsets() -> None:
    log = open_log(ForgettingFiles())
    assert [log.append(batch(count), now_ms=0).base_offset for count in (3, 1, 5)] == [0, 3, 4]
    assert log.end_offset == 9


def test_one_append_is_one_write_at_the_segments_end() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    log.append(batch(), now_ms=0)
    files.writes.clear()
    first, second = batch(2), batch(3)
    position = log.active_segment.byte_count
    log.append(first + second, now_ms=0)
    assert files.writes == [(log.active_segment.file.path, position, len(first) + len(second))]


def test_a_short_write_is_completed_by_further_ones() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    files.write_limit = 50
    log.append(batch(4), now_ms=0)
    assert offsets_at(log, 0) == [0, 1, 2, 3]


def test_a_full_disk_leaves_the_segment_as_it_was() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    log.append(batch(), now_ms=0)
    files.free_byte_count = 30
    with pytest.raises(OSError, match="no space left"):
        log.append(batch(4), now_ms=0)
    files.free_byte_count = None
    assert log.append(batch(2), now_ms=0).base_offset == 1
    assert offsets_at(log, 0) == [0, 1, 2]


def test_a_short_write_before_the_disk_is_full_is_taken_back() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    log.append(batch(), now_ms=0)
    path, size = log.active_segment.file.path, log.active_segment.byte_count
    files.write_limit, files.free_byte_count = 20, 50
    with pytest.raises(OSError, match="no space left"):
        log.append(batch(4), now_ms=0)
    assert len(files.snapshot()[path]) == size
    assert not log.is_fenced


def test_a_failed_sync_fences_the_log_and_a_second_try_does_not_promise_anything() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    log.append(batch(3), now_ms=0)
    files.failing_syncs = 1
    with pytest.raises(OSError, match="input/output error"):
        log.flush()
    assert log.is_fenced
    assert log.recovery_point == 0
    for use in (log.flush, log.roll, lambda **_: log.read(0, 10), log.latest_timestamp):
        with pytest.raises(LogFenced, match=r"fenced since .*input/output error.*anew"):
            use(**({"now_ms": 0} if use == log.roll else {}))
    with pytest.raises(LogFenced):
        log.append(batch(), now_ms=0)
    before = files.snapshot()
    log.close()
    assert files.snapshot() == before
    files.kill()
    assert open_log(files).end_offset == 3


def test_a_failed_sync_at_a_roll_or_close_fences_the_log_too() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    log.append(batch(3), now_ms=0)
    files.failing_syncs = 1
    with pytest.raises(OSError, match="input/output error"):
        log.roll(now_ms=0)
    assert log.is_fenced
    assert len(log.segments) == 1
    files.kill()
    log = open_log(files)
    files.failing_syncs = 1
    with pytest.raises(OSError, match="input/output error"):
        log.close()
    assert log.is_fenced


def test_an_index_that_cannot_grow_on_a_full_disk_fences_the_log() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    log.append(batch(4), now_ms=0)
    size = len(batch(4))
    files.free_byte_count = size
    with pytest.raises(OSError, match="no space left"):
        log.append(batch(4), now_ms=0)
    assert log.is_fenced
    files.free_byte_count = None
    log.close()
    log = open_log(files)
    assert log.end_offset in {4, 8}
    assert log.append(batch(), now_ms=0).base_offset == log.end_offset - 1


def test_a_write_that_cannot_be_taken_back_fences_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    files = ForgettingFiles()
    log = open_log(files)
    log.append(batch(), now_ms=0)

    def cannot(byte_count: int) -> None:
        raise OSError(errno.EIO, "input/output error", str(byte_count))

    monkeypatch.setattr(log.active_segment.file, "truncate", cannot)
    files.free_byte_count = 30
    with pytest.raises(LogFenced, match="cutting off what it left"):
        log.append(batch(4), now_ms=0)
    assert log.is_fenced


def test_an_epoch_that_could_not_be_saved_is_saved_the_next_time() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    log.append(batch(), now_ms=0)
    files.free_byte_count = 0
    with pytest.raises(OSError, match="no space left"):
        log.append(batch(), now_ms=0, leader_epoch=3)
    files.free_byte_count = None
    log.append(batch(), now_ms=0, leader_epoch=3)
    assert b"3 1" in files.snapshot()[f"{DIRECTORY}/leader-epoch-checkpoint"]


def test_a_follower_keeps_offsets_and_gaps_and_refuses_what_goes_back() -> None:
    log = open_log(ForgettingFiles())
    source = open_log(ForgettingFiles())
    stored = []
    for _ in range(3):
        writable = bytearray(batch(2))
        source.append(writable, now_ms=0)
        stored.append(bytes(writable))
    log.append_as_follower(stored[0], now_ms=0)
    log.append_as_follower(stored[2], now_ms=0)
    assert log.end_offset == 6
    assert offsets_at(log, 2) == [4, 5]
    with pytest.raises(BatchRefused, match="base offset=2, expected 6"):
        log.append_as_follower(stored[1], now_ms=0)


def test_a_read_begins_with_the_batch_that_holds_the_offset() -> None:
    log = open_log(ForgettingFiles())
    for _ in range(4):
        log.append(batch(5), now_ms=0)
    assert offsets_at(log, 7)[0] == 5


def test_reading_at_the_end_gives_nothing_and_past_it_is_an_error() -> None:
    log = open_log(ForgettingFiles())
    log.append(batch(2), now_ms=0)
    assert log.read(2, 100).region is None
    for offset in (-1, 3):
        with pytest.raises(OffsetOutOfRange, match=f"offset={offset}, expected 0..2"):
            log.read(offset, 100)


def test_the_first_batch_comes_whole_only_if_asked_for() -> None:
    log = open_log(ForgettingFiles())
    log.append(batch(5), now_ms=0)
    size = log.active_segment.byte_count
    whole = log.read(0, 10, at_least_one_batch=True)
    assert (whole.byte_count, whole.is_first_batch_cut) == (size, False)
    cut = log.read(0, 10)
    assert (cut.byte_count, cut.is_first_batch_cut) == (10, True)
    assert log.read(0, 0).region is None


def test_a_read_stops_at_its_limit_offset() -> None:
    log = open_log(ForgettingFiles())
    for _ in range(4):
        log.append(batch(2), now_ms=0)
    assert offsets_at(log, 0, limit_offset=4) == [0, 1, 2, 3]
    assert offsets_at(log, 4, limit_offset=4) == []


def test_bytes_appended_later_do_not_show_in_a_region() -> None:
    log = open_log(ForgettingFiles())
    log.append(batch(2), now_ms=0)
    region = log.read(0, 10_000).region
    assert region is not None
    before = region.read()
    log.append(batch(2), now_ms=0)
    assert region.read() == before
    assert region.sliced(10, 1 << 20).byte_count == len(before) - 10
    with pytest.raises(ValueError, match="start=-1"):
        region.sliced(-1, 5)


def test_a_region_of_a_closed_log_says_so() -> None:
    log = open_log(ForgettingFiles())
    log.append(batch(), now_ms=0)
    region = log.read(0, 100).region
    assert region is not None
    log.close()
    with pytest.raises(LogClosed):
        region.fileno()


def test_a_region_whose_file_shrank_fails_loudly() -> None:
    log = open_log(ForgettingFiles())
    log.append(batch(), now_ms=0)
    region = log.read(0, 100).region
    assert region is not None
    log.active_segment.file.truncate(10)
    with pytest.raises(OSError, match="too early"):
        region.read()


def test_a_segment_may_be_exactly_full_and_rolls_with_the_next_byte() -> None:
    size = len(batch(1))
    config = LogConfig(segment_byte_count=3 * size)
    log = open_log(ForgettingFiles(), config)
    for _ in range(4):
        log.append(batch(1), now_ms=0)
    assert [segment.byte_count for segment in log.segments] == [3 * size, size]


def test_a_changed_segment_size_and_time_hold_for_the_active_segment_too() -> None:
    log = open_log(ForgettingFiles(), LogConfig())
    log.append(batch(timestamp_ms=1_000), now_ms=0)
    log.append(batch(timestamp_ms=1_101), now_ms=0)
    log.reconfigure(LogConfig(segment_ms=100))
    log.append(batch(timestamp_ms=1_101), now_ms=0)
    assert [segment.base_offset for segment in log.segments] == [0, 2]
    log.reconfigure(LogConfig(segment_byte_count=log.active_segment.byte_count))
    log.append(batch(timestamp_ms=1_101), now_ms=0)
    assert [segment.base_offset for segment in log.segments] == [0, 2, 3]


def test_sets_and_batches_that_are_too_large_are_refused() -> None:
    config = LogConfig(segment_byte_count=500, max_batch_byte_count=200)
    log = open_log(ForgettingFiles(), config)
    with pytest.raises(BatchRefused, match=r"max\.message\.bytes") as refused:
        log.append(batch(10), now_ms=0)
    assert refused.value.error_code == 10
    with pytest.raises(BatchRefused, match=r"segment\.bytes") as refused:
        log.append(batch(2) * 5, now_ms=0)
    assert refused.value.error_code == 18
    large = batch(10)
    assert log.append_as_follower(large, now_ms=0).byte_count == len(large) > 200


@pytest.mark.parametrize(
    ("jitter_ms", "second_ms", "count"), [(0, 1_100, 1), (0, 1_101, 2), (50, 1_051, 2)]
)
def test_a_segment_rolls_by_the_time_between_batches(
    jitter_ms: int, second_ms: int, count: int
) -> None:
    config = LogConfig(segment_ms=100, segment_jitter_ms=jitter_ms)
    log = open_log(ForgettingFiles(), config)
    log.append(batch(timestamp_ms=1_000), now_ms=0)
    log.append(batch(timestamp_ms=second_ms), now_ms=0)
    assert len(log.segments) == count


def test_without_timestamps_a_segment_rolls_by_the_clock() -> None:
    log = open_log(ForgettingFiles(), LogConfig(segment_ms=100))
    log.append(batch(timestamp_ms=-1), now_ms=100)
    log.append(batch(timestamp_ms=-1), now_ms=101)
    assert len(log.segments) == 2


def test_a_segment_rolls_when_an_index_is_full() -> None:
    config = LogConfig(index_interval_byte_count=0, index_byte_count=24)
    log = open_log(ForgettingFiles(), config)
    for number in range(8):
        log.append(batch(timestamp_ms=1_000 + number), now_ms=0)
    assert len(log.segments) > 2
    assert offsets_at(log, 7) == [7]


def test_rolling_an_empty_segment_replaces_it() -> None:
    log = open_log(ForgettingFiles())
    log.roll(now_ms=0)
    assert [segment.base_offset for segment in log.segments] == [0]
    log.append(batch(), now_ms=0)
    with pytest.raises(ValueError, match="new base offset=0"):
        log.roll(now_ms=0, base_offset=0)


def test_rolling_trims_the_indexes_and_adds_the_last_time() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    for number in range(6):
        log.append(batch(timestamp_ms=1_000 + number), now_ms=0)
    entries = log.active_segment.offset_index.count
    log.roll(now_ms=0)
    stored = files.snapshot()
    assert len(stored[f"{DIRECTORY}/{0:020d}.index"]) == 8 * entries
    last = stored[f"{DIRECTORY}/{0:020d}.timeindex"][-12:]
    assert last == (1_005).to_bytes(8, "big") + (5).to_bytes(4, "big")
    assert f"{DIRECTORY}/{6:020d}.index" not in stored
    log.flush()
    assert f"{DIRECTORY}/{6:020d}.index" in files.snapshot()


def test_a_presized_log_is_trimmed_by_a_clean_close_and_goes_on_at_its_end() -> None:
    files = ForgettingFiles()
    config = LogConfig(segment_byte_count=1_000, is_preallocated=True)
    log = open_log(files, config)
    assert (log.active_segment.byte_count, log.active_segment.file.byte_count()) == (0, 1_000)
    log.append(batch(), now_ms=0)
    size = log.active_segment.byte_count
    log.close()
    assert len(files.snapshot()[f"{DIRECTORY}/{0:020d}.log"]) == size
    log = open_log(files, config, LogStart(is_clean=True))
    assert log.append(batch(), now_ms=0).base_offset == 1


@pytest.mark.parametrize("offset", [0, 1, 2, 5, 6, 9])
def test_truncating_drops_what_is_at_or_after_the_offset(offset: int) -> None:
    log = open_log(ForgettingFiles())
    for _ in range(5):
        log.append(batch(2, size=100), now_ms=0)
    log.truncate_to(offset, now_ms=0)
    assert log.end_offset == offset - offset % 2
    assert all(o < offset for o in offsets_at(log, 0)) if log.end_offset else True
    assert log.append(batch(), now_ms=0).base_offset == log.end_offset - 1


def test_a_search_by_time_finds_the_first_record_that_is_not_older() -> None:
    log = open_log(ForgettingFiles())
    for number in range(20):
        log.append(batch(2, timestamp_ms=1_000 + 10 * number), now_ms=0)
    assert len(log.segments) > 1
    for timestamp_ms, offset in ((0, 0), (1_000, 0), (1_001, 2), (1_095, 20), (1_190, 38)):
        found = log.offset_for_time(timestamp_ms)
        assert found is not None
        assert found.offset == offset
    assert log.offset_for_time(1_191) is None
    latest = log.latest_timestamp()
    assert latest is not None
    assert (latest.offset, latest.timestamp_ms) == (38, 1_190)


def test_timestamps_that_go_back_keep_the_time_index_rising() -> None:
    log = open_log(ForgettingFiles())
    for timestamp_ms in (1_000, 5_000, 2_000, 3_000, 6_000, 100):
        log.append(batch(timestamp_ms=timestamp_ms), now_ms=0)
    index = log.active_segment.time_index
    entries = [index.entry(number) for number in range(index.count)]
    assert entries == sorted(entries, key=lambda entry: (entry.timestamp_ms, entry.offset))
    found = log.offset_for_time(2_500)
    assert found is not None
    assert found.offset == 1


def test_a_bad_checksum_is_refused_before_anything_is_written() -> None:
    log = open_log(ForgettingFiles())
    damaged = bytearray(batch())
    damaged[-1] ^= 1
    with pytest.raises(CorruptBatch, match="stored crc32c=0x"):
        log.append(damaged, now_ms=0)
    assert log.active_segment.byte_count == 0


def test_the_same_batch_again_gets_the_offsets_of_the_first_time_also_after_a_restart() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    sent = [batch(2, stamp=ProducerStamp(7, 0, sequence)) for sequence in range(0, 14, 2)]
    for stored in sent:
        log.append(stored, now_ms=0)
    for restart in range(2):
        for number in range(2, 7):
            again = log.append(sent[number], now_ms=0)
            assert (again.is_duplicate, again.base_offset) == (True, 2 * number), restart
        with pytest.raises(BatchRefused, match="base sequence=2, expected 14"):
            log.append(sent[1], now_ms=0)
        log.close()
        log = open_log(files, start=LogStart(is_clean=True))
    assert log.end_offset == 14


@pytest.mark.parametrize(
    ("stamp", "code"),
    [(ProducerStamp(7, 1, 4), 45), (ProducerStamp(7, 0, 2), 47), (ProducerStamp(7, 2, 1), 45)],
)
def test_a_gap_a_lower_epoch_and_a_new_epoch_not_from_0_are_refused(
    stamp: ProducerStamp, code: int
) -> None:
    log = open_log(ForgettingFiles())
    log.append(batch(2, stamp=ProducerStamp(7, 1, 0)), now_ms=0)
    with pytest.raises(BatchRefused) as refused:
        log.append(batch(stamp=stamp), now_ms=0)
    assert refused.value.error_code == code


def test_an_aborted_transaction_is_listed_and_bounds_the_last_stable_offset() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    log.append(batch(), now_ms=0)
    log.append(batch(2, stamp=ProducerStamp.transactional(9, 0, 0)), now_ms=0)
    assert log.last_stable_offset == 1
    log.append(encode_marker(Marker(MarkerKind.ABORT, 0), 1_000, 9, 0), now_ms=0)
    assert log.last_stable_offset == log.end_offset == 4
    for _ in range(2):
        (aborted,) = log.aborted_transactions(0, 4)
        assert (aborted.producer_id, aborted.first_offset, aborted.last_offset) == (9, 1, 3)
        assert log.aborted_transactions(4, 5) == []
        files.kill()
        log = open_log(files)
    assert len(files.snapshot()[f"{DIRECTORY}/{0:020d}.txnindex"]) == 34


def test_old_segments_go_by_time_up_to_the_first_that_stays() -> None:
    files = ForgettingFiles()
    config = LogConfig(segment_byte_count=100, retention_ms=50, file_delete_delay_ms=10)
    log = open_log(files, config)
    for timestamp_ms in (1_000, 1_040, 1_000, 1_100):
        log.append(batch(timestamp_ms=timestamp_ms), now_ms=0)
    assert delete_old_segments(log, now_ms=1_051) == 1
    assert (log.start_offset, len(log.segments)) == (1, 3)
    assert f"{DIRECTORY}/{0:020d}.log.deleted" in files.snapshot()
    log.tick(now_ms=1_061)
    assert f"{DIRECTORY}/{0:020d}.log.deleted" not in files.snapshot()


def test_old_segments_go_by_size_while_the_limit_is_left() -> None:
    size = len(batch())
    config = LogConfig(segment_byte_count=size, retention_byte_count=2 * size + 1)
    log = open_log(ForgettingFiles(), config)
    for _ in range(5):
        log.append(batch(), now_ms=0)
    assert delete_old_segments(log, now_ms=0) == 2
    assert log.byte_count == 3 * size


def test_nothing_above_the_high_watermark_goes_and_offsets_go_on_when_all_does() -> None:
    config = LogConfig(segment_byte_count=100, retention_ms=0)
    log = open_log(ForgettingFiles(), config)
    for _ in range(3):
        log.append(batch(), now_ms=0)
    region = log.read(0, 100).region
    assert region is not None
    assert delete_old_segments(log, now_ms=9_999, high_watermark=1) == 1
    assert delete_old_segments(log, now_ms=9_999) == 2
    assert (log.start_offset, log.end_offset, len(log.segments)) == (3, 3, 1)
    assert len(region.read()) == len(batch())
    assert log.append(batch(), now_ms=0).base_offset == 3


def test_flushes_by_count_and_by_time_and_by_default_never() -> None:
    for config, expected in (
        (LogConfig(), [0, 0, 0]),
        (LogConfig(flush_record_count=2), [0, 2, 2]),
        (LogConfig(flush_ms=10), [0, 0, 3]),
    ):
        log = open_log(ForgettingFiles(), config)
        points = []
        for now_ms in (0, 5, 10):
            log.append(batch(), now_ms=now_ms)
            points.append(log.recovery_point)
        assert points == expected


def test_damage_in_an_older_segment_is_refused_with_both_checksums_and_cut_only_on_demand() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    for _ in range(30):
        log.append(batch(), now_ms=0)
    first, second = log.segments[0], log.segments[1]
    files.kill()
    first.file.write_at(b"\xff", 88 + 40)
    before = files.snapshot()[first.file.path]
    with pytest.raises(DamagedLog, match=r"stored crc32c=0x.*computed 0x"):
        open_log(files)
    assert files.snapshot()[first.file.path] == before
    log = open_log(files, start=LogStart(on_damage=OnDamage.CUT))
    assert log.end_offset == 1
    (cut,) = log.recovery.cuts
    assert cut.was_synced
    assert cut.intact_after is not None
    assert second.file.path in log.recovery.removed


def test_missing_and_damaged_indexes_are_made_anew() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    for number in range(8):
        log.append(batch(timestamp_ms=1_000 + number), now_ms=0)
    log.close()
    whole = files.snapshot()
    for suffix in ("index", "timeindex"):
        path = f"{DIRECTORY}/{0:020d}.{suffix}"
        for damage in (b"\xff" * 24, b"odd", None):
            if damage is None:
                files.remove(path)
            else:
                files.put(path, damage)
            open_log(files, start=LogStart(is_clean=True, recovery_point=8)).close()
            assert files.snapshot()[path] == whole[path]


def test_leftovers_of_a_crash_are_swept_up() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    log.append(batch(3), now_ms=0)
    log.close()
    for name in ("9.log.deleted", "8.log.cleaned", "7.index", "6.timeindex"):
        number, suffix = name.split(".", 1)
        files.put(f"{DIRECTORY}/{int(number):020d}.{suffix}", b"")
    log = open_log(files)
    names = {path.rsplit("/", 1)[1] for path in files.snapshot()}
    assert not [
        name for name in names if name.startswith("0000000000000000000") and name[19] in "6789"
    ]
    assert offsets_at(log, 0) == [0, 1, 2]


def log_of_three_segments(files: ForgettingFiles) -> None:
    log = open_log(files)
    for _ in range(3):
        log.append(batch(3), now_ms=0)
        log.roll(now_ms=0)
    log.close()


def test_a_crash_within_a_compaction_of_several_segments_leaves_the_compacted_one() -> None:
    files = ForgettingFiles()
    log_of_three_segments(files)
    first, second = (files.snapshot()[f"{DIRECTORY}/{base:020d}.log"] for base in (0, 3))
    files.put(f"{DIRECTORY}/{0:020d}.log.swap", first + second)
    log = open_log(files)
    assert [segment.base_offset for segment in log.segments] == [0, 6, 9]
    assert offsets_at(log, 0) == [0, 1, 2, 3, 4, 5]
    assert log.end_offset == 9
    log.close()
    assert open_log(files).recovery.removed == []


def test_a_damaged_replacement_is_told_and_nothing_is_removed_for_it() -> None:
    files = ForgettingFiles()
    log_of_three_segments(files)
    before = files.snapshot()
    swap = f"{DIRECTORY}/{0:020d}.log.swap"
    files.put(swap, before[f"{DIRECTORY}/{0:020d}.log"][:-1])
    with pytest.raises(DamagedLog, match=r"log\.swap at byte 0: .* it was to replace"):
        open_log(files)
    assert files.snapshot() | before == files.snapshot()


def test_a_log_that_ends_below_its_start_is_emptied_and_goes_on_at_its_start() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    log.append(batch(3), now_ms=0)
    log.close()
    log = open_log(files, start=LogStart(start_offset=10))
    assert (log.start_offset, log.end_offset, log.byte_count) == (10, 10, 0)
    assert log.append(batch(), now_ms=0).base_offset == 10


def test_a_damaged_producer_snapshot_is_removed_and_an_older_one_used() -> None:
    files = ForgettingFiles()
    log = open_log(files)
    log.append(batch(stamp=ProducerStamp(7, 0, 0)), now_ms=0)
    log.roll(now_ms=0)
    log.append(batch(stamp=ProducerStamp(7, 0, 1)), now_ms=0)
    log.close()
    path = f"{DIRECTORY}/{2:020d}.snapshot"
    for damage in (b"", b"\x00\x02" + bytes(8), files.snapshot()[path][:-1] + b"\x00"):
        files.put(path, damage)
        log = open_log(files, start=LogStart(is_clean=True, recovery_point=2))
        assert path in log.recovery.removed
        assert log.append(batch(stamp=ProducerStamp(7, 0, 1)), now_ms=0).is_duplicate
        log.close()


def test_no_flipped_byte_and_no_cut_of_a_small_log_gives_a_wrong_record() -> None:
    files = ForgettingFiles()
    log = open_log(files, LogConfig(index_interval_byte_count=80))
    for count in (1, 3, 2):
        log.append(batch(count), now_ms=0)
    log.close()
    path = log.active_segment.file.path
    whole = files.snapshot()[path]
    expected = [(b.header.base_offset, [r.value for r in records(b)]) for b in batches(whole)]
    damages = [whole[:length] for length in range(len(whole))]
    for position in range(len(whole)):
        for bit in (0x01, 0x80):
            damages.append(
                whole[:position] + bytes([whole[position] ^ bit]) + whole[position + 1 :]
            )
    for damaged in damages:
        copy = ForgettingFiles()
        copy.put(path, damaged)
        recovered = open_log(copy)
        found = []
        if recovered.end_offset:
            region = recovered.read(recovered.start_offset, 10_000).region
            assert region is not None
            found = [
                (b.header.base_offset, [r.value for r in records(b)])
                for b in batches(region.read())
            ]
        # A flipped bit of a base offset may leave a gap, as compaction does, never a wrong value.
        assert [values for _, values in found] == [v for _, v in expected[: len(found)]]

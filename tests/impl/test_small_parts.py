"""Indexes, checkpoints, names and the sweep: the small parts of a log, each alone."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyfakefs.fake_filesystem import FakeFilesystem

from iowitness.impl.batch_format import read_header, stamp_offsets
from iowitness.impl.batch_writer import encode_batch
from iowitness.impl.checkpoint_format import encode_offsets, read_epochs, read_offsets
from iowitness.impl.errors import CheckpointError, CorruptIndex, DirectoryLocked
from iowitness.impl.leader_epochs import EpochStart, LeaderEpochs
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_files import RealFiles
from iowitness.impl.log_sweep import Removal, Replacement, swept
from iowitness.impl.offset_index import OffsetEntry, OffsetIndex
from iowitness.impl.segment import Segment
from iowitness.impl.segment_place import SegmentPlace
from iowitness.impl.time_index import TimeEntry, TimeIndex
from tests.doubles.forgetting_files import ForgettingFiles


def offset_index(entry_count: int = 4, base: int = 45) -> OffsetIndex:
    index = OffsetIndex(ForgettingFiles(), "/x.index", base)
    index.entries.reserve(8 * entry_count + 5)
    return index


def test_an_offset_index_gives_the_greatest_entry_at_or_below() -> None:
    index = offset_index()
    assert index.lookup(92) == OffsetEntry(45, 0)
    for number in range(4):
        index.append(50 + 10 * number, 100 * number)
    assert index.lookup(49) == OffsetEntry(45, 0)
    assert index.lookup(50) == OffsetEntry(50, 0)
    assert index.lookup(69) == OffsetEntry(60, 100)
    assert index.lookup(10_000) == OffsetEntry(80, 300)


def test_an_offset_index_refuses_what_does_not_rise_fit_or_hold() -> None:
    index = offset_index(2)
    index.append(50, 0)
    for offset in (50, 49, 44, 45 + 2**31):
        with pytest.raises(ValueError, match=f"offset={offset}, expected"):
            index.append(offset, 10)
    index.append(51, 10)
    with pytest.raises(ValueError, match="full with 2 entries"):
        index.append(52, 20)


def test_an_offset_index_reopens_with_its_entries_and_truncates_to_an_offset() -> None:
    files = ForgettingFiles()
    index = OffsetIndex(files, "/x.index", 0)
    index.entries.reserve(80)
    for number in range(1, 10):
        index.append(number, number)
    index.entries.trim()
    index = OffsetIndex(files, "/x.index", 0)
    assert [index.entry(number).offset for number in range(index.count)] == list(range(1, 10))
    for offset, last in ((12, 9), (10, 9), (9, 8), (5, 4), (0, 0)):
        index.truncate_to(offset)
        assert index.last_offset == last


def test_an_index_of_an_odd_size_or_with_an_impossible_end_is_corrupt() -> None:
    files = ForgettingFiles()
    files.put("/x.index", bytes(9))
    with pytest.raises(CorruptIndex, match="size=9 B"):
        OffsetIndex(files, "/x.index", 0)
    index = offset_index()
    index.append(50, 400)
    with pytest.raises(CorruptIndex, match="position=400"):
        index.check(300)


def test_a_time_index_keeps_rising_ignores_equals_and_saves_a_slot() -> None:
    index = TimeIndex(ForgettingFiles(), "/x.timeindex", 0)
    index.entries.reserve(36)
    index.append(10, 1)
    index.append(10, 2)
    assert index.count == 1
    for timestamp_ms, offset in ((9, 3), (11, 0)):
        with pytest.raises(ValueError, match="expected from"):
            index.append(timestamp_ms, offset)
    index.append(20, 5)
    with pytest.raises(ValueError, match="full with 2 entries"):
        index.append(30, 6)
    index.append_last(30, 6)
    assert index.lookup(5) == TimeEntry(-1, 0)
    assert index.lookup(29) == TimeEntry(20, 5)
    assert index.lookup(99) == TimeEntry(30, 6)
    index.truncate_to(5)
    assert index.last == TimeEntry(10, 1)


def test_a_segment_past_two_gib_or_an_offset_past_32_bits_does_not_fit() -> None:
    files = ForgettingFiles()
    place = SegmentPlace(files, "/t-0", 100, LogConfig())
    segment = Segment.create(place, 0)
    with pytest.raises(ValueError, match="expected at most 2147483647"):
        Segment(place, segment.file, 2**31, 0)
    assert segment.fits(100 + 2**31 - 1)
    assert not segment.fits(100 + 2**31)
    with pytest.raises(ValueError, match=r"size=1 B, expected 0\.\.0"):
        segment.cut(1)
    batch = bytearray(encode_batch([(5, None, b"v", ())]))
    stamp_offsets(batch, 100 + 2**31, 0)
    with pytest.raises(ValueError, match=r"offset=2147483748, expected 100\.\.2147483747"):
        segment.append(batch, [read_header(batch)])
    stamp_offsets(batch, 100, 0)
    segment.byte_count = 2**31 - 10
    with pytest.raises(ValueError, match=f"{len(batch)} B after 2147483638 B"):
        segment.append(batch, [read_header(batch)])
    assert segment.file.byte_count() == 0


CHECKPOINT_FAULTS = {
    "an unknown version": (b"7\n0\n", r"f:1: version='7'"),
    "too few lines": (b"0\n2\nt 0 5\n", r"f:2: count=2, expected 1"),
    "too many lines": (b"0\n1\nt 0 5\nt 1 5\n", r"f:2: count=1, expected 2"),
    "a count that is no number": (b"0\nx\n", r"f:2: 'x', expected a whole number"),
    "an ill-formed line": (b"0\n2\nt 0 5\nt 1\n", r"f:4: 't 1', expected 3 fields"),
    "an offset that is no number": (b"0\n1\nt 0 five\n", r"f:3: 'five', expected"),
}


@pytest.mark.parametrize("fault", CHECKPOINT_FAULTS)
def test_a_checkpoint_that_is_ill_formed_is_refused_with_the_line(fault: str) -> None:
    text, message = CHECKPOINT_FAULTS[fault]
    with pytest.raises(CheckpointError, match=message):
        read_offsets(text, "f")


@given(
    st.dictionaries(
        st.tuples(st.from_regex(r"[a-z._-]{1,9}", fullmatch=True), st.integers(0, 99)),
        st.integers(0, 2**62),
    )
)
def test_a_checkpoint_round_trips(offsets: dict[tuple[str, int], int]) -> None:
    assert read_offsets(encode_offsets(offsets), "f") == offsets


def test_epochs_rise_and_end_where_the_next_one_starts() -> None:
    epochs = LeaderEpochs(read_epochs(b"0\n3\n0 0\n2 2668\n4 2968\n", "f"))
    assert epochs.end_offset_of(0, 5_000) == EpochStart(0, 2_668)
    assert epochs.end_offset_of(3, 5_000) == EpochStart(2, 2_968)
    assert epochs.end_offset_of(4, 5_000) == EpochStart(4, 5_000)
    assert epochs.end_offset_of(5, 5_000) is None
    epochs.truncate_from_end(2_968)
    epochs.truncate_from_start(100)
    assert epochs.starts == (EpochStart(0, 100), EpochStart(2, 2_668))


def name(number: int, suffix: str) -> str:
    return f"{number:020d}{suffix}"


def test_swept_a_finished_swap_takes_its_place_and_the_old_segment_goes() -> None:
    names = [name(0, ".log"), name(0, ".index"), name(0, ".timeindex"), name(0, ".log.swap")]
    assert swept(names, {0: 10}) == [
        Removal(name(0, ".index")),
        Removal(name(0, ".log")),
        Removal(name(0, ".timeindex")),
        Replacement(name(0, ".log.swap"), name(0, ".log")),
    ]


def test_swept_a_finished_swap_stands_for_all_segments_that_it_reaches_over() -> None:
    names = [name(base, suffix) for base in (0, 10, 20, 30) for suffix in (".log", ".index")]
    swaps = [name(10, ".index.swap"), name(10, ".log.swap")]
    snapshots = [name(20, ".snapshot"), "partition.metadata"]
    assert swept([*names, *swaps, *snapshots], {10: 30}) == [
        Removal(name(10, ".index")),
        Removal(name(10, ".log")),
        Removal(name(20, ".index")),
        Removal(name(20, ".log")),
        Replacement(name(10, ".index.swap"), name(10, ".index")),
        Replacement(name(10, ".log.swap"), name(10, ".log")),
    ]


def test_swept_a_replacement_whose_log_is_in_place_already_brings_its_indexes() -> None:
    names = [name(0, ".log"), name(0, ".index.swap"), name(5, ".log")]
    assert swept(names, {}) == [Replacement(name(0, ".index.swap"), name(0, ".index"))]


def test_swept_a_swap_of_an_unfinished_split_is_dropped() -> None:
    names = [name(0, ".log"), name(0, ".log.swap"), name(0, ".log.cleaned")]
    assert swept(names, {0: 10}) == [
        Removal(name(0, ".log.cleaned")),
        Removal(name(0, ".log.swap")),
    ]


def test_swept_other_files_are_left_alone() -> None:
    names = ["partition.metadata", "leader-epoch-checkpoint", name(5, ".snapshot"), name(5, ".log")]
    assert swept(names, {}) == []


def test_the_sweep_on_a_faked_file_system(
    fs: FakeFilesystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_faked(*_: object) -> int:
        raise AssertionError("a positional call on a faked descriptor would reach a real file")

    for call in ("pread", "pwrite", "preadv", "pwritev"):
        monkeypatch.setattr(os, call, not_faked)
    files = RealFiles()
    for leftover in (name(0, ".log"), name(3, ".index"), name(9, ".log.deleted")):
        fs.create_file(f"/t-0/{leftover}")
    for step in swept(files.names("/t-0"), {}):
        assert isinstance(step, Removal)
        files.remove(f"/t-0/{step.name}")
    assert files.names("/t-0") == [name(0, ".log")]


def test_a_directory_is_locked_once(tmp_path: Path) -> None:
    files = RealFiles()
    lock = files.lock(str(tmp_path / ".lock"))
    with pytest.raises(DirectoryLocked, match="this process"):
        files.lock(str(tmp_path / ".lock"))
    lock.release()
    files.lock(str(tmp_path / ".lock")).release()


@pytest.mark.parametrize("wrong", [{"segment_byte_count": 60}, {"segment_ms": 0}, {"flush_ms": -1}])
def test_a_setting_that_cannot_be_is_refused_by_its_name(wrong: dict[str, int]) -> None:
    (setting,) = wrong
    with pytest.raises(ValueError, match=f"{setting}="):
        LogConfig(**wrong)  # type: ignore[arg-type]

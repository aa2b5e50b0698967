"""The recordings that come with the repository: every line read, and what is true of them."""

import lzma
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from iowitness.traces.events import Mapped, Read, Renamed, Sent, Synced, Transferred, Written
from iowitness.traces.fast_lines import FastLines
from iowitness.traces.history import History
from iowitness.traces.strace_events import StraceReader
from iowitness.traces.strace_history import read_history

FOLDER = Path(__file__).parents[2] / "traces" / "recorded"
NAMES = sorted(path.name.partition(".")[0] for path in FOLDER.glob("*.strace.xz"))
PLAIN_LOG = "/srv/ref/data/plain-0/{:020d}.log"


@cache
def recorded(name: str) -> History:
    return read_history(FOLDER / f"{name}.strace.xz")


def lines_of(name: str) -> list[bytes]:
    return lzma.open(FOLDER / f"{name}.strace.xz").read().splitlines()


def written(history: History) -> dict[str, list[Written]]:
    by_path: dict[str, list[Written]] = defaultdict(list)
    for event in history.of_kind(Written):
        by_path[event.file.path].append(event)
    return by_path


def is_consecutive(writes: list[Written]) -> bool:
    return all(
        before.offset is not None and before.offset + before.byte_count == after.offset
        for before, after in pairwise(writes)
    )


def test_there_are_five_recordings() -> None:
    assert len(NAMES) == 5


@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_accounted_for_and_nothing_is_missing(name: str) -> None:
    provenance = recorded(name).provenance
    lines = lines_of(name)
    assert sum(provenance.line_counts.values()) == len(lines)
    assert provenance.gaps == ()
    calls = sum(b"(" in line and b"unfinished ...>" not in line[-20:] for line in lines)
    said = provenance.line_counts
    assert sum(provenance.call_counts.values()) == said["call"] + said.get("resumed", 0)
    assert calls >= said["call"]


@pytest.mark.parametrize("name", NAMES)
def test_the_fast_way_and_the_complete_one_read_the_same(name: str) -> None:
    lines = lines_of(name)
    complete, quick = StraceReader(), StraceReader()
    for line in lines:
        complete.read(line)
    FastLines(quick).read(lines)
    for reader in (complete, quick):
        reader.finish()
    assert quick.world.out == complete.world.out
    assert quick.line_counts == complete.line_counts
    assert quick.call_counts == complete.call_counts


def test_kafka_appends_to_three_segments() -> None:
    writes = written(recorded("kafka43"))
    sizes = {}
    for base_offset in (0, 38039, 76075):
        of_segment = writes[PLAIN_LOG.format(base_offset)]
        assert of_segment[0].offset == 0
        assert is_consecutive(of_segment)
        sizes[base_offset] = sum(event.byte_count for event in of_segment)
    assert sizes == {0: 4_183_699, 38039: 4_183_189, 76075: 2_631_264}


def test_kafka_sends_fetched_batches_by_sendfile() -> None:
    transfers = list(recorded("kafka43").of_kind(Transferred))
    assert {event.call for event in transfers} == {"sendfile"}
    assert sum(event.byte_count for event in transfers) == 11_830_182
    assert any(event.resumed_line for event in transfers)


def test_kafka_writes_its_indexes_through_shared_mappings() -> None:
    mapped = Counter(
        event.file.path.rpartition(".")[2]
        for event in recorded("kafka43").of_kind(Mapped)
        if event.shared and event.writable and "/data/" in event.file.path
    )
    assert mapped == {"index": 11, "timeindex": 11}


def test_kafka_is_one_process_of_many_named_threads() -> None:
    history = recorded("kafka43")
    assert {event.process_id for event in history} == {10130}
    assert len({event.thread_id for event in history}) == 111


def test_nginx_with_sendfile_reads_no_payload() -> None:
    history = recorded("nginx-sendfile-on")
    assert sum(event.byte_count for event in history.of_kind(Transferred)) == 3 * (8 << 20) + 9_000
    assert not [event for event in history.of_kind(Read) if "/www/" in event.file.path]


def test_nginx_without_sendfile_copies_all_payload() -> None:
    history = recorded("nginx-sendfile-off")
    payload = 3 * (8 << 20) + 9_000
    read = [event for event in history.of_kind(Read) if "/www/" in event.file.path]
    assert sum(event.byte_count for event in read) == payload
    assert sum(event.byte_count for event in history.of_kind(Sent)) > payload
    assert not list(history.of_kind(Transferred))


def test_redis_appends_and_syncs_after_each_write() -> None:
    history = recorded("redis-aof-always")
    path = "/srv/ref/rd/appendonlydir/appendonly.aof.1.incr.aof"
    writes = written(history)[path]
    assert len(writes) == 801
    assert writes[0].offset == 0
    assert all(event.append for event in writes)
    assert is_consecutive(writes)
    of_file = [
        type(event).__name__
        for event in history
        if isinstance(event, Written | Synced) and event.file and event.file.path == path
    ]
    assert all("Synced" in pair for pair in pairwise(of_file))


def test_redis_renames_what_it_rewrote() -> None:
    names = [
        (event.old_path, event.new_path)
        for event in recorded("redis-aof-always").of_kind(Renamed)
        if event.file is not None
    ]
    assert (
        "/srv/ref/rd/temp-rewriteaof-bg-10606.aof",
        "/srv/ref/rd/appendonlydir/appendonly.aof.2.base.rdb",
    ) in names


def test_sqlite_appends_frames_to_its_wal() -> None:
    writes = written(recorded("sqlite-wal"))["/srv/ref/sq-wal.db-wal"]
    assert [(each.offset, each.byte_count) for each in writes[:3]] == [
        (0, 32),
        (32, 24),
        (56, 4096),
    ]
    assert {each.call for each in writes} == {"pwrite64"}

"""Events become micro-operations; what a trace does not tell is an error with its line."""

import pytest

from iowitness.crash.errors import CrashError
from iowitness.crash.from_history import recording_of
from iowitness.crash.operations import (
    AddEntry,
    FailedSync,
    Grow,
    Heard,
    MoveEntry,
    OpenBytes,
    Operation,
    RemoveEntry,
    Said,
    SetSize,
    SettledBytes,
    SyncFile,
    SyncFolder,
    WriteBlock,
)
from iowitness.traces.events import Allocated, DirectoryMade, File, Linked, Pipe, Unmapped
from tests.doubles.hand_written import HandWritten

ROOT = "/data"
LOG = File(1, "/data/log")
OTHER = File(2, "/elsewhere/log")
FOLDER = File(3, "/data")


def operations(trace: HandWritten, **given: dict[str, bytes]) -> list[Operation]:
    return list(recording_of(trace.history(data_is_visible=True), ROOT, **given).operations)


def made(trace: HandWritten, file: File = LOG) -> None:
    trace.opened(file, created=True)


def test_a_new_file_is_a_name_and_a_write_is_blocks_and_growth() -> None:
    trace = HandWritten()
    made(trace)
    trace.written(4_000, 200, LOG, data=b"x" * 200)
    assert operations(trace) == [
        AddEntry(1, 0, "log", 1),
        SetSize(2, 1, 4_000),  # the hole before it
        WriteBlock(2, 1, 4_000, b"x" * 96),
        Grow(2, 1, 4_096),
        WriteBlock(2, 1, 4_096, b"x" * 104),
        Grow(2, 1, 4_200),
    ]


def test_writing_over_what_is_there_grows_nothing() -> None:
    trace = HandWritten()
    made(trace)
    for _ in range(2):
        trace.written(0, 3, LOG, data=b"abc")
    assert operations(trace)[-1] == WriteBlock(3, 1, 0, b"abc")


def test_a_sync_covers_what_had_ended_when_it_began() -> None:
    trace = HandWritten()
    made(trace)
    trace.written(0, 1, LOG, data=b"a")
    trace.written(1, 1, LOG, data=b"b", start_ns=30, end_ns=45)
    trace.synced(LOG, start_ns=40, end_ns=50)
    assert operations(trace)[-1] == SyncFile(4, 1, 3)


def test_a_folders_sync_is_one_of_its_names() -> None:
    trace = HandWritten()
    made(trace)
    trace.synced(FOLDER)
    assert operations(trace)[-1] == SyncFolder(2, 0, 1)


def test_a_failed_sync_is_remembered_and_an_interrupted_one_is_not() -> None:
    trace = HandWritten()
    made(trace)
    trace.synced(LOG, error="EIO")
    trace.synced(LOG, error="EINTR")
    assert operations(trace)[1:] == [FailedSync(2, 1)]


def test_names_move_go_and_come_again_as_other_files() -> None:
    trace = HandWritten()
    made(trace)
    trace.renamed(LOG, "/data/log", "/data/old")
    trace.unlinked(LOG, "/data/old")
    made(trace, File(9, "/data/log"))
    assert operations(trace)[1:] == [
        MoveEntry(2, 0, "log", 0, "old", 1, replaces=False),
        RemoveEntry(3, 0, "old"),
        AddEntry(4, 0, "log", 2),
    ]


def test_folders_and_links_are_names_too() -> None:
    trace = HandWritten()
    trace.add(DirectoryMade, "mkdir", path="/data/sub")
    made(trace, File(5, "/data/sub/a"))
    trace.add(Linked, "link", file=None, target_path="/data/sub/a", new_path="/data/b")
    trace.add(Linked, "symlink", file=None, target_path="sub/a", new_path="/data/c", symbolic=True)
    assert operations(trace) == [
        AddEntry(1, 0, "sub", 1, is_folder=True),
        AddEntry(2, 1, "a", 2),
        AddEntry(3, 0, "b", 2),
        AddEntry(4, 0, "c", 3, link_target="sub/a"),
    ]


def test_a_writable_shared_mapping_opens_bytes_until_its_last_part_is_gone() -> None:
    trace = HandWritten()
    made(trace)
    trace.mapped(LOG, address=4_096, offset=0, byte_count=8_192, writable=True, shared=True)
    for address in (4_096, 8_192):
        trace.add(Unmapped, "munmap", file=LOG, address=address, byte_count=4_096)
    assert operations(trace)[1:] == [OpenBytes(2, 1, 0, 8_192), SettledBytes(4, 1)]


def test_a_synchronous_file_is_durable_after_each_write() -> None:
    trace = HandWritten()
    trace.opened(LOG, created=True, synchronous=True)
    trace.written(0, 1, LOG, data=b"a")
    assert operations(trace)[-1] == SyncFile(2, 1, 3)


def test_what_leaves_the_traced_processes_is_said_and_inner_pipes_are_not() -> None:
    inner, outer = Pipe(1), Pipe(2)
    trace = HandWritten()
    made(trace)
    trace.sent(2, channel=inner, data=b"in")
    trace.received(2, channel=inner, data=b"in")
    trace.sent(3, channel=outer, data=b"out")
    trace.written(None, 4, OTHER, data=b"file")
    said = [one for one in operations(trace) if isinstance(one, Said | Heard)]
    assert [(one.channel, one.data) for one in said] == [
        ("pipe 2", b"out"),
        ("/elsewhere/log", b"file"),
    ]


def test_files_of_before_are_taken_from_the_folder_of_before() -> None:
    trace = HandWritten()
    trace.opened(LOG)
    trace.written(1, 2, LOG, data=b"xy")
    recording = recording_of(
        trace.history(data_is_visible=True), ROOT, initial={"log": b"ab", "sub/": b""}
    )
    assert recording.initial_contents == {1: b"ab"}
    assert [name for _, name, _, _ in recording.initial_names] == ["log", "sub"]
    assert Grow(2, 1, 3) in recording.operations


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda t: t.written(0, 3, LOG, data=b"ab"), r"line 2: data=2 B of a write of 3 B"),
        (lambda t: t.written(None, 3, LOG, data=b"abc"), "line 2: it is not known where"),
        (lambda t: t.opened(File(7, "/data/before")), "line 2: /data/before was there before"),
        (lambda t: t.unlinked(None, "/data/before"), "line 2: /data/before was there before"),
        (lambda t: t.renamed(LOG, "/data/log", "/out/log"), "line 2: rename of /data/log"),
        (
            lambda t: t.transferred(0, 5, OTHER, destination=LOG),
            "line 2: sendfile into /data/log",
        ),
        (
            lambda t: t.add(
                Allocated,
                "fallocate",
                file=LOG,
                offset=0,
                byte_count=9,
                mode="FALLOC_FL_PUNCH_HOLE",
            ),
            "line 2: fallocate mode=FALLOC_FL_PUNCH_HOLE",
        ),
        (lambda t: t.unverifiable(), "line 2: .*what it wrote is not in the trace"),
    ],
)
def test_what_cannot_be_known_is_an_error_with_its_line(spoil: object, told: str) -> None:
    trace = HandWritten()
    made(trace)
    spoil(trace)  # type: ignore[operator]
    with pytest.raises(CrashError, match=told):
        operations(trace)


def test_a_trace_without_bytes_is_refused_with_how_to_get_them() -> None:
    trace = HandWritten()
    made(trace)
    with pytest.raises(CrashError, match="--content"):
        recording_of(trace.history(), ROOT)

"""Histories written and read back."""

import gzip
import os
from pathlib import Path

import pytest
from msgspec import structs

from iowitness.traces.events import File, Marked, Read, Socket, Transferred, Written
from iowitness.traces.history import Gap, History, Provenance
from iowitness.traces.history_file import read_history_file, write_history
from iowitness.traces.trace_error import TraceError

AT = {"start_ns": 1, "end_ns": 2, "process_id": 3, "thread_id": 4}
LOG = File(1, "/d/ä\n")
HISTORY = History(
    events=(
        Written(**AT, call="write", file=LOG, offset=0, byte_count=3, requested_byte_count=3,
                data=b"\0\xffa"),
        Read(**AT, call="read", file=LOG, offset=None, byte_count=0, requested_byte_count=9,
             error="EIO"),
        Transferred(**AT, call="sendfile", source=LOG, offset=0, destination=Socket(2, "TCP"),
                    destination_offset=None, byte_count=1, requested_byte_count=1),
        Marked(**AT, call="write", verb="begin", name="x"),
    ),
    visible_kinds=frozenset({"Written", "Read"}),
    data_is_visible=True,
    provenance=Provenance(
        source="strace", program=("a", "b"), gaps=(Gap(reason="cut", line=3),),
        line_counts={"call": 4}, call_counts={"write": 2},
    ),
)  # fmt: skip


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_a_history_is_read_back_equal(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"h.jsonl{ending}"
    write_history(HISTORY, path)
    assert read_history_file(path) == HISTORY


def test_names_that_are_no_utf_8_are_read_back_equal(tmp_path: Path) -> None:
    name = os.fsdecode(b"/d/\xff\xed\xa0\x80")
    history = structs.replace(
        HISTORY,
        events=(
            Written(**AT, call="write", file=File(1, name), offset=0, byte_count=2,
                    requested_byte_count=2, data=b"\xff\0"),
            *HISTORY.events,
        ),
        provenance=structs.replace(HISTORY.provenance, program=("cat", name), raw_files=(name,)),
    )  # fmt: skip
    path = tmp_path / "h.jsonl"
    write_history(history, path)
    path.read_text(encoding="utf-8")
    read = read_history_file(path)
    assert read == history
    assert os.fsencode(read.provenance.program[1]) == b"/d/\xff\xed\xa0\x80"


def test_a_history_is_written_to_the_same_bytes_at_any_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "h.jsonl.gz"
    written = []
    for now in (1e9, 2e9):
        monkeypatch.setattr("time.time", lambda now=now: now)
        write_history(HISTORY, path)
        written.append(path.read_bytes())
    assert written[0] == written[1]


def test_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    path.write_bytes(b'{"format":"iowitness-history","version":99}\n')
    with pytest.raises(TraceError, match=r"h\.jsonl:1: .*version=99, expected .*version=1"):
        read_history_file(path)


def test_a_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    write_history(HISTORY, path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(TraceError, match=r":5: events=3, expected 4"):
        read_history_file(path)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl.gz"
    write_history(HISTORY, path)
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    lines[2] = b'{"kind":"Unheard"}\n'
    path.write_bytes(gzip.compress(b"".join(lines)))
    with pytest.raises(TraceError, match=r":3: .*expected an event"):
        read_history_file(path)


def test_what_is_no_history_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    for content in (b"", b"\xff\xfe\0", b"[]\n", b"1 getpid() = 1\n"):
        path.write_bytes(content)
        with pytest.raises(TraceError, match="head of a history file"):
            read_history_file(path)

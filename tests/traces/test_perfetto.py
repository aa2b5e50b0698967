"""The Chrome trace of a history."""

import gzip
import json
from pathlib import Path

import pytest

from iowitness.traces.events import File, Marked, ThreadNamed, Written
from iowitness.traces.history import constructed
from iowitness.traces.perfetto import write_perfetto


def test_slices_have_thread_names_files_and_bytes(tmp_path: Path) -> None:
    at = {"process_id": 1, "thread_id": 2}
    history = constructed(
        [
            ThreadNamed(**at, start_ns=5_000, end_ns=5_500, call="prctl", name="sender"),
            Written(
                **at,
                start_ns=6_001,
                end_ns=7_001,
                call="write",
                line=9,
                file=File(1, "/d/a"),
                offset=4,
                byte_count=3,
                requested_byte_count=3,
            ),
            Marked(**at, start_ns=8_000, end_ns=8_000, call="write", verb="begin", name="x"),
        ]
    )
    path = tmp_path / "t.json.gz"
    write_perfetto(history, path)
    rows = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
    assert rows[0] == {
        "ph": "M", "name": "thread_name", "pid": 1, "tid": 2, "args": {"name": "sender"},
    }  # fmt: skip
    write = next(row for row in rows if row["name"] == "write")
    assert (write["ts"], write["dur"], write["cat"]) == (1.001, 1.0, "Written")
    assert write["args"] == {
        "file": "/d/a", "offset": 4, "byte_count": 3, "requested_byte_count": 3, "line": 9,
    }  # fmt: skip
    assert rows[-1]["name"] == "begin x"


def test_a_trace_is_written_to_the_same_bytes_at_any_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = constructed(
        [ThreadNamed(process_id=1, thread_id=2, start_ns=5, end_ns=6, call="prctl", name="a\udcff")]
    )
    written = []
    for now in (1e9, 2e9):
        monkeypatch.setattr("time.time", lambda now=now: now)
        write_perfetto(history, tmp_path / "p.json.gz")
        written.append((tmp_path / "p.json.gz").read_bytes())
    assert written[0] == written[1]
    assert json.loads(gzip.decompress(written[0]))["traceEvents"][0]["args"]["name"] == "a\udcff"

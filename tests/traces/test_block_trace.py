"""Block requests, from tracefs's text and from a real device."""

import os
from pathlib import Path

import pytest

from iowitness.traces.block_lines import lost_count, read_block_line
from iowitness.traces.block_trace import BlockTrace, BlockTraceUnavailable, merged, why_unavailable
from iowitness.traces.events import BlockIssued, File, Written
from iowitness.traces.history import History, constructed
from iowitness.traces.trace_error import TraceError

LINE = (
    b" kworker/u8:1-e-1234  [001] d..2.  5.000123: block_rq_issue: 254,0 WS 8192 () "
    b"2048 + 16 none,0,0 [kworker/u8:1]\n"
)


def test_a_line_of_tracefs_is_a_request_on_the_calls_clock() -> None:
    assert read_block_line(LINE, 1_000) == BlockIssued(
        start_ns=5_000_124_000, end_ns=5_000_124_000, process_id=1234, thread_id=1234,
        call="block_rq_issue", device="254:0", sector=2048, sector_count=16, operation="write",
        command="kworker/u8:1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "operation"),
    [(b"R", "read"), (b"RA", "read"), (b"FWS", "write"), (b"FF", "flush"), (b"D", "discard"),
     (b"WFS", "write")],
)  # fmt: skip
def test_the_letters_tell_the_operation(flags: bytes, operation: str) -> None:
    event = read_block_line(LINE.replace(b" WS ", b" " + flags + b" "), 0)
    assert event is not None
    assert event.operation == operation


def test_comments_are_no_requests_and_losses_are_counted() -> None:
    assert read_block_line(b"# tracer: nop\n", 0) is None
    assert lost_count(b"CPU:1 [LOST 42 EVENTS]\n") == 42
    assert lost_count(LINE) == 0


def test_another_event_is_refused() -> None:
    with pytest.raises(TraceError, match="expected a block_rq_issue"):
        read_block_line(b"x-1 [000] .... 1.0: sched_switch: a\n", 0)


def test_without_root_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "expected root" in why_unavailable(Path("/"))
    with pytest.raises(BlockTraceUnavailable, match="uid=1000"), BlockTrace(Path("/")):
        pass


def test_calls_and_requests_merge_by_time() -> None:
    at = {"process_id": 1, "thread_id": 1, "call": "write"}
    write = Written(**at, start_ns=1, end_ns=9_000_000_000, file=File(1, "/a"), offset=0,
                    byte_count=1, requested_byte_count=1)  # fmt: skip
    block = read_block_line(LINE, 0)
    assert block is not None
    both = merged(
        constructed([write]),
        History(events=(block,), visible_kinds=frozenset({"BlockIssued"})),
    )
    assert both.events == (block, write)
    assert "BlockIssued" in both.visible_kinds


@pytest.mark.root
def test_synced_writes_reach_the_device_under_the_folder(tmp_path: Path) -> None:
    missing = why_unavailable(tmp_path)
    if missing:
        pytest.skip(missing)
    with BlockTrace(tmp_path) as traced:
        descriptor = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
        os.write(descriptor, os.urandom(1 << 20))
        os.fsync(descriptor)
        os.close(descriptor)
    history = traced.history()
    writes = [event for event in history.of_kind(BlockIssued) if event.operation == "write"]
    assert sum(event.sector_count for event in writes) * 512 >= 1 << 20
    device = os.stat(tmp_path).st_dev
    assert {event.device for event in writes} == {f"{os.major(device)}:{os.minor(device)}"}

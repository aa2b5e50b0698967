"""Figures by file and thread."""

from pathlib import Path

import pytest

from iowitness.traces.events import File, Read, ThreadNamed, Written
from iowitness.traces.strace_history import stream
from iowitness.traces.summary import summarized

RECORDED = Path(__file__).parents[2] / "traces" / "recorded"
LOG = File(1, "/d/log")


def write(offset: int | None, count: int, thread_id: int = 1) -> Written:
    return Written(
        start_ns=0, end_ns=10, process_id=1, thread_id=thread_id, call="write", file=LOG,
        offset=offset, byte_count=count, requested_byte_count=count,
    )  # fmt: skip


def test_a_write_after_a_gap_is_not_sequential() -> None:
    summary = summarized([write(0, 4), write(4, 4), write(9, 1), write(10, 2)])
    figures = summary.files[1]
    assert (figures.writes, figures.written_byte_count) == (4, 11)
    assert figures.sequential_share == pytest.approx(2 / 3)


def test_an_unknown_offset_is_neither() -> None:
    assert summarized([write(None, 4), write(4, 4)]).files[1].sequential_share is None


def test_threads_have_names_bytes_and_time() -> None:
    at = {"start_ns": 0, "end_ns": 5, "process_id": 1, "thread_id": 2}
    summary = summarized(
        [
            ThreadNamed(**at, call="prctl", name="sender"),
            Read(**at, call="read", file=LOG, offset=0, byte_count=7, requested_byte_count=9),
            write(0, 4, thread_id=3),
        ]
    )
    sender = summary.threads[1, 2]
    assert (sender.name, sender.read_byte_count, sender.in_calls_ns) == ("sender", 7, 10)
    assert summary.threads[1, 3].written_byte_count == 4


def test_kafka_s_segments_are_all_sequential() -> None:
    summary = summarized(stream(RECORDED / "kafka43.strace.xz"))
    segments = [each for each in summary.files.values() if "/plain-0/" in each.path
                and each.path.endswith(".log")]  # fmt: skip
    assert [each.sequential_share for each in segments] == [1.0, 1.0, 1.0]
    assert sum(each.transferred_byte_count for each in segments) > 10_000_000

"""Malformed, truncated and binary files: an error with file and line, and no other."""

import gzip
import lzma
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iowitness.traces.strace_history import read_history
from iowitness.traces.trace_error import TraceError
from tests.strategies.traces_rendering import DrawnTrace, traces

RECORDED = Path(__file__).parents[2] / "traces" / "recorded"
SAMPLE = lzma.decompress((RECORDED / "nginx-sendfile-on.strace.xz").read_bytes())
NASTY = st.sampled_from(
    [b'"', b"\\", b"<", b">", b"(", b")", b"[", b"{", b"}", b", ", b" = ", b" <unfinished ...>",
     b"<... read resumed>", b"\xff", b"\0", b"NULL", b"0x", b"-1", b"=>", b"/*", b"\n", b"?",
     b"99999999999999999999", b" resumed>", b"+++ exited with 0 +++", b"=", b"|", b"\\x4"]
)  # fmt: skip


def read_or_refuse(lines: list[bytes]) -> None:
    """Whatever is in the lines: either a history that accounts for all, or a TraceError."""
    refused: TraceError | None = None
    counted = 0
    try:
        counted = sum(read_history(lines).provenance.line_counts.values())
    except TraceError as error:
        refused = error
    if refused is None:
        assert counted == len(lines)
    else:
        assert refused.file == "<lines>"
        assert 1 <= refused.line <= len(lines)


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_binary_lines_are_read_or_refused(lines: list[bytes]) -> None:
    joined = b"\n".join(lines) + b"\n"
    read_or_refuse(joined.splitlines(keepends=True) if b"\r" not in joined else [joined])


@given(traces(), st.data())
def test_a_damaged_line_is_read_or_refused(trace: DrawnTrace, data: st.DataObject) -> None:
    lines = [line + b"\n" for line in trace.lines]
    index = data.draw(st.integers(0, len(lines) - 1))
    line = lines[index][:-1]
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, min(len(line), start + 10)))
    put = data.draw(NASTY).replace(b"\n", b"")
    lines[index] = line[:start] + put + line[end:] + b"\n"
    read_or_refuse(lines)


@given(traces(), st.data())
def test_a_trace_cut_anywhere_is_read_with_a_gap_or_refused(
    trace: DrawnTrace, data: st.DataObject
) -> None:
    whole = b"".join(line + b"\n" for line in trace.lines)
    cut = data.draw(st.integers(1, len(whole)))
    read_or_refuse(whole[:cut].splitlines(keepends=True))


@given(st.integers(0, len(SAMPLE) - 1), NASTY)
@example(0, b"\n")
def test_a_recording_with_one_damage_is_read_or_refused(place: int, put: bytes) -> None:
    start = SAMPLE.rfind(b"\n", 0, place) + 1
    context = SAMPLE[max(0, start - 4000) : place] + put + SAMPLE[place + 1 : place + 3000]
    read_or_refuse(context.partition(b"\n")[2].splitlines(keepends=True))


@pytest.mark.parametrize(
    "content",
    [
        b"\x7fELF\x02\x01\x01" + bytes(1000),
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        b"%PDF-1.4\n",
        b"hello world\n",
        b"{}\n",
        b"10 1.000000 read(3</a>, " + b'"' * 9 + b"\n1 x\n",
        gzip.compress(SAMPLE)[:-20],
        lzma.compress(SAMPLE)[:-20],
        b"\x28\xb5\x2f\xfd" + bytes(20),
    ],
)
def test_a_file_of_another_kind_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.strace"
    path.write_bytes(content)
    with pytest.raises(TraceError, match=r"file\.strace"):
        read_history(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"gone\.strace: cannot be read"):
        read_history(tmp_path / "gone.strace")


def test_an_endless_line_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "endless.strace"
    with lzma.open(path, "wb", preset=0) as file:
        for _ in range(90):
            file.write(b"a" * (1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(TraceError, match="expected at most 67108864 B"):
            read_history(path)
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "line",
    [b"-" * 200_000 + b"x", b" " * 200_000 + b"a", b" /" + b" " * 200_000, b"1 " * 100_000,
     b"7 1700000000.000000 read(" + b"[" * 200_000,
     b'7 1700000000.000000 read("' + b'\\"' * 100_000,
     b"7 1700000000.000000 f(" + b"1 /* A|" * 30_000 + b") = 0 <0.000001>",
     b"7 1700000000.000000 f(" + b"<" * 100_000 + b") = 0 <0.000001>",
     b"7 1700000000.000000 f(" + b"1<a->" * 40_000 + b") = 0 <0.000001>",
     b"7 1700000000.000000 f(" + b"3</a>" * 40_000 + b') = 0 "',
     b"--- SIGHUP {" + b"}" * 200_000],
)  # fmt: skip
def test_a_long_odd_line_takes_no_longer_than_its_length(line: bytes) -> None:
    read_or_refuse([b"7 1700000000.000000 getpid() = 7 <0.000001>\n", line + b"\n"])


def test_an_empty_file_is_an_empty_history(tmp_path: Path) -> None:
    path = tmp_path / "empty.strace"
    path.write_bytes(b"")
    assert len(read_history(path)) == 0


def test_a_frequent_call_without_its_arguments_is_refused() -> None:
    lines = [b"1 1700000000.000000 getpid() = 1 <0.000001>\n",
             b"1 1700000000.000001 pread64(3</a>) = 1 <0.000001>\n"]  # fmt: skip
    with pytest.raises(TraceError, match="<lines>:2: "):
        read_history(lines)

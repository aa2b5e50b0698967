"""Drawn programs, rendered as strace would, come back as the events that they were."""

from hypothesis import given
from hypothesis import strategies as st

from iowitness.traces.events import AnyEvent
from iowitness.traces.fast_lines import FastLines
from iowitness.traces.strace_events import StraceReader
from iowitness.traces.strace_history import read_history
from tests.strategies.traces_rendering import DrawnTrace, Form, traces, with_plain_ids

FAST_FORMS = st.builds(
    Form,
    decorated=st.just(value=True),
    fraction_digits=st.sampled_from([6, 9]),
    content_byte_count=st.sampled_from([8, 32, 100]),
)


@given(traces())
def test_a_rendered_trace_comes_back_equal(trace: DrawnTrace) -> None:
    history = read_history([line + b"\n" for line in trace.lines])
    assert with_plain_ids(history.events) == with_plain_ids(trace.events)
    assert sum(history.provenance.line_counts.values()) == len(trace.lines)
    assert all("still run" in gap.reason or "follow" in gap.reason
               for gap in history.provenance.gaps)  # fmt: skip


@given(traces(FAST_FORMS))
def test_the_fast_way_and_the_complete_one_read_the_same(trace: DrawnTrace) -> None:
    complete, quick = StraceReader(), StraceReader()
    for line in trace.lines:
        complete.read(line)
    FastLines(quick).read(trace.lines)
    for reader in (complete, quick):
        reader.finish()
    assert quick.world.out == complete.world.out
    assert quick.world.gaps == complete.world.gaps
    assert quick.line_counts == complete.line_counts
    assert quick.call_counts == complete.call_counts


NASTY = st.sampled_from(
    [b'"', b"\\", b"<", b">", b"(", b")", b"[", b"{", b", ", b",", b"  ", b"\t", b"\r", b" = ",
     b"_", b"-", b"+", b"0", b"0x", b"NULL", b".", b"...", b" <unfinished ...>", b"/* A */",
     b"1 /* A */", b"?",
     b"/../", b"//", b"\xff", b"(deleted)", b" (INJECTED)", b"=> [1]", b"\\x41", b"|"]
)  # fmt: skip


def outcome(lines: list[bytes], *, quickly: bool) -> tuple[list[AnyEvent], object, int]:
    """The events, the accounts, and the line that was refused (0 for none)."""
    reader = StraceReader()
    quick = FastLines(reader)
    try:
        if quickly:
            quick.read(lines)
        else:
            for line in lines:
                reader.read(line)
    except (ValueError, KeyError, IndexError):
        return [], None, reader.line_count
    return reader.events(), (reader.line_counts, reader.call_counts, reader.world.gaps), 0


@given(traces(FAST_FORMS), st.data())
def test_both_ways_make_the_same_of_damaged_lines(trace: DrawnTrace, data: st.DataObject) -> None:
    lines = list(trace.lines)
    for _ in range(data.draw(st.integers(1, 3))):
        index = data.draw(st.integers(0, len(lines) - 1))
        line = lines[index]
        start = data.draw(st.integers(0, len(line)))
        end = data.draw(st.integers(start, min(len(line), start + 4)))
        lines[index] = line[:start] + data.draw(NASTY | st.just(b"")) + line[end:]
    assert outcome(lines, quickly=True) == outcome(lines, quickly=False)

"""Drawn programs, rendered as strace would, come back as the events that they were."""

from hypothesis import given
from hypothesis import strategies as st

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

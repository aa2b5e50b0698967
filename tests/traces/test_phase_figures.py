"""Phases of a trace in figures."""

from iowitness.traces.events import File, Marked, Read, Waited, Written
from iowitness.traces.summary import summarized

WHO = {"process_id": 1, "thread_id": 1}


def mark(verb: str, name: str, now_ns: int) -> Marked:
    return Marked(**WHO, start_ns=now_ns, end_ns=now_ns, call="write", verb=verb, name=name)


def write(now_ns: int, count: int) -> Written:
    return Written(**WHO, start_ns=now_ns, end_ns=now_ns + 5, call="write", file=File(1, "/a"),
                   offset=0, byte_count=count, requested_byte_count=count)  # fmt: skip


def test_a_phase_counts_what_ends_within_it_and_may_come_again() -> None:
    events = [
        write(0, 1),
        mark("begin", "load", 10),
        write(20, 2),
        mark("end", "load", 40),
        write(50, 4),
        mark("begin", "load", 60),
        write(70, 8),
        mark("end", "load", 80),
    ]
    (load,) = summarized(events).phases.figures.values()
    assert (load.times, load.calls, load.written_byte_count) == (2, 2, 10)
    assert load.lasted_ns == 30 + 20


def test_phases_may_overlap_and_one_that_never_ends_lasts_to_the_last_event() -> None:
    read = Read(**WHO, start_ns=35, end_ns=45, call="read", file=File(1, "/a"), offset=0,
                byte_count=3, requested_byte_count=3, error=None)  # fmt: skip
    wait = Waited(**WHO, start_ns=50, end_ns=90, call="futex")
    events = [mark("begin", "a", 10), mark("begin", "b", 30), read, mark("end", "a", 60), wait]
    phases = summarized(events).phases.figures
    assert [each.name for each in phases.values()] == ["a", "b"]
    assert (phases["a"].lasted_ns, phases["a"].read_byte_count) == (50, 3)
    assert (phases["b"].lasted_ns, phases["b"].calls) == (60, 2)


def test_an_end_without_a_beginning_is_no_phase() -> None:
    assert not summarized([mark("end", "a", 10)]).phases.figures

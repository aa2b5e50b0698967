from iowitness.report.phases import Phase, phases
from iowitness.report.thread_labels import thread_labels
from iowitness.traces.events import Executed, Marked, ThreadNamed, ThreadStarted, Waited
from iowitness.traces.history import constructed
from tests.strategies.report_histories import Conduct, observed_history


def test_a_second_process_of_a_role_is_numbered_and_threads_have_names() -> None:
    labels = thread_labels(observed_history(Conduct()))
    assert [label.text for label in labels.values()] == [
        "driver · main",
        "broker · main",
        "broker · network",
        "producer · main",
        "producer · thread 2",
        "broker 2 · main",
        "broker 2 · network",
        "consumer · main",
    ]


def test_a_process_without_a_role_has_its_programs_name_and_a_fork_its_parents() -> None:
    moment = {"start_ns": 1, "end_ns": 2, "call": "x"}
    history = constructed(
        [
            Executed(process_id=7, thread_id=7, path="/usr/sbin/nginx", **moment),
            ThreadStarted(
                process_id=7, thread_id=7, started_thread_id=8, started_process_id=8, **moment
            ),
            Waited(process_id=8, thread_id=8, **moment),
            Waited(process_id=9, thread_id=9, **moment),
        ]
    )
    texts = [label.text for label in thread_labels(history).values()]
    assert texts == ["nginx · main", "nginx 2 · main", "process · main"]


def test_two_threads_of_one_name_are_told_apart() -> None:
    moment = {
        "start_ns": 1,
        "end_ns": 2,
        "process_id": 1,
        "call": "prctl",
        "name": "data-plane-kafk",
    }
    history = constructed(ThreadNamed(thread_id=thread_id, **moment) for thread_id in (5, 6))
    names = [label.name for label in thread_labels(history).values()]
    assert names == ["data-plane-kafk", "data-plane-kafk 6"]


def _mark(verb: str, name: str, at_ns: int) -> Marked:
    return Marked(
        start_ns=at_ns,
        end_ns=at_ns,
        process_id=1,
        thread_id=1,
        call="write",
        verb=verb,  # type: ignore[arg-type]  # begin or end, by the callers below
        name=name,
    )


def test_a_phase_lies_between_its_marks_and_an_open_one_lasts_to_the_end() -> None:
    history = constructed(
        [_mark("begin", "a", 1), _mark("end", "a", 5), _mark("begin", "b", 7), _mark("end", "x", 9)]
    )
    assert phases(history) == (Phase("a", 1, 5), Phase("b", 7, 9))

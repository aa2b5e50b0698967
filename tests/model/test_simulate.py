"""`simulate`: a whole run, small enough to check by hand."""

from itertools import pairwise

from iowitness.model.hardware import Hardware, SolidStateDisk
from iowitness.model.record_encoding import Record
from iowitness.model.simulate import Prediction, simulate
from iowitness.model.what_if import Consume, LogPolicy, Produce, Restart, Step, WhatIf, Workload
from iowitness.traces.events import Marked, Sent, ThreadNamed, Transferred, Written

HARDWARE = Hardware(
    name="test",
    disk=SolidStateDisk(
        byte_count=10**9,
        channel_count=4,
        read_ns=60_000,
        program_ns=40_000,
        channel_bytes_per_s=400_000_000,
        interface_bytes_per_s=500_000_000,
        flush_ns=1_000_000,
    ),
)


def records(count: int) -> list[Record]:
    return [Record(1_000 + i, None, b"v" * 100, i % 2) for i in range(count)]


def produce(count: int) -> Produce:
    return Produce(
        topic="t", partition_count=2, records=lambda: records(count), batch_size_byte_count=1_000
    )


def run(*steps: Step) -> Prediction:
    policy = LogPolicy(segment_byte_count=4_000, index_interval_byte_count=1_500)
    return simulate(WhatIf(hardware=HARDWARE, workload=Workload(steps=steps), log_policy=policy))


def log_writes(prediction: Prediction) -> list[Written]:
    return [e for e in prediction.history.of_kind(Written) if e.file.path.endswith(".log")]


def test_writes_to_a_segment_follow_one_another() -> None:
    prediction = run(produce(200))
    ends: dict[str, int] = {}
    for written in log_writes(prediction):
        assert written.offset is not None
        assert written.offset == ends.get(written.file.path, 0)
        ends[written.file.path] = written.offset + written.byte_count
    assert len(ends) > 4
    assert max(ends.values()) <= 4_000


def test_everything_written_is_sent_to_a_consumer() -> None:
    prediction = run(produce(200), Consume(topic="t", partition_count=2))
    written = sum(event.byte_count for event in log_writes(prediction))
    sent = sum(event.byte_count for event in prediction.history.of_kind(Transferred))
    assert written == sent == prediction.figures.sendfile_byte_count


def test_only_the_sender_thread_of_a_producer_sends() -> None:
    history = run(produce(50)).history
    named = {event.thread_id: event.name for event in history.of_kind(ThreadNamed)}
    roles = {e.process_id: e.name for e in history.of_kind(Marked) if e.verb == "role"}
    senders = {e.thread_id for e in history.of_kind(Sent) if roles[e.process_id] == "producer"}
    assert [named[thread] for thread in senders] == ["producer-sender"]


def test_the_same_seed_gives_the_same_history() -> None:
    steps = (produce(100), Restart(), Consume(topic="t", partition_count=2, start_offset=7))
    assert run(*steps).history == run(*steps).history


def test_events_complete_in_order_and_never_end_before_they_start() -> None:
    events = run(produce(300), Consume(topic="t", partition_count=2)).history.events
    assert all(event.start_ns <= event.end_ns for event in events)
    assert all(a.end_ns <= b.end_ns for a, b in pairwise(events))


def test_a_cut_batch_is_asked_for_again() -> None:
    consume = Consume(topic="t", partition_count=2, partition_byte_count=1_500)
    prediction = run(produce(200), consume)
    written = sum(event.byte_count for event in log_writes(prediction))
    assert prediction.figures.sendfile_byte_count > written

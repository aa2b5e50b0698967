"""Any workload, for real under strace and in the model: contracts hold, predictions are exact."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from iowitness.prediction import predict
from iowitness.real_run.run_files import RunOrder
from iowitness.real_run.runs import prepared, result_of
from iowitness.specs.agreement import compare
from iowitness.specs.append_only import AppendOnly
from iowitness.specs.batched_sends import BatchedSends
from iowitness.specs.call_budget import CallBudget
from iowitness.specs.contract import Contract, judge_history
from iowitness.specs.sequential_writes import SequentialWrites
from iowitness.specs.stored_as_sent import StoredAsSent
from iowitness.specs.thread_roles import ThreadRoles
from iowitness.specs.verdict import Outcome
from iowitness.specs.workload import Consume, Produce, Restart, Step, Workload
from iowitness.specs.zero_copy_reads import ZeroCopyReads
from iowitness.traces.capture import capture
from iowitness.traces.strace_history import read_history

pytestmark = pytest.mark.live

_EXAMPLES = {"deep": 200, "ci": 10}.get(os.environ.get("HYPOTHESIS_PROFILE", ""), 5)
_SEGMENTS = ("**/*.log",)


@st.composite
def produces(draw: st.DrawFn, topic: str, partition_count: int, batch_size: int) -> Produce:
    return Produce(
        topic=topic,
        partition_count=partition_count,
        record_count=draw(st.integers(1, 400)),
        value_byte_count=draw(st.integers(0, 300)),
        value_byte_spread=draw(st.sampled_from((0, 1, 200))),
        key_count=draw(st.sampled_from((0, 1, 7))),
        codec=draw(st.sampled_from(("none", "gzip"))),
        batch_size=batch_size,
        acks=draw(st.sampled_from((1, -1))),
        timestamp_step_ms=draw(st.sampled_from((0, 1, 1000))),
    )


@st.composite
def consumes(draw: st.DrawFn, topic: str, partition_count: int) -> Consume:
    return Consume(
        topic=topic,
        partition_count=partition_count,
        start_offset=draw(st.sampled_from((0, 1, 50, 10_000))),
        partition_byte_count=draw(st.sampled_from((1, 700, 4_096, 1_048_576))),
        fetch_byte_count=draw(st.sampled_from((1, 3_000, 52_428_800))),
    )


@st.composite
def workloads(draw: st.DrawFn) -> Workload:
    """One or two topics; produced to, then read and produced to again, with restarts between."""
    batch_size = draw(st.sampled_from((1, 500, 2_000, 16_384)))
    topics = {name: draw(st.integers(1, 3)) for name in ("one", "two")[: draw(st.integers(1, 2))]}
    steps: list[Step] = [draw(produces(name, n, batch_size)) for name, n in topics.items()]
    for _ in range(draw(st.integers(0, 4))):
        name = draw(st.sampled_from(sorted(topics)))
        kind = draw(st.sampled_from(("consume", "consume", "produce", "restart")))
        if kind == "consume":
            steps.append(draw(consumes(name, topics[name])))
        elif kind == "produce":
            steps.append(draw(produces(name, topics[name], batch_size)))
        else:
            steps.append(Restart())
    # A batch may be as large as its limit, or one record of up to 500 B and its key.
    least = max(batch_size, 800)
    return Workload(
        steps=tuple(steps),
        segment_byte_count=draw(st.integers(least, 4 * least)),
        index_interval_byte_count=draw(st.sampled_from((0, 1_000, 4_096))),
    )


def _contracts(workload: Workload) -> tuple[Contract, ...]:
    return (
        SequentialWrites(files=_SEGMENTS, roles=("broker",)),
        AppendOnly(files=_SEGMENTS, roles=("broker",)),
        # A consumer that starts at the end is sent nothing.
        ZeroCopyReads(files=_SEGMENTS, roles=("broker",), nothing_is_fine=True),
        BatchedSends(roles=("producer",), minimum_bytes_per_send=16),
        ThreadRoles(name="producer-threads", roles=("producer",), network_threads=("producer-*",)),
        StoredAsSent(files=_SEGMENTS, roles=("broker",)),
        CallBudget(roles=("broker",), record_count=workload.record_count, maximum_per_record=400),
    )


@settings(
    max_examples=_EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(workload=workloads())
def test_the_real_run_keeps_every_contract_and_does_what_the_model_predicts(
    workload: Workload,
) -> None:
    predicted = predict(workload).history
    with tempfile.TemporaryDirectory(prefix="iowitness-test-") as name:
        folder = Path(name).resolve()
        root = folder / "data"
        command, result_path = prepared(RunOrder(workload=workload, data_folder=str(root)), folder)
        trace = folder / "run.strace"
        said = folder / "said.txt"
        with said.open("wb") as stream:
            captured = capture(
                command, output=trace, content_byte_count=65_536, stdout=stream, stderr=stream
            )
        result = result_of(result_path, captured.exit_status, said.read_text())
        observed = read_history(trace)
    sent = sum(
        one.record_count
        for step, one in zip(workload.steps, result.steps, strict=True)
        if isinstance(step, Produce)
    )
    assert sent == workload.record_count
    verdicts = judge_history(_contracts(workload), observed, root=str(root))
    agreement = compare(predicted, observed, observed_root=str(root))
    for comparison in agreement.comparisons:
        note(f"{comparison}")
    broken = {v.contract: v.summary for v in verdicts if v.outcome is not Outcome.HOLDS}
    assert not broken, broken
    assert agreement.agrees
    assert agreement.compared_count > 0

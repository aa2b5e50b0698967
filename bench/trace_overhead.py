"""The default suite's produce and fetch with and without capture, in one run.

    ./dev bench trace_overhead [--repeat N] [--suite NAME]

Prints each step's shortest wall time both ways, their ratio, and the traced calls per record. The
goal is a ratio of 1.5 at most. The two ways take turns, so that a busy machine harms both alike.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

from iowitness.real_run.run_files import RunOrder, RunResult
from iowitness.real_run.runs import prepared, result_of, run_untraced
from iowitness.specs.suite import load_suite
from iowitness.traces.capture import capture
from iowitness.traces.strace_history import stream

GOAL = 1.5


def traced(order: RunOrder, folder: Path, content_byte_count: int) -> tuple[RunResult, int]:
    """The steps of a traced run, and how many calls the trace has."""
    command, result_path = prepared(order, folder)
    raw = folder / "run.strace"
    done = capture(
        command,
        output=raw,
        content_byte_count=content_byte_count,
        stdout=subprocess.DEVNULL,
    )
    result = result_of(result_path, done.exit_status or 0, "")
    events = stream(raw)
    for _ in events:
        pass
    return result, sum(events.provenance.call_counts.values())


def shortest(runs: list[RunResult]) -> dict[str, tuple[float, int]]:
    """Each step's shortest wall time and its records."""
    steps: dict[str, tuple[float, int]] = {}
    for run in runs:
        for step in run.steps:
            before = steps.get(step.name, (float("inf"), 0))[0]
            steps[step.name] = (min(before, step.wall_s), step.record_count)
    return steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="kafka")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--content", type=int, nargs="*", default=[32, 262_144])
    options = parser.parse_args()
    suite = load_suite(options.suite, {})
    assert suite.workload is not None, "the suite has no workload to run"
    for content in options.content:
        with_trace: list[RunResult] = []
        without: list[RunResult] = []
        calls = 0
        for _ in range(options.repeat):
            for is_traced in (False, True):
                with tempfile.TemporaryDirectory(prefix="iowitness-") as name:
                    folder = Path(name)
                    order = RunOrder(workload=suite.workload, data_folder=str(folder / "data"))
                    if is_traced:
                        result, calls = traced(order, folder, content)
                        with_trace.append(result)
                    else:
                        without.append(run_untraced(order, folder))
        report(shortest(without), shortest(with_trace), calls, content)


def report(
    without: dict[str, tuple[float, int]],
    with_trace: dict[str, tuple[float, int]],
    calls: int,
    content: int,
) -> None:
    print(f"\n{content} B of each buffer kept")
    for name, (plain_s, records) in without.items():
        traced_s = with_trace[name][0]
        ratio = traced_s / plain_s
        print(f"  {name:<12} untraced {plain_s:7.3f} s  traced {traced_s:7.3f} s  "
              f"ratio {ratio:5.2f} (goal {GOAL})  {records} records")  # fmt: skip
    total = sum(records for _, records in without.values())
    print(f"  {calls} calls, {calls / max(total, 1):.3f} per record")


if __name__ == "__main__":
    main()

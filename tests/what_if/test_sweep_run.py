"""Runs carried out: here, in processes, on a cluster; and again after an interruption."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from iowitness.what_if.outcome import tasks
from iowitness.what_if.results_file import ResultsFile
from iowitness.what_if.run_point import Task, run_task
from iowitness.what_if.runners import InProcesses, InThisProcess, Runner
from iowitness.what_if.sweep_run import run_tasks
from tests.doubles.small_what_ifs import small_plan


@dataclass
class _Counting:
    """Runs here, and is interrupted after so many."""

    most: int
    ran: list[str] = field(default_factory=list)

    def done(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, bytes]]:
        for task in tasks:
            if len(self.ran) == self.most:
                raise KeyboardInterrupt
            self.ran.append(task.key)
            yield task, run_task(task)


def _run(folder: Path, runner: Runner, wanted: tuple[Task, ...]) -> int:
    """How many runs were told to be done."""
    counts: list[int] = []
    with ResultsFile(folder / "results.jsonl") as results:
        found = run_tasks(wanted, results, runner, counts.append)
        assert {task.key for task in wanted} <= found.keys()
    return sum(counts)


def test_an_interrupted_sweep_goes_on_where_it_stopped(tmp_path: Path) -> None:
    wanted = tasks(small_plan("producer-threads"), tuple(range(4)))
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path, _Counting(most=3), wanted)
    second = _Counting(most=len(wanted))
    assert _run(tmp_path, second, wanted) == len(wanted)
    assert second.ran == [task.key for task in wanted[3:]]
    third = _Counting(most=0)
    assert _run(tmp_path, third, wanted) == len(wanted)


def test_processes_give_the_same_results_as_one(tmp_path: Path) -> None:
    wanted = tasks(small_plan("producer-threads"), (0,))
    folders = tmp_path / "one", tmp_path / "two"
    runners: tuple[Runner, ...] = (InThisProcess(), InProcesses(2))
    found = []
    for folder, runner in zip(folders, runners, strict=True):
        folder.mkdir()
        _run(folder, runner, wanted)
        with ResultsFile(folder / "results.jsonl") as results:
            found.append(results.results)
    assert found[0] == found[1]


def test_curves_are_kept_of_the_first_seed_alone() -> None:
    wanted = tasks(small_plan("producer-threads"), (4, 5, 6))
    assert [(task.seed, task.keep) for task in wanted] == [
        (4, "curves"),
        (5, "figures"),
        (6, "figures"),
    ] * 2

"""A plan's runs carried out: those that are there already are not made again."""

from collections.abc import Callable, Mapping, Sequence

from iowitness.what_if.point_result import PointResult
from iowitness.what_if.results_file import ResultsFile
from iowitness.what_if.run_point import Task
from iowitness.what_if.runners import Runner


def run_tasks(
    tasks: Sequence[Task], results: ResultsFile, runner: Runner, advanced: Callable[[int], None]
) -> Mapping[str, PointResult]:
    """Results of all tasks, by key. `advanced` is told how many more are done.

    Each result is in the file before the next is waited for, so that an interruption loses only
    what was under way.
    """
    missing = [task for task in tasks if task.key not in results.results]
    advanced(len(tasks) - len(missing))
    for task, result_json in runner.done(missing):
        results.add(task.key, result_json)
        advanced(1)
    return results.results

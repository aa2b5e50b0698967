"""Who runs a sweep's tasks: this process, some of this machine's, or a cluster's."""

import contextlib
import multiprocessing
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from typing import Protocol

from iowitness.what_if.run_point import Task, run_task


class ClusterError(Exception):
    """A cluster that cannot be used, and why."""


_AHEAD = 4
"""Tasks handed over for each worker, so that none waits for the next."""


class Runner(Protocol):
    """Yields each task with its result as JSON, in the order in which they are done."""

    def done(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, bytes]]:
        """Run them all; closing the iterator early stops the rest."""


def runner(worker_count: int, dask_address: str | None) -> Runner:
    """Who is to run the tasks; raises `ClusterError` where a cluster cannot be used."""
    if dask_address is not None:
        from iowitness.what_if.cluster import OnCluster

        return OnCluster(dask_address)
    return InThisProcess() if worker_count == 1 else InProcesses(worker_count)


class InThisProcess:
    """One task after the other."""

    def done(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, bytes]]:
        """Run them in order."""
        for task in tasks:
            yield task, run_task(task)


@dataclass(frozen=True, slots=True)
class InProcesses:
    """So many processes of this machine."""

    count: int

    def done(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, bytes]]:
        """Run them side by side. Whatever ends this early ends the processes too."""
        # Spawned, not forked: the progress display of the parent has a thread.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.count, context, initializer=_end_on_interrupt) as pool:
            try:
                yield from _as_completed(pool, tasks, self.count * _AHEAD)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _end_on_interrupt() -> None:
    """Ctrl-C reaches the whole group: a worker ends at once, and without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextlib.contextmanager
def _interrupts_waiting() -> Iterator[None]:
    """Ctrl-C waits while the block runs, here and in the processes that it starts.

    They inherit that, and end the wait themselves: an interpreter that is interrupted as it comes
    up prints a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _as_completed(
    pool: ProcessPoolExecutor, tasks: Iterable[Task], limit: int
) -> Iterator[tuple[Task, bytes]]:
    waiting = iter(tasks)
    running: dict[Future[bytes], Task] = {}
    while True:
        with contextlib.suppress(StopIteration):
            while len(running) < limit:
                task = next(waiting)
                with _interrupts_waiting():  # the first task starts the workers
                    running[pool.submit(run_task, task)] = task
        if not running:
            return
        finished, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            yield running.pop(future), future.result()

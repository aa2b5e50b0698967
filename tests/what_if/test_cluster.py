"""A sweep on a dask.distributed cluster of loopback: one worker is killed, and nothing is lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from iowitness.what_if.outcome import tasks
from iowitness.what_if.results_file import ResultsFile
from iowitness.what_if.run_point import Task
from iowitness.what_if.runners import ClusterError, InThisProcess
from iowitness.what_if.sweep_run import run_tasks
from tests.doubles.small_what_ifs import small_plan

pytest.importorskip("distributed", reason="dask.distributed is not installed (extra: cluster)")
# Its own sockets and loops are not ours to close.
pytestmark = pytest.mark.filterwarnings("default")

_SCHEDULER = ("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
_WORKER = ("worker", "--nthreads", "1", "--no-dashboard", "--no-nanny", "--host", "127.0.0.1")
_LIMIT_S = 60


@contextmanager
def _running(*arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def _cluster(folder: Path) -> Iterator[tuple[str, list["subprocess.Popen[bytes]"]]]:
    """A scheduler and two workers, all there when the block begins."""
    import distributed

    address_file = folder / "scheduler.json"
    with ExitStack() as stack:
        stack.enter_context(_running(*_SCHEDULER, "--scheduler-file", str(address_file)))
        _wait_for(address_file)
        options = ("--scheduler-file", str(address_file), "--local-directory", str(folder))
        workers = [stack.enter_context(_running(*_WORKER, *options)) for _ in range(2)]
        with distributed.Client(scheduler_file=str(address_file)) as client:
            client.wait_for_workers(2, timeout=_LIMIT_S)
            address = client.scheduler.address
        yield address, workers


def _wait_for(path: Path) -> None:
    for _ in range(_LIMIT_S * 20):
        if path.exists() and path.read_bytes().rstrip().endswith(b"}"):
            return
        time.sleep(0.05)
    pytest.fail(f"no scheduler within {_LIMIT_S} s")


class _Killing:
    """Runs on the cluster, and kills a worker once the first result is in."""

    def __init__(self, address: str, victim: int) -> None:
        from iowitness.what_if.cluster import OnCluster

        self._inner = OnCluster(address)
        self._victim = victim

    def done(self, wanted: Iterable[Task]) -> Iterator[tuple[Task, bytes]]:
        for number, outcome in enumerate(self._inner.done(wanted)):
            if number == 0:
                os.kill(self._victim, signal.SIGKILL)
            yield outcome


def test_a_killed_worker_loses_no_run_and_changes_no_figure(tmp_path: Path) -> None:
    wanted = tasks(small_plan("producer-batching"), tuple(range(4)))
    assert len(wanted) > 20
    with _cluster(tmp_path) as (address, workers):
        with ResultsFile(tmp_path / "cluster.jsonl") as results:
            found = run_tasks(wanted, results, _Killing(address, workers[0].pid), lambda _: None)
        assert workers[0].wait(_LIMIT_S) == -signal.SIGKILL
    with ResultsFile(tmp_path / "here.jsonl") as results:
        here = run_tasks(wanted[:3], results, InThisProcess(), lambda _: None)
    assert {task.key for task in wanted} == found.keys()
    assert {key: found[key] for key in here} == here


def test_an_address_without_a_scheduler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from iowitness.what_if import cluster

    monkeypatch.setattr(cluster, "_CONNECT_LIMIT", "1s")
    with pytest.raises(ClusterError, match="no scheduler answers"):
        list(cluster.OnCluster("tcp://127.0.0.1:9").done(()))

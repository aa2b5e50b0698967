"""A sweep on a dask.distributed cluster: tasks go to its workers, and again if one dies.

Nothing of this is distributed by iowitness itself. The workers need the same iowitness.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from iowitness.what_if.results_file import model_digest
from iowitness.what_if.run_point import Task, run_task
from iowitness.what_if.runners import ClusterError

_CONNECT_LIMIT = "10s"
_RETRIES = 2


class OnCluster:
    """The workers of the scheduler at an address, such as `tcp://127.0.0.1:8786`."""

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ImportError as error:
            raise ClusterError(
                f"--dask {address}: dask.distributed is not installed, expected the extra: "
                "pip install 'iowitness[cluster]'"
            ) from error
        self._distributed: Any = distributed  # it has no types
        self._address = address

    def done(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, bytes]]:
        """Submit all; results as they come. Closing the iterator early cancels the rest."""
        try:
            client = self._distributed.Client(self._address, timeout=_CONNECT_LIMIT)
        except (OSError, ValueError) as error:
            raise ClusterError(f"--dask {self._address}: no scheduler answers: {error}") from error
        with client:
            self._require_same_model(client.run(model_digest))
            futures = {
                client.submit(run_task, task, key=task.key, retries=_RETRIES): task
                for task in tasks
            }
            for future in self._distributed.as_completed(futures):
                yield futures[future], future.result()

    def _require_same_model(self, digests: dict[str, str]) -> None:
        if not digests:
            raise ClusterError(f"--dask {self._address}: the scheduler has no workers")
        for worker, digest in digests.items():
            if digest != model_digest():
                raise ClusterError(
                    f"--dask {self._address}: worker {worker} has model={digest}, expected "
                    f"{model_digest()}: the same iowitness on every machine"
                )

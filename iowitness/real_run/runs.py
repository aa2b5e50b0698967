"""One run of the workload in a process of its own, untraced; the traced one is `capture`'s."""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

from iowitness.real_run.run_files import RunOrder, RunResult, read_result, write_json


class RealRunFailed(Exception):
    """The workload could not be carried out; the message has what its processes said."""


def prepared(order: RunOrder, folder: Path) -> tuple[list[str], Path]:
    """The command that carries `order` out, and the file in which its result will be.

    The interpreter is named by `sys.executable`: a `python3` on PATH may be a shell shim, whose
    calls would be traced too.
    """
    order_path, result_path = folder / "order.json", folder / "result.json"
    write_json(order_path, order)
    command = [sys.executable, "-m", "iowitness.real_run", str(order_path), str(result_path)]
    return command, result_path


def result_of(result_path: Path, exit_status: int | None, said: str) -> RunResult:
    """The result of a run that ended, or `RealRunFailed` with what its processes said."""
    if exit_status != 0 or not result_path.exists():
        told = said.strip() or "nothing was printed"
        raise RealRunFailed(f"the real run ended with exit {exit_status}: {told}")
    return read_result(result_path)


def run_untraced(order: RunOrder, folder: Path) -> RunResult:
    """Carry the order out without a tracer, for its times. Ctrl-C ends all of its processes."""
    command, result_path = prepared(order, folder)
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            _, said = process.communicate()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            process.wait(30)
            raise
    return result_of(result_path, process.returncode, said)

"""Child processes of the workload: forked, tied to their parent's life, waited for with a limit."""

import ctypes
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Self

_PR_SET_PDEATHSIG = 1


class ChildFailed(Exception):
    """A process of the workload ended badly, or not at all; `role` is whose."""

    def __init__(self, role: str, found: str) -> None:
        super().__init__(f"the {role} process {found}")
        self.role = role


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies. Source: prctl(2) PR_SET_PDEATHSIG."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """One forked process that runs `body` and ends.

    Forked and not executed anew: a fresh interpreter costs a thousand traced calls, and the
    parent has no threads at that moment. Used as a context manager it never outlives the block.
    """

    def __init__(self, role: str, body: Callable[[], None]) -> None:
        self._role = role
        self._status: int | None = None
        self.cpu_s = 0.0
        parent_id = os.getpid()
        self.process_id = os.fork()
        if self.process_id == 0:
            _run_and_exit(role, body, parent_id)
        self._process_descriptor = os.pidfd_open(self.process_id)

    def terminate(self) -> None:
        """Ask the process to stop (SIGTERM)."""
        if self._status is None:
            os.kill(self.process_id, signal.SIGTERM)

    def wait(self, timeout_s: float) -> None:
        """Wait for a clean end; `ChildFailed` after the limit or on any other status than 0."""
        if not self._ended_within(timeout_s):
            raise ChildFailed(self._role, f"is still running after {timeout_s:.0f} s")
        if self._status != 0:
            raise ChildFailed(self._role, f"ended with {_told(self._status)}, expected exit 0")

    def _ended_within(self, timeout_s: float) -> bool:
        if self._status is not None:
            return True
        ready, _, _ = select.select([self._process_descriptor], [], [], timeout_s)
        if not ready:
            return False
        _, wait_status, usage = os.wait4(self.process_id, 0)
        self._status = os.waitstatus_to_exitcode(wait_status)
        self.cpu_s = usage.ru_utime + usage.ru_stime
        os.close(self._process_descriptor)
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is None:
            os.kill(self.process_id, signal.SIGKILL)
            self._ended_within(30)


def _run_and_exit(role: str, body: Callable[[], None], parent_id: int) -> None:
    """The child's whole life. It leaves by `_exit`: the parent's buffers are not its to flush."""
    status = 1
    try:
        die_with_parent()
        if os.getppid() != parent_id:  # the parent died before the kernel was told
            os._exit(1)
        body()
        status = 0
    except KeyboardInterrupt:
        status = 130
    except BaseException as error:  # noqa: BLE001 - whatever it is, it becomes an exit status
        # One line for what the user can mend; the traceback only for a bug of ours.
        if isinstance(error, OSError | RuntimeError):
            sys.stderr.write(f"iowitness: {role}: {error}\n")
        else:
            traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _told(status: int | None) -> str:
    if status is not None and status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit {status}"


class Stopwatch:
    """Wall and CPU seconds of a stretch, children that were waited for included."""

    def __init__(self) -> None:
        self._wall_s = time.monotonic()
        self._cpu_s = _cpu_s()

    def lap(self) -> tuple[float, float]:
        """Wall and CPU seconds since the last lap, and a new start."""
        wall_s, cpu_s = time.monotonic(), _cpu_s()
        taken = wall_s - self._wall_s, cpu_s - self._cpu_s
        self._wall_s, self._cpu_s = wall_s, cpu_s
        return taken


def _cpu_s() -> float:
    return sum(os.times()[:4])

"""Events about processes and threads, and what they say of themselves."""

from typing import Literal

from iowitness.traces.event_base import Endpoint, IOEvent


class ThreadStarted(IOEvent, frozen=True, kw_only=True, gc=False):
    """A thread, or a process with its first thread, was started. Source: clone(2), fork(2)."""

    started_thread_id: int
    started_process_id: int


class ThreadNamed(IOEvent, frozen=True, kw_only=True, gc=False):
    """The calling thread took a name, at most 15 bytes. Source: prctl(2) PR_SET_NAME."""

    name: str


class ThreadEnded(IOEvent, frozen=True, kw_only=True, gc=False):
    """The thread, or with `whole_process` all of its process, ended.

    `status` is the exit status, None where a signal ended it, whose name is then in `signal`.
    """

    whole_process: bool
    status: int | None = None
    signal: str | None = None


class Executed(IOEvent, frozen=True, kw_only=True, gc=False):
    """The process became another program. Source: execve(2)."""

    path: str
    arguments: tuple[str, ...] = ()


class Waited(IOEvent, frozen=True, kw_only=True, gc=False):
    """The thread could have slept: futex, poll, epoll_wait, select, nanosleep."""


class Unverifiable(IOEvent, frozen=True, kw_only=True, gc=False):
    """A call by which bytes can move that no later call shows (io_uring, process_vm_writev).

    Contracts over files or channels that it may touch are UNKNOWN; `endpoint` narrows that down
    where the call names one.
    """

    reason: str
    endpoint: Endpoint | None = None


class Marked(IOEvent, frozen=True, kw_only=True, gc=False):
    """A word of the workload to the judge: a write to descriptor -1 of `iowitness:VERB:NAME`.

    It fails with EBADF, does nothing, and the tracer sees it. `begin` and `end` bound a phase,
    `role` gives the calling process a role.
    """

    verb: Literal["begin", "end", "role"]
    name: str

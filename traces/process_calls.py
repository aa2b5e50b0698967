"""Converters of the calls that start, name, change and end threads and processes, and of waits.

Source: clone(2), fork(2), execve(2), prctl(2), exit(2), futex(2), poll(2), epoll_wait(2).
"""

from collections.abc import Mapping

from iowitness.traces.byte_calls import Converter
from iowitness.traces.call_view import CallView
from iowitness.traces.descriptor_calls import closed
from iowitness.traces.events import Executed, ThreadNamed, ThreadStarted, Waited
from iowitness.traces.file_mappings import FileMappings
from iowitness.traces.processes import child_of
from iowitness.traces.strace_text import fields, items, string


def names(words: str) -> list[str]:
    """The words of a table of calls, which reads better without quotes."""
    return words.split()


def clone_flags(name: str, arguments: list[bytes]) -> frozenset[bytes]:
    """The flags of a call that starts a thread, as far as its text goes."""
    if name == "fork":
        return frozenset()
    if name == "vfork":
        return frozenset({b"CLONE_VM", b"CLONE_VFORK"})
    for argument in arguments:
        if argument.startswith(b"flags="):
            return frozenset(argument.removeprefix(b"flags=").split(b"|"))
        if argument.startswith(b"{"):
            return frozenset(fields(argument).get(b"flags", b"").split(b"|"))
    return frozenset()


def _clone(view: CallView) -> None:
    world = view.world
    if view.failed or view.result is None:
        return
    child = world.threads.get(view.result)
    if child is None or (child.ended and child.met_line < view.line):
        flags = clone_flags(view.name, view.arguments)
        child = child_of(view.process, view.result, flags)
        world.started(child, view.line)
    world.out.append(
        ThreadStarted(
            **view.at,
            started_thread_id=view.result,
            started_process_id=child.process.process_id,
        )
    )


def _unshare(view: CallView) -> None:
    if not view.failed and b"CLONE_FILES" in view.flags(0):
        view.process.table = view.process.table.copy()


def _execve(view: CallView) -> None:
    if view.failed:
        return
    shift = 1 if view.name == "execveat" else 0
    path = view.path_at(0, 1) if shift else view.path_here(0)
    process = view.process
    if any(
        other.process is not process and other.process.table is process.table
        for other in view.world.threads.values()
        if not other.ended
    ):
        process.table = process.table.copy()
    process.mappings = FileMappings()
    for descriptor in process.table.closed_by_exec():
        closed(view, descriptor)
    arguments: list[str] = []
    listed = view.arguments[1 + shift]
    for item in items(listed) if listed.startswith(b"[") else ():
        text = string(item)
        if text is not None:
            arguments.append(text[0].decode("utf-8", "backslashreplace"))
    view.world.out.append(Executed(**view.at, path=path, arguments=tuple(arguments)))


def _prctl(view: CallView) -> None:
    if view.failed or view.arguments[0] != b"PR_SET_NAME":
        return
    name = string(view.arguments[1])
    if name is not None:
        text = name[0].decode("utf-8", "backslashreplace")
        view.world.out.append(ThreadNamed(**view.at, name=text))


def _waited(view: CallView) -> None:
    view.world.out.append(Waited(**view.at))


def _futex(view: CallView) -> None:
    """Only the operations that sleep; a wake does not."""
    if (view.has(1) and b"WAIT" in view.arguments[1]) or b"LOCK" in view.arguments[1]:
        view.world.out.append(Waited(**view.at))


_WAITS = names(
    """
    futex_waitv futex_wait poll ppoll ppoll_time64 select _newselect pselect6 epoll_wait
    epoll_pwait epoll_pwait2 nanosleep clock_nanosleep wait4 waitid waitpid pause rt_sigsuspend
    rt_sigtimedwait sigsuspend io_getevents io_pgetevents restart_syscall msgrcv semop semtimedop
    mq_timedreceive
    """
)

CONVERTERS: Mapping[str, Converter] = {
    "clone": _clone,
    "clone3": _clone,
    "clone2": _clone,
    "fork": _clone,
    "vfork": _clone,
    "unshare": _unshare,
    "execve": _execve,
    "execveat": _execve,
    "prctl": _prctl,
    "futex": _futex,
    **dict.fromkeys(_WAITS, _waited),
}

"""What a history says of its processes and threads: roles, names, and an order to show them in."""

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePath

from msgspec import Struct

from iowitness.traces.events import Executed, Marked, ThreadNamed, ThreadStarted
from iowitness.traces.history import History

UNNAMED_ROLE = "process"
"""The role of a process that neither marked itself nor ran a program in the history's time."""


class ThreadLabel(Struct, frozen=True, kw_only=True):
    """One thread in words.

    `role` is what its process marked itself as, else the program's name, else `process`; a second
    process of the same role is `broker 2`. `name` is `main`, the name that the thread took, or its
    number within the process (`thread 2`).
    """

    process_id: int
    thread_id: int
    role: str
    process: str
    name: str

    @property
    def text(self) -> str:
        """`broker 2 · main`."""
        return f"{self.process} · {self.name}"


def thread_labels(history: History) -> Mapping[int, ThreadLabel]:
    """Every thread that completed a call, by thread id, in order of first appearance."""
    roles = _roles(history)
    names = {event.thread_id: event.name for event in history.of_kind(ThreadNamed)}
    processes: dict[int, str] = {}
    role_counts: Counter[str] = Counter()
    thread_counts: Counter[int] = Counter()
    labels: dict[int, ThreadLabel] = {}
    taken: set[tuple[int, str]] = set()
    for event in history:
        if event.thread_id in labels:
            continue
        process_id, thread_id = event.process_id, event.thread_id
        role = roles.get(process_id, UNNAMED_ROLE)
        if process_id not in processes:
            role_counts[role] += 1
            ordinal = role_counts[role]
            processes[process_id] = role if ordinal == 1 else f"{role} {ordinal}"
        thread_counts[process_id] += 1
        is_main = thread_id == process_id
        name = names.get(thread_id, "main" if is_main else f"thread {thread_counts[process_id]}")
        if (process_id, name) in taken:  # the kernel cuts names off after 15 bytes
            name = f"{name} {thread_id}"
        taken.add((process_id, name))
        labels[thread_id] = ThreadLabel(
            process_id=process_id,
            thread_id=thread_id,
            role=role,
            process=processes[process_id],
            name=name,
        )
    return labels


def _roles(history: History) -> Mapping[int, str]:
    """Roles by process id. A mark beats the program's name; a fork has its parent's program."""
    marked: dict[int, str] = {}
    programs: dict[int, str] = {}
    for event in history:
        match event:
            case Marked(verb="role"):
                marked[event.process_id] = event.name
            case Executed(error=None):
                programs[event.process_id] = PurePath(event.path).name
            case ThreadStarted(error=None) if event.process_id in programs:
                programs.setdefault(event.started_process_id, programs[event.process_id])
            case _:
                pass
    return programs | marked

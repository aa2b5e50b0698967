"""Threads and processes of a trace: who shares which descriptors, and whose child a thread is."""

from dataclasses import dataclass, field

from iowitness.traces.descriptor_table import DescriptorTable
from iowitness.traces.file_mappings import FileMappings


@dataclass(slots=True, eq=False)
class Process:
    """A process: its descriptors, directory (empty where unknown) and mappings of files.

    `ended_by_exit_group` says that one thread ended all.
    """

    process_id: int
    table: DescriptorTable = field(default_factory=DescriptorTable)
    directory: str = ""
    mappings: FileMappings = field(default_factory=FileMappings)
    living: set[int] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Thread:
    """A thread of a process; `ended` once the trace shows its end, `shown` once it has a line.

    `met_line` is the line at which it was first known of.
    """

    thread_id: int
    process: Process
    ended: bool = False
    shown: bool = False
    met_line: int = 0


def child_of(parent: Process, thread_id: int, flags: frozenset[bytes]) -> Thread:
    """The thread that a clone with these flags makes. Source: clone(2)."""
    if b"CLONE_THREAD" in flags:
        process = parent
    else:
        shares_files = b"CLONE_FILES" in flags
        shares_memory = b"CLONE_VM" in flags
        process = Process(
            thread_id,
            parent.table if shares_files else parent.table.copy(),
            parent.directory,
            parent.mappings if shares_memory else parent.mappings.copy(),
        )
    process.living.add(thread_id)
    return Thread(thread_id, process)

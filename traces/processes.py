"""Threads and processes of a trace: who shares which descriptors, and whose child a thread is."""

from dataclasses import dataclass, field

from iowitness.traces.descriptor_table import DescriptorTable
from iowitness.traces.file_names import FileNode


@dataclass(slots=True)
class Mapping:
    """A mapped range of a file: `[address, end)`, from `offset` on."""

    address: int
    end: int
    node: FileNode
    offset: int
    writable: bool
    shared: bool


@dataclass(slots=True, eq=False)
class Process:
    """A process: its descriptors, directory (empty where unknown) and mappings of files.

    `ended_by_exit_group` says that one thread ended all.
    """

    process_id: int
    table: DescriptorTable = field(default_factory=DescriptorTable)
    directory: str = ""
    mappings: list[Mapping] = field(default_factory=list)
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
            parent.mappings if shares_memory else list(parent.mappings),
        )
    process.living.add(thread_id)
    return Thread(thread_id, process)


def overlapping(mappings: list[Mapping], start: int, end: int) -> bool:
    """Whether any mapping has a byte in `[start, end)`."""
    for mapped in mappings:  # noqa: SIM110  # a third of the time of any() over a generator
        if mapped.address < end and mapped.end > start:
            return True
    return False


def without_range(
    mappings: list[Mapping], start: int, end: int
) -> tuple[list[Mapping], list[Mapping]]:
    """The mappings without `[start, end)`, and the parts that went. Source: munmap(2)."""
    if not overlapping(mappings, start, end):
        return mappings, []
    kept: list[Mapping] = []
    gone: list[Mapping] = []
    for mapped in mappings:
        if mapped.end <= start or mapped.address >= end:
            kept.append(mapped)
            continue
        low, high = max(start, mapped.address), min(end, mapped.end)
        for part_start, part_end, into in (
            (mapped.address, low, kept),
            (low, high, gone),
            (high, mapped.end, kept),
        ):
            if part_start < part_end:
                into.append(
                    Mapping(
                        part_start,
                        part_end,
                        mapped.node,
                        mapped.offset + part_start - mapped.address,
                        mapped.writable,
                        mapped.shared,
                    )
                )
    return kept, gone

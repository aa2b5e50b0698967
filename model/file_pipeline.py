"""Programs that read a file whole, work on it, and write another: the page cache's plain load."""

from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import pairwise

import simpy

from iowitness.model.hardware import Hardware
from iowitness.model.kernel import Kernel
from iowitness.model.machine import Machine
from iowitness.model.page_cache import FileRange
from iowitness.model.recorder import Recorder, Thread


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineLoad:
    """Programs that run at once, each of tasks in a row.

    A task reads a file whole into fresh memory, computes, writes the next file whole, and lets the
    memory go. Files stay; the first one of each program is on disk only. `other_*_byte_count` is
    what memory holds from the start.
    """

    program_count: int
    task_count: int
    file_byte_count: int
    compute_ns: int
    other_cached_byte_count: int = 0
    other_used_byte_count: int = 0


@dataclass(slots=True)
class TaskTimes:
    """How long one task's read and write took."""

    read_ns: int
    write_ns: int


@dataclass(slots=True)
class PipelineRun:
    """Times of every task by program, in order."""

    programs: list[list[TaskTimes]] = field(default_factory=list)


def run_pipelines(hardware: Hardware, load: PipelineLoad) -> PipelineRun:
    """Carry the load out on simulated hardware; programs are spread over the memory nodes."""
    env = simpy.Environment()
    recorder = Recorder()
    machine = Machine(env, hardware, recorder)
    kernel = Kernel(machine)
    run = PipelineRun()
    machine.cache.allocate(load.other_used_byte_count)
    others = recorder.file("others")
    machine.cache.fill(FileRange(others.file_id, 0, load.other_cached_byte_count))
    processes = []
    for number in range(load.program_count):
        thread = recorder.process(f"program-{number}", None, 0)
        thread.node = number % hardware.memory.node_count
        times: list[TaskTimes] = []
        run.programs.append(times)
        processes.append(env.process(_program(machine, kernel, thread, load, times)))
    env.run(env.all_of(processes))
    return run


def _program(
    machine: Machine, kernel: Kernel, thread: Thread, load: PipelineLoad, times: list[TaskTimes]
) -> Generator[simpy.Event, object, None]:
    size = load.file_byte_count
    files = [machine.recorder.file(f"{thread.role}/{k}") for k in range(load.task_count + 1)]
    for source, target in pairwise(files):
        start_ns = machine.now_ns
        occupied = yield from kernel.read(thread, source, 0, size, size, "fresh")
        read_ns = machine.now_ns - start_ns
        yield machine.compute(thread, load.compute_ns)
        start_ns = machine.now_ns
        yield from kernel.write(thread, target, 0, size)
        times.append(TaskTimes(read_ns, machine.now_ns - start_ns))
        machine.cache.release(occupied)

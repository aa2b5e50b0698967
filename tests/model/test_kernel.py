"""`kernel`: copies and switches of each path from a file to a socket, counted by running it."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import simpy

from iowitness.model.block_io import Waiting
from iowitness.model.figures import Ledger
from iowitness.model.hardware import Gather, Hardware, Link, RateByDepth, VirtualDiskFigures
from iowitness.model.kernel import Kernel
from iowitness.model.machine import Machine
from iowitness.model.page_cache import FileRange
from iowitness.model.recorder import Recorder, Thread
from iowitness.traces.events import File, IOEvent, Pipe, Socket, Transferred

SIZE = 1_048_576
SOCKET = Socket(1, "TCP", "broker", "consumer")
Path = Callable[[Kernel, Thread, File], Waiting]


def read_and_send(kernel: Kernel, thread: Thread, file: File) -> Waiting:
    yield from kernel.read(thread, file, 0, SIZE, SIZE)
    yield from kernel.send(thread, SOCKET, SIZE)


def read_and_send_vector(kernel: Kernel, thread: Thread, file: File) -> Waiting:
    yield from kernel.read(thread, file, 0, SIZE, SIZE)
    yield from kernel.send_vector(thread, SOCKET, (100, SIZE - 100))


def sendfile(kernel: Kernel, thread: Thread, file: File) -> Waiting:
    yield from kernel.sendfile(thread, file, 0, SIZE, SIZE, SOCKET)


def splice(kernel: Kernel, thread: Thread, file: File) -> Waiting:
    yield from kernel.splice(thread, file, 0, SIZE, SIZE, Pipe(1), SOCKET)


def map_and_write(kernel: Kernel, thread: Thread, file: File) -> Waiting:
    yield from kernel.map(thread, file, SIZE)
    yield from kernel.send_mapped(thread, file, 0, SIZE, SIZE, SOCKET)


@dataclass(frozen=True)
class Run:
    ledger: Ledger
    duration_ns: int
    events: list[IOEvent]

    @property
    def table(self) -> tuple[float, float, int]:
        """CPU copies, DMA copies, mode switches, copies in sizes of the file."""
        cpu = sum(self.ledger.cpu_copied_byte_counts.values()) / SIZE
        return cpu, sum(self.ledger.dma_byte_counts.values()) / SIZE, self.ledger.mode_switch_count


def run(path: Path, gather: Gather = "pages", warm_byte_count: int = 0) -> Run:
    rates = (RateByDepth(depth=1, bytes_per_s=500e6),)
    disk = VirtualDiskFigures(
        byte_count=10**12,
        read_latency_ns=100_000,
        write_latency_ns=50_000,
        flush_ns=500_000,
        read_rates=rates,
        write_rates=rates,
    )
    env, recorder = simpy.Environment(), Recorder()
    machine = Machine(env, Hardware(name="test", disk=disk, link=Link(gather=gather)), recorder)
    thread, file = recorder.process("server", None, 0), recorder.file("segment")
    machine.cache.fill(FileRange(file.file_id, 0, warm_byte_count))
    env.run(env.process(path(Kernel(machine), thread, file)))
    return Run(machine.ledger, machine.now_ns, list(recorder.events))


TABLE: list[tuple[Path, Gather, tuple[int, int, int]]] = [
    (read_and_send, "pages", (2, 2, 4)),
    (read_and_send_vector, "pages", (2, 2, 4)),
    (sendfile, "copies", (1, 2, 2)),
    (sendfile, "pages", (0, 2, 2)),
    (splice, "pages", (0, 2, 4)),
    (map_and_write, "pages", (1, 2, 4)),
]


@pytest.mark.parametrize(("path", "gather", "counts"), TABLE)
def test_copies_and_switches_of_a_cold_read(
    path: Path, gather: Gather, counts: tuple[int, int, int]
) -> None:
    assert run(path, gather).table == counts


@pytest.mark.parametrize(("path", "gather", "counts"), TABLE)
def test_a_page_cache_hit_saves_one_copy_by_dma(
    path: Path, gather: Gather, counts: tuple[int, int, int]
) -> None:
    cpu, dma, switches = counts
    assert run(path, gather, SIZE).table == (cpu, dma - 1, switches)


@pytest.mark.parametrize("path", [read_and_send, sendfile, splice, map_and_write])
def test_only_a_call_that_waits_for_the_disk_switches_threads(path: Path) -> None:
    assert run(path).ledger.context_switch_count == 2
    assert run(path, warm_byte_count=SIZE).ledger.context_switch_count == 0


def test_fewer_copies_cost_less_time() -> None:
    warm = {path: run(path, warm_byte_count=SIZE).duration_ns for path, _, _ in TABLE}
    assert warm[sendfile] < warm[splice] < warm[map_and_write] < warm[read_and_send]
    assert run(sendfile, "copies", SIZE).duration_ns > warm[sendfile]
    assert run(sendfile).duration_ns > 2_000_000 > warm[sendfile]  # 1 MiB from 500 MB/s


def test_a_splice_leaves_two_events_through_its_pipe() -> None:
    first, second = (e for e in run(splice).events if isinstance(e, Transferred))
    assert first.destination == second.source == Pipe(1)
    assert (first.call, second.call, second.destination) == ("splice", "splice", SOCKET)

"""One program that writes: appended to a log, or to random places of a file, with syncs.

The control for the log: what a B-tree's pages or a hash table's slots ask of the same hardware.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal

import simpy

from iowitness.model.hardware import PAGE_BYTE_COUNT, Hardware
from iowitness.model.kernel import Kernel
from iowitness.model.latency_histogram import LatencyHistogram
from iowitness.model.machine import Machine
from iowitness.model.recorder import Recorder, Thread
from iowitness.model.seeded_random import stream


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteLoad:
    """`piece_count` writes of `piece_byte_count` each; random ones start at a page of the file."""

    order: Literal["append", "random"]
    piece_byte_count: int
    piece_count: int
    file_byte_count: int
    sync: Literal["at-end", "every-write"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteFigures:
    """How it went, the last sync included. `write_latency` has a write and its sync, if it has."""

    duration_ns: int
    byte_count: int
    write_latency: LatencyHistogram
    seek_count: int
    sync_count: int
    device_read_byte_count: int
    device_write_byte_count: int
    cpu_copied_byte_count: int

    @property
    def bytes_per_s(self) -> float:
        """From the first write to the end of the last sync."""
        return self.byte_count * 1e9 / self.duration_ns if self.duration_ns else 0.0


def simulate_writes(hardware: Hardware, load: WriteLoad, seed: int) -> WriteFigures:
    """Carry the load out on simulated hardware. Equal arguments give equal figures."""
    env = simpy.Environment()
    machine = Machine(env, hardware, Recorder())
    latency = LatencyHistogram()
    thread = machine.recorder.process("writer", None, 0)
    env.run(env.process(_writer(machine, thread, load, seed, latency)))
    ledger = machine.ledger
    return WriteFigures(
        duration_ns=machine.now_ns,
        byte_count=load.piece_count * load.piece_byte_count,
        write_latency=latency,
        seek_count=machine.block_io.device.seek_count,
        sync_count=1 if load.sync == "at-end" else load.piece_count,
        device_read_byte_count=ledger.dma_byte_counts["disk read"],
        device_write_byte_count=ledger.dma_byte_counts["disk write"],
        cpu_copied_byte_count=sum(ledger.cpu_copied_byte_counts.values()),
    )


def _writer(
    machine: Machine,
    thread: Thread,
    load: WriteLoad,
    seed: int,
    latency: LatencyHistogram,
) -> Generator[simpy.Event, object, None]:
    draws = stream(seed, "places")
    kernel, file = Kernel(machine), machine.recorder.file("written")
    page_count = max(1, (load.file_byte_count - load.piece_byte_count) // PAGE_BYTE_COUNT)
    if load.order == "random":
        machine.block_io.allocate(file.file_id, load.file_byte_count)
    for number in range(load.piece_count):
        start_ns = machine.now_ns
        offset = number * load.piece_byte_count
        if load.order == "random":
            offset = draws.randrange(page_count) * PAGE_BYTE_COUNT
        yield from kernel.write(thread, file, offset, load.piece_byte_count)
        if load.sync == "every-write":
            yield from kernel.fsync(thread, file)
        latency.add(machine.now_ns - start_ns)
    if load.sync == "at-end":
        yield from kernel.fsync(thread, file)

"""Read-ahead in time: what a reader waits for, and what comes while it works."""

import simpy

from iowitness.model.block_io import Waiting
from iowitness.model.hardware import Hardware, Memory, RateByDepth, VirtualDiskFigures
from iowitness.model.machine import Machine
from iowitness.model.recorder import Recorder

_MIB = 1 << 20
_MILLISECOND_NS = 1_000_000


def _waits_ns(read_ahead_byte_count: int, work_ns: int, count: int = 24) -> list[int]:
    """How long a reader waits for each MiB of a cold file, on a disk of 1 MiB a millisecond."""
    rates = (RateByDepth(depth=1, bytes_per_s=1_000 * _MIB),)
    disk = VirtualDiskFigures(
        byte_count=10**12,
        read_latency_ns=0,
        write_latency_ns=0,
        flush_ns=0,
        read_rates=rates,
        write_rates=rates,
    )
    memory = Memory(read_ahead_byte_count=read_ahead_byte_count)
    env = simpy.Environment()
    machine = Machine(env, Hardware(name="test", disk=disk, memory=memory), Recorder())
    waits: list[int] = []

    def reader() -> Waiting:
        for number in range(count):
            start_ns, at = machine.now_ns, number * _MIB
            yield from machine.reads.resident(1, at, at + _MIB, 100 * _MIB, 0)
            waits.append(machine.now_ns - start_ns)
            yield env.timeout(work_ns)

    env.run(env.process(reader()))
    return waits


def test_without_read_ahead_every_piece_is_waited_for() -> None:
    waits = _waits_ns(4_096, 2 * _MILLISECOND_NS)
    assert min(waits) > 0.9 * _MILLISECOND_NS


def test_a_long_window_comes_while_the_reader_works() -> None:
    waits = _waits_ns(8 * _MIB, 2 * _MILLISECOND_NS)
    assert sum(wait == 0 for wait in waits) > len(waits) / 2
    assert max(waits) < 2.1 * _MILLISECOND_NS


def test_a_reader_that_does_nothing_else_gets_the_disks_rate() -> None:
    waits = _waits_ns(8 * _MIB, 0)
    assert sum(waits) / len(waits) < 1.1 * _MILLISECOND_NS

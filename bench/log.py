"""The log: appends beside bare writes, recovery beside reading and summing, in one run.

Repeat with: ./dev bench log [--gib 4]. Writes that much to a temporary folder, twice. The jobs take
turns and the best round of each counts, in CPU time and in wall time: both include the kernel's
part of a write or read, and the machine's speed changes from one second to the next.

An append checks the batch's CRC-32C before it writes it, as Kafka's broker does, and a bare write
does not; `write and sum` is what the two cost together without any log around them.
"""

import argparse
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from crc32c import crc32c

from iowitness.impl.batch_writer import ProducerStamp, encode_values
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_files import RealFiles
from iowitness.impl.log_scan import Scanner
from iowitness.impl.plain_run import PlainLimits, take_plain

ROUNDS = 7
APPENDED_BYTE_COUNT = 128 << 20
RECOVERED_BYTE_COUNT = 512 << 20
CONFIG = LogConfig(segment_byte_count=1 << 30, max_batch_byte_count=1 << 21)


class Seconds(NamedTuple):
    """What a job took."""

    cpu: float
    wall: float


class Stopwatch:
    """Runs from its making on."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def read(self) -> Seconds:
        """Since it was made."""
        return Seconds(time.process_time() - self._cpu, time.perf_counter() - self._wall)


def best_of(jobs: dict[str, Callable[[], Seconds]]) -> dict[str, Seconds]:
    """The best round of each job, which take turns."""
    best = dict.fromkeys(jobs, Seconds(float("inf"), float("inf")))
    for _ in range(ROUNDS):
        for name, job in jobs.items():
            took = job()
            best[name] = Seconds(min(best[name].cpu, took.cpu), min(best[name].wall, took.wall))
    return best


def show(title: str, byte_count: int, best: dict[str, Seconds]) -> None:
    """The rate of each job."""
    for name, took in best.items():
        gib = byte_count / (1 << 30)
        print(
            f"{title:18} {name:16} {gib / took.cpu:6.2f} GiB/s of CPU time"
            f" {gib / took.wall:6.2f} GiB/s of wall time"
        )


def show_ratio(title: str, base: Seconds, ours: Seconds, goal: str) -> None:
    """The rate of the second job as part of the first one's."""
    print(
        f"ratio    {title:44} {base.cpu / ours.cpu:5.2f} by CPU time"
        f" {base.wall / ours.wall:5.2f} by wall time  {goal}"
    )


def batch_of(byte_count: int, stamp: ProducerStamp | None = None) -> bytearray:
    values = [b"v" * 100] * (byte_count // 108)
    return bytearray(encode_values(values, 1_700_000_000_000, stamp=stamp or ProducerStamp()))


def peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def write(folder: Path, batch: bytearray, *, summed: bool) -> Seconds:
    count = APPENDED_BYTE_COUNT // len(batch)
    descriptor = os.open(folder / "bare", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    watch = Stopwatch()
    if summed:
        for _ in range(count):
            crc32c(batch)
            os.write(descriptor, batch)
    else:
        for _ in range(count):
            os.write(descriptor, batch)
    took = watch.read()
    os.close(descriptor)
    os.unlink(folder / "bare")
    return took


def append(folder: Path, batch: bytearray) -> Seconds:
    log = Log.open(str(folder / "t-0"), CONFIG, RealFiles(), now_ms=0)
    log.append(batch, now_ms=0)  # the first one also saves the leader epoch, which syncs
    watch = Stopwatch()
    for _ in range(APPENDED_BYTE_COUNT // len(batch)):
        log.append(batch, now_ms=0)
    took = watch.read()
    log.abandon()
    shutil.rmtree(folder / "t-0")
    return took


def compare_appends(folder: Path, byte_count: int) -> None:
    batch = batch_of(byte_count)
    best = best_of(
        {
            "bare write": lambda: write(folder, batch, summed=False),
            "write and sum": lambda: write(folder, batch, summed=True),
            "append": lambda: append(folder, batch),
        }
    )
    size = f"{byte_count >> 10} KiB"
    show(f"append of {size}", APPENDED_BYTE_COUNT // len(batch) * len(batch), best)
    bare, summed, ours = best.values()
    show_ratio(f"append of {size} / bare write", bare, ours, "expected >= 0.8")
    show_ratio(f"write and sum of {size} / bare write", bare, summed, "the most there can be")


def read_and_sum(path: Path) -> Seconds:
    buffer = bytearray(256 << 10)
    descriptor = os.open(path, os.O_RDONLY)
    watch = Stopwatch()
    crc = 0
    while got := os.readv(descriptor, [buffer]):
        crc = crc32c(memoryview(buffer)[:got], crc)
    took = watch.read()
    os.close(descriptor)
    return took


def scan(path: Path) -> Seconds:
    """Recovery's walk over the batches alone: heads, checksums, order, nothing made of them."""
    file = RealFiles().open(str(path))
    watch = Stopwatch()
    scanner = Scanner(file, 0, file.byte_count(), 0)
    limits = PlainLimits(latest_epoch=0, most_offset=1 << 40)
    while scanner.position < scanner.end:
        take_plain(scanner, limits)
        if scanner.position < scanner.end and not scanner.refill():
            scanner.take()
    took = watch.read()
    file.close()
    return took


def recover(folder: Path) -> Seconds:
    """The whole opening after an unclean stop: scan, indexes made anew, syncs, a snapshot."""
    watch = Stopwatch()
    log = Log.open(str(folder / "r-0"), CONFIG, RealFiles(), now_ms=0)
    took = watch.read()
    log.abandon()
    return took


def compare_recovery(folder: Path, byte_count: int, producer_id: int) -> None:
    log = Log.open(str(folder / "r-0"), CONFIG, RealFiles(), now_ms=0)
    values_in_batch = byte_count // 108
    batch = batch_of(byte_count)
    for number in range(RECOVERED_BYTE_COUNT // len(batch)):
        if producer_id >= 0:
            stamp = ProducerStamp(producer_id, 0, number * values_in_batch)
            batch = batch_of(byte_count, stamp)
        log.append(batch, now_ms=0)
    path = Path(log.active_segment.file.path)
    log.flush()
    log.abandon()
    best = best_of(
        {
            "read and sum": lambda: read_and_sum(path),
            "scan": lambda: scan(path),
            "recovery": lambda: recover(folder),
        }
    )
    base, scanned, recovered = best.values()
    who = "a producer's" if producer_id >= 0 else "plain"
    title = f"{who} {byte_count >> 10} KiB"
    show(title, path.stat().st_size, best)
    show_ratio(f"scan of {title} batches", base, scanned, "expected >= 0.7")
    show_ratio(f"whole recovery of {title} batches", base, recovered, "")
    shutil.rmtree(folder / "r-0")


def grow(folder: Path, gib: int) -> None:
    batch = batch_of(1 << 20)
    log = Log.open(str(folder / "m-0"), CONFIG, RealFiles(), now_ms=0)
    before = peak_kib()
    for _ in range((gib << 30) // len(batch)):
        log.append(batch, now_ms=0)
    written = peak_kib()
    log.abandon()
    log = Log.open(str(folder / "m-0"), CONFIG, RealFiles(), now_ms=0)
    assert log.recovery.scanned_segment_count == len(log.segments)
    print(
        f"memory   {gib} GiB log: peak +{written - before} KiB while appending, "
        f"+{peak_kib() - before} KiB after recovering all of it"
    )
    log.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gib", type=int, default=1)
    gib = parser.parse_args().gib
    folder = Path(tempfile.mkdtemp(prefix="bench-log-"))
    try:
        compare_appends(folder, 16 << 10)
        compare_appends(folder, 1 << 20)
        for byte_count in (16 << 10, 1 << 20):
            for producer_id in (-1, 7):
                compare_recovery(folder, byte_count, producer_id)
        grow(folder, gib)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

"""The log: appends beside bare writes, recovery beside reading and summing, in one run.

Repeat with: ./dev bench log [--gib 4]. Writes that much to a temporary folder, twice.
"""

import argparse
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

from crc32c import crc32c

from iowitness.impl.batch_writer import encode_values
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_files import RealFiles

ROUNDS = 5
CONFIG = LogConfig(segment_byte_count=1 << 30, max_batch_byte_count=1 << 21)


def batch_of(byte_count: int) -> bytearray:
    return bytearray(encode_values([b"v" * 100] * (byte_count // 108), 1_700_000_000_000))


def peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def bare_write(folder: Path, batch: bytearray, count: int) -> float:
    descriptor = os.open(folder / "bare", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    started = time.perf_counter()
    for _ in range(count):
        os.write(descriptor, batch)
    elapsed = time.perf_counter() - started
    os.close(descriptor)
    os.unlink(folder / "bare")
    return elapsed


def append(folder: Path, batch: bytearray, count: int) -> float:
    log = Log.open(str(folder / "t-0"), CONFIG, RealFiles(), now_ms=0)
    started = time.perf_counter()
    for _ in range(count):
        log.append(batch, now_ms=0)
    elapsed = time.perf_counter() - started
    log.abandon()
    shutil.rmtree(folder / "t-0")
    return elapsed


def compare_appends(folder: Path, byte_count: int) -> None:
    batch = batch_of(byte_count)
    count = (256 << 20) // len(batch)
    pairs = [
        (bare_write(folder, batch, count), append(folder, batch, count)) for _ in range(ROUNDS)
    ]
    bare, ours = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    gib = count * len(batch) / (1 << 30)
    print(
        f"append   {byte_count >> 10:5} KiB  bare {gib / bare:5.2f} GiB/s"
        f"  log {gib / ours:5.2f} GiB/s"
    )
    print(
        f"ratio    append of {byte_count >> 10} KiB / bare write {bare / ours:6.2f}"
        "  expected >= 0.8"
    )


def read_and_sum(path: Path) -> float:
    buffer = bytearray(256 << 10)
    descriptor = os.open(path, os.O_RDONLY)
    started = time.perf_counter()
    crc = 0
    while got := os.readv(descriptor, [buffer]):
        crc = crc32c(memoryview(buffer)[:got], crc)
    elapsed = time.perf_counter() - started
    os.close(descriptor)
    return elapsed


def compare_recovery(folder: Path, byte_count: int) -> None:
    batch = batch_of(byte_count)
    log = Log.open(str(folder / "r-0"), CONFIG, RealFiles(), now_ms=0)
    for _ in range((512 << 20) // len(batch)):
        log.append(batch, now_ms=0)
    path = Path(log.active_segment.file.path)
    log.flush()
    log.abandon()
    read_s, recovered_s = float("inf"), float("inf")
    for _ in range(ROUNDS):
        read_s = min(read_s, read_and_sum(path))
        started = time.perf_counter()
        log = Log.open(str(folder / "r-0"), CONFIG, RealFiles(), now_ms=0)
        recovered_s = min(recovered_s, time.perf_counter() - started)
        log.abandon()
    gib = path.stat().st_size / (1 << 30)
    print(
        f"recovery {byte_count >> 10:5} KiB  read and sum {gib / read_s:5.2f} GiB/s  "
        f"recovery {gib / recovered_s:5.2f} GiB/s"
    )
    print(
        f"ratio    recovery of {byte_count >> 10} KiB batches {read_s / recovered_s:6.2f}"
        "  expected >= 0.7"
    )
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
        compare_recovery(folder, 16 << 10)
        compare_recovery(folder, 1 << 20)
        grow(folder, gib)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

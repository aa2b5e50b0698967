"""The disk around the page cache: latencies of small requests, rates of large ones, a flush."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from iowitness.calibrate.repeated import Measured, of_values, repeated
from iowitness.calibrate.scratch_file import ScratchFile, aligned_buffer, scratch_file

SMALL_BYTE_COUNT = 4_096
LARGE_BYTE_COUNT = 1 << 20
DEPTHS = (1, 4, 16)
_SMALL_COUNT = 200
_FLUSH_COUNT = 40
_STRIDE = 2_654_435_761
"""Knuth's multiplier: places in an order without a pattern, the same in each run."""

METHOD = (
    f"O_DIRECT: median of {_SMALL_COUNT} random requests of 4 KiB for latencies; requests of 1 MiB "
    f"in order, {', '.join(map(str, DEPTHS))} at once, for rates; a flush is the median fsync "
    "after 4 KiB were appended, less a write's own latency, in the calmest of four stretches, "
    "because what others write at the time only adds to it"
)


def disk_figures(folder: Path, file: ScratchFile) -> dict[str, Measured]:
    """Latencies in microseconds and rates in bytes a second, by the preset's field.

    Rates are named `read_rates.DEPTH` and `write_rates.DEPTH`.
    """
    small = aligned_buffer(SMALL_BYTE_COUNT)

    def read(offset: int) -> None:
        os.preadv(file.direct, [small], offset)

    def write(offset: int) -> None:
        os.pwritev(file.direct, [small], offset)

    found = {
        "read_latency_us": of_values(_latencies_us(file, read)),
        "write_latency_us": of_values(_latencies_us(file, write)),
    }
    stretches = [_append_sync_us(folder)]
    for depth in DEPTHS:
        found[f"read_rates.{depth}"] = repeated(partial(_rate, file, os.preadv, depth), 3)
        found[f"write_rates.{depth}"] = repeated(partial(_rate, file, os.pwritev, depth), 3)
        stretches.append(_append_sync_us(folder))
    found["flush_us"] = _without_write(
        min(stretches, key=lambda one: one.value), found["write_latency_us"].value
    )
    return found


def _without_write(sync: Measured, own_us: float) -> Measured:
    """What a sync takes beyond the write that it waits for."""
    return Measured(
        value=max(0.0, sync.value - own_us),
        low=max(0.0, sync.low - own_us),
        high=max(0.0, sync.high - own_us),
        count=sync.count,
    )


def _places(file: ScratchFile, count: int) -> list[int]:
    blocks = file.byte_count // SMALL_BYTE_COUNT
    return [(number * _STRIDE) % blocks * SMALL_BYTE_COUNT for number in range(1, count + 1)]


def _latencies_us(file: ScratchFile, request: Callable[[int], None]) -> list[float]:
    times = []
    for offset in _places(file, _SMALL_COUNT):
        start_ns = time.perf_counter_ns()
        request(offset)
        times.append((time.perf_counter_ns() - start_ns) / 1_000)
    return times


def _append_sync_us(folder: Path) -> Measured:
    """Syncs of a growing file, which the file system's journal has to note, as a log's are."""
    times = []
    content = bytes(SMALL_BYTE_COUNT)
    with scratch_file(folder, SMALL_BYTE_COUNT) as file:
        for number in range(1, _FLUSH_COUNT + 1):
            os.pwrite(file.cached, content, number * SMALL_BYTE_COUNT)
            start_ns = time.perf_counter_ns()
            os.fsync(file.cached)
            times.append((time.perf_counter_ns() - start_ns) / 1_000)
    return of_values(times)


def _rate(file: ScratchFile, call: Callable[..., int], depth: int) -> float:
    """Bytes a second over the whole file, by as many threads as requests are to be under way."""
    offsets = list(range(0, file.byte_count - LARGE_BYTE_COUNT + 1, LARGE_BYTE_COUNT))

    def work(first: int) -> int:
        buffer = aligned_buffer(LARGE_BYTE_COUNT)
        return sum(call(file.direct, [buffer], offset) for offset in offsets[first::depth])

    with ThreadPoolExecutor(depth) as pool:
        list(pool.map(lambda _: None, range(depth)))  # the threads are there before time runs
        start_ns = time.perf_counter_ns()
        moved = sum(pool.map(work, range(depth)))
        return moved * 1e9 / (time.perf_counter_ns() - start_ns)

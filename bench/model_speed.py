"""How fast the model is: disk requests, events, and an hour of a broker; and what it grows with.

    python bench/model_speed.py [--seconds S] [--json]

CPU seconds of this process are what counts; wall seconds stand beside them. The broker takes 50
MB/s of records of 1 kB from five producers and sends all of it to one group. `--seconds` is how
much is simulated for the figure of an hour (3600: the whole of it, no extrapolation).
"""

import argparse
import json
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import simpy

from iowitness.model.block_request import BlockRequest
from iowitness.model.broker_load import Arrivals, BrokerLoad, ProducerLoad, Storage
from iowitness.model.broker_simulation import simulate_broker
from iowitness.model.disksim_drive import read_drive
from iowitness.model.drive import Drive
from iowitness.model.hard_disk import HardDisk
from iowitness.prediction import hardware_named

DRIVES = Path(__file__).parents[1].parent / "shared" / "disks"
PRESET = "ssd-sata"
GB = 10**9


def drive() -> Drive:
    if DRIVES.exists():
        return read_drive("cheetah9LP.parv", lambda name: (DRIVES / name).read_text())
    disk = hardware_named("hdd-7200").disk
    assert isinstance(disk, Drive)
    return disk


def disk_requests_per_s(count: int = 30_000) -> float:
    """Random reads and writes of 1 to 32 kB on one drive, each issued when the last is done."""
    figures, random = drive(), Random(1)
    disk, now_ns = HardDisk(figures), 0
    requests = [
        BlockRequest(
            "read" if random.random() < 0.6 else "write",
            random.randrange(disk.geometry.block_count - 64),
            random.choice([2, 8, 16, 64]),
        )
        for _ in range(count)
    ]
    started = time.process_time()
    for request in requests:
        now_ns = disk.completion_ns(request, now_ns)
    return count / (time.process_time() - started)


def events_per_s(count: int = 300_000) -> float:
    """Timeouts with one callback each, the kernel of every run."""
    env = simpy.Environment()
    left = count

    def again(_: simpy.Event) -> None:
        nonlocal left
        left -= 1
        if left:
            simpy.Timeout(env, 1).callbacks.append(again)

    simpy.Timeout(env, 1).callbacks.append(again)
    started = time.process_time()
    env.run()
    return count / (time.process_time() - started)


def loop_s() -> float:
    """Ten million additions: what the machine gives just now, to compare runs with one another."""
    total, started = 0, time.process_time()
    for number in range(10_000_000):
        total += number & 3
    return time.process_time() - started


def broker(seconds: float, batch_byte_count: int) -> BrokerLoad:
    return BrokerLoad(
        producers=ProducerLoad(
            arrivals=Arrivals(records_per_s=50_000),
            count=5,
            batch_size_byte_count=batch_byte_count,
            linger_ns=50_000_000,
        ),
        storage=Storage(segment_byte_count=2**28, retention_byte_count=2 * GB),
        duration_ns=int(seconds * 1e9),
    )


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(load: BrokerLoad) -> dict[str, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    figures = simulate_broker(hardware_named(PRESET), load, 1)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    hours = load.duration_ns / 3600e9
    operations = figures.produce_request_count + figures.fetch_count
    return {
        "simulated_s": load.duration_ns / 1e9,
        "stored_gb": figures.stored_byte_count / GB,
        "requests": operations,
        "cpu_s": cpu,
        "wall_s": wall,
        "cpu_s_per_hour": cpu / hours,
        "us_per_request": 1e6 * cpu / operations,
        "peak_mb": peak_mb(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    timed(broker(1, 262_144))  # imports and warm caches
    rows = {
        "a tenth": timed(broker(options.seconds / 10, 262_144)),
        "the whole": timed(broker(options.seconds, 262_144)),
        "a tenth in batches of 64 KiB": timed(broker(options.seconds / 10, 65_536)),
        "a tenth at the default 16 KiB": timed(broker(options.seconds / 10, 16_384)),
    }
    slow = replace(broker(options.seconds / 10, 262_144), sample_count=2_400)
    rows["a tenth with 2,400 samples"] = timed(slow)
    speeds = {"disk_requests_per_s": disk_requests_per_s(), "events_per_s": events_per_s()}
    speeds["loop_s"] = loop_s()
    if options.json:
        print(json.dumps({**speeds, "broker": rows}, indent=2))
        return 0
    print(f"disk model   {speeds['disk_requests_per_s']:12,.0f} requests per CPU second")
    print(f"simulation   {speeds['events_per_s']:12,.0f} events per CPU second")
    print(f"ten million additions in a loop {speeds['loop_s']:.2f} CPU s")
    print(f"\n{'50 MB/s broker':32}{'sim s':>7}{'GB':>7}{'requests':>10}{'CPU s':>8}", end="")
    print(f"{'wall s':>8}{'CPU s/h':>9}{'us/req':>8}{'peak MB':>9}")
    for name, row in rows.items():
        print(
            f"{name:32}{row['simulated_s']:7.0f}{row['stored_gb']:7.1f}{row['requests']:10.0f}"
            f"{row['cpu_s']:8.1f}{row['wall_s']:8.1f}{row['cpu_s_per_hour']:9.1f}"
            f"{row['us_per_request']:8.1f}{row['peak_mb']:9.0f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

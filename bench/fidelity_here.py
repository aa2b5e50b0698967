"""How close predictions come to this machine: calibrate, predict, then run for real, untraced.

    python bench/fidelity_here.py [--dir DIR] [--rounds N] [--preset FILE] [--json]

Each workload is one that calibration does not run: other rates, sizes, batches, flushes, reads.
The real broker, producer and consumers are iowitness's own, each a process; cold reads happen in a
memory cgroup where one can be made (root). Goals: median errors of throughput and p50 under 15 %,
of p99 under 30 %, every count exact or within its band.
"""

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from iowitness.calibrate.calibration import calibrate
from iowitness.calibrate.preset_text import preset_text
from iowitness.impl.log_names import LOG
from iowitness.impl.producer_batch import RECORD_OVERHEAD_BYTE_COUNT
from iowitness.model.broker_load import (
    Arrivals,
    BrokerLoad,
    BrokerThreads,
    ConsumerLoad,
    ProducerLoad,
    RecordSizes,
    Storage,
)
from iowitness.model.broker_simulation import simulate_broker
from iowitness.model.hardware import Hardware
from iowitness.preset_files import hardware_named
from iowitness.real_run.paced import (
    TOPIC,
    BrokerSettings,
    Consumed,
    PacedProduce,
    Produced,
    consuming,
    producing,
    running_broker,
)
from iowitness.real_run.priority import ahead_of_others

RECORD = 1_000
COLD_LIMIT = 192 << 20
BAND = 0.1
MEMORY_CONTROLLER = Path("/sys/fs/cgroup/memory")


PLAIN = BrokerSettings()


@dataclass(frozen=True)
class Workload:
    """`readers` above 0 measures reading what `produce` stored; else producing is measured."""

    name: str
    produce: PacedProduce
    settings: BrokerSettings = PLAIN
    readers: int = 0
    cold: bool = False


@dataclass
class Seen:
    """Medians over rounds, or the prediction."""

    throughput: float
    p50_s: float | None = None
    p99_s: float | None = None
    counts: dict[str, float] = field(default_factory=dict)


def at_rate(rate: float, seconds: float = 3.0, **fields: object) -> PacedProduce:
    return PacedProduce(record_count=int(rate * seconds), records_per_s=rate, **fields)  # type: ignore[arg-type]


STORED = PacedProduce(record_count=120_000, records_per_s=None, batch_size=32_768, linger_ms=20)
COPYING = BrokerSettings(read_path="copy")
SYNCED = BrokerSettings(flush_record_count=1)

WORKLOADS = (
    Workload("produce, 500 records/s", at_rate(500)),
    Workload("produce, 2,000 records/s", at_rate(2_000)),
    Workload("produce, 6,000 records/s", at_rate(6_000)),
    Workload("produce, 15,000 records/s", at_rate(15_000)),
    Workload("produce, 4 kB records, 1,000/s", at_rate(1_000, record_byte_count=4_000)),
    Workload("produce, linger 20 ms, 64 KiB", at_rate(3_000, linger_ms=20, batch_size=65_536)),
    Workload("produce, no linger, 1,000/s", at_rate(1_000, linger_ms=0)),
    Workload(
        "produce, as fast as it can",
        PacedProduce(record_count=60_000, records_per_s=None, batch_size=16_384),
    ),
    Workload("produce, fsync every request, 500/s", at_rate(500), SYNCED),
    Workload("produce, fsync every request, 3,000/s", at_rate(3_000), SYNCED),
    Workload("one reader, cached, sendfile", STORED, readers=1),
    Workload("one reader, cached, copying", STORED, COPYING, readers=1),
    Workload("two readers, cached, sendfile", STORED, readers=2),
    Workload("one reader, cold, sendfile", STORED, readers=1, cold=True),
    Workload("one reader, cold, copying", STORED, COPYING, readers=1, cold=True),
)


def predicted(work: Workload, hardware: Hardware) -> Seen:
    return _reading(work, hardware) if work.readers else _producing(work, hardware)


def _load(work: Workload, seconds: float, records_per_s: float, **fields: object) -> BrokerLoad:
    order = work.produce
    return BrokerLoad(
        producers=ProducerLoad(
            arrivals=Arrivals(records_per_s=records_per_s, kind="constant"),
            sizes=RecordSizes(mean_byte_count=order.record_byte_count),
            batch_size_byte_count=order.batch_size,
            linger_ns=order.linger_ms * 1_000_000,
            max_in_flight=order.max_in_flight,
            # Our producer's sender is woken when the caller's allowance of one batch is used up.
            look_record_count=max(
                1, order.batch_size // (order.record_byte_count + RECORD_OVERHEAD_BYTE_COUNT)
            ),
        ),
        duration_ns=int(seconds * 1e9),
        threads=BrokerThreads(network_count=1, request_count=0),
        transfer=work.settings.read_path,
        **fields,  # type: ignore[arg-type]
    )


def _producing(work: Workload, hardware: Hardware) -> Seen:
    order = work.produce
    rate = order.records_per_s
    seconds = order.record_count / rate if rate else 2.0
    storage = Storage(partition_count=1, flush_record_count=work.settings.flush_record_count)
    load = _load(work, seconds, rate or 500_000.0, consumers=(), storage=storage)
    figures = simulate_broker(hardware, load, 0)
    latency = figures.produce_latency
    return Seen(
        throughput=figures.acknowledged_record_count / seconds * order.record_byte_count,
        p50_s=latency.quantile_ns(0.5) / 1e9 if rate else None,
        p99_s=latency.quantile_ns(0.99) / 1e9 if rate else None,
        counts={"records a batch": figures.acknowledged_record_count / max(1, figures.batch_count)},
    )


def _reading(work: Workload, hardware: Hardware) -> Seen:
    """The rate at which groups work off more than they can finish in the simulated time."""
    stored = 12_000_000_000
    if work.cold:
        memory = {name: getattr(hardware.memory, name) for name in hardware.memory.__slots__}
        memory["byte_count"] = COLD_LIMIT
        hardware = Hardware(
            name=hardware.name,
            disk=hardware.disk,
            processor=hardware.processor,
            memory=type(hardware.memory)(**memory),
            link=hardware.link,
        )
    groups = tuple(
        ConsumerLoad(name=f"reader-{number}", start_lag_byte_count=stored)
        for number in range(work.readers)
    )
    storage = Storage(partition_count=1, stored_byte_count=stored)
    load = _load(work, 3.0, 1.0, consumers=groups, storage=storage, warm_up_ns=500_000_000)
    figures = simulate_broker(hardware, load, 0)
    delivered = sum(group.delivered_byte_count for group in figures.groups)
    return Seen(
        throughput=sum(group.bytes_per_s for group in figures.groups),
        p50_s=figures.fetch_latency.quantile_ns(0.5) / 1e9,
        p99_s=figures.fetch_latency.quantile_ns(0.99) / 1e9,
        counts={"bytes a fetch": delivered / max(1, figures.fetch_count)},
    )


def observed(work: Workload, folder: Path, rounds: int) -> Seen:
    found = [_observed_once(work, folder) for _ in range(rounds)]
    return Seen(
        throughput=median(one.throughput for one in found),
        p50_s=_median([one.p50_s for one in found]),
        p99_s=_median([one.p99_s for one in found]),
        counts={name: median(one.counts[name] for one in found) for name in found[0].counts},
    )


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _observed_once(work: Workload, folder: Path) -> Seen:
    data = Path(tempfile.mkdtemp(prefix=".fidelity.", dir=folder))
    try:
        return _read_for_real(work, data) if work.readers else _produce_for_real(work, data)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _produce_for_real(work: Workload, data: Path) -> Seen:
    order = work.produce
    with running_broker(data, work.settings) as broker:
        made = producing(broker.port, order).result(Produced)
    paced = order.records_per_s is not None
    times = sorted(made.latencies_s)
    return Seen(
        throughput=made.record_count * order.record_byte_count / made.wall_s,
        p50_s=times[len(times) // 2] if paced else None,
        p99_s=times[len(times) * 99 // 100] if paced else None,
        counts={"records a batch": made.record_count / (_batch_count(data) - 1)},
    )


def _batch_count(data: Path) -> int:
    """Batches stored, by the lengths in their heads. The first record of a run is one alone."""
    (segment,) = data.glob(f"{TOPIC}-0/*{LOG}")
    content = segment.read_bytes()
    count = at = 0
    while at < len(content):
        at += 12 + int.from_bytes(content[at + 8 : at + 12], "big")
        count += 1
    return count


def _read_for_real(work: Workload, data: Path) -> Seen:
    with _cgroup(work) as cgroup:
        with running_broker(data, work.settings) as broker:
            producing(broker.port, work.produce).result(Produced)
        if work.cold:
            _forget(data)
        settings = BrokerSettings(read_path=work.settings.read_path, memory_cgroup=cgroup)
        with running_broker(data, settings) as broker:
            if work.cold:
                _forget(data)
            readers = [
                consuming(broker.port, work.produce.record_count) for _ in range(work.readers)
            ]
            found = [one.result(Consumed) for one in readers]
    times = sorted(time_s for one in found for time_s in one.fetch_latencies_s)
    return Seen(
        throughput=sum(one.byte_count / one.wall_s for one in found),
        p50_s=times[len(times) // 2],
        p99_s=times[len(times) * 99 // 100],
        counts={
            "bytes a fetch": sum(one.byte_count for one in found)
            / sum(one.fetch_count for one in found)
        },
    )


def _forget(data: Path) -> None:
    for path in data.glob(f"{TOPIC}-*/*{LOG}"):
        descriptor = os.open(path, os.O_RDONLY)
        os.fdatasync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


@contextmanager
def _cgroup(work: Workload) -> Iterator[str | None]:
    """A memory cgroup with little memory, for cold reads; None where none can be made."""
    path = MEMORY_CONTROLLER / f"iowitness-fidelity-{os.getpid()}"
    if not work.cold or not (MEMORY_CONTROLLER / "memory.limit_in_bytes").exists():
        yield None
        return
    try:
        path.mkdir()
    except OSError:
        yield None
        return
    try:
        (path / "memory.limit_in_bytes").write_text(str(COLD_LIMIT))
        yield str(path)
    finally:
        path.rmdir()


def error(ours: float | None, real: float | None) -> float | None:
    return None if ours is None or not real else abs(ours - real) / real


def told(value: float | None, scale: float) -> str:
    return "-" if value is None else f"{value * scale:.3g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--preset", help="a calibrated preset, instead of calibrating now")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        preset = options.preset
        if preset is None:
            preset = str(Path(scratch) / "here.yaml")
            Path(preset).write_text(preset_text(calibrate(options.dir, 256 << 20, print)))
        hardware = hardware_named(preset)
    rows = []
    print(f"{'':38}{'MB/s':>16}{'p50 ms':>17}{'p99 ms':>17}   counts (predicted / measured)")
    with ahead_of_others() as priority:
        for work in WORKLOADS:
            rows.append(
                row(work, predicted(work, hardware), observed(work, options.dir, options.rounds))
            )
    print(f"at {priority}, medians of {options.rounds} rounds")
    for name, goal in (("throughput", 0.15), ("p50", 0.15), ("p99", 0.30)):
        errors = [one[name] for one in rows if one[name] is not None]
        print(f"median error of {name}: {median(errors):.1%} of {len(errors)} (goal {goal:.0%})")
    free = [one["throughput"] for one in rows if one["unpaced"] and one["throughput"] is not None]
    print(f"of throughput where no rate limits it: {median(free):.1%} of {len(free)}")
    off = [one["name"] for one in rows if not one["counts_agree"]]
    print(
        f"counts within {BAND:.0%}: {len(rows) - len(off)} of {len(rows)}"
        + "".join(f"; off: {n}" for n in off)
    )
    if options.json:
        print(json.dumps(rows))


def row(work: Workload, ours: Seen, real: Seen) -> dict[str, object]:
    columns = (
        (ours.throughput, real.throughput, 1e-6),
        (ours.p50_s, real.p50_s, 1e3),
        (ours.p99_s, real.p99_s, 1e3),
    )
    cells = "".join(f"{f'{told(a, s)} / {told(b, s)}':>17}" for a, b, s in columns)
    counts = ", ".join(f"{n} {v:,.4g} / {real.counts[n]:,.4g}" for n, v in ours.counts.items())
    print(f"{work.name:37}{cells}   {counts}", flush=True)
    errors = dict(
        zip(("throughput", "p50", "p99"), (error(a, b) for a, b, _ in columns), strict=True)
    )
    agree = all(abs(v - real.counts[n]) <= BAND * real.counts[n] for n, v in ours.counts.items())
    unpaced = work.produce.records_per_s is None
    return {"name": work.name, **errors, "counts_agree": agree, "unpaced": unpaced}


if __name__ == "__main__":
    main()

"""Page cache figures chosen on some measurements and scored on others: are they fitted?

    python bench/crossvalidate_pagecache.py [DIR] [--json]

Every figure of the machine is read off anew from a part of the measurements, by one rule each, and
all rows are predicted with it; rows that had a part in choosing are marked. The memory curves
(`memory_*gb.csv`: free, cached and dirty GB each second) share no number with the rows of times:

- disk read: cached memory grows, nothing is dirty; disk write: dirty memory falls, nothing is read
- a page's way into the cache: cached memory's growth by writing, less the copy at the benchmarked
  rate; a second, slower speed is the other memory node's
- a fault: free memory's fall by reading cached pages into fresh memory, less the copy

Rates of many programs at once are in no curve; they come from some of the rows of times.
"""

import argparse
import csv
import json
import sys
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import fidelity_pagecache as fidelity

from iowitness.model.hardware import Hardware, RateByDepth, VirtualDiskFigures
from iowitness.prediction import hardware_named

COPY_BYTES_PER_S = 6.86e9  # benchmarked by the authors, no part of any row
PAGE = 4_096
FILE_BYTES, TASKS = 3e9, 3
MANY = 8
LEAST_SECONDS = 10


@dataclass(frozen=True)
class Speeds:
    """What a memory curve shows, in GB/s; `remote_store` is None where one speed was seen."""

    disk_read: float
    disk_write: float
    store: float
    remote_store: float | None
    fault: float


def steps(path: Path) -> list[tuple[float, float, float]]:
    """Changes of free, cached and dirty GB in each second."""
    rows = list(csv.DictReader(path.read_text().splitlines()))
    values = [tuple(float(row[k]) for k in ("free_GB", "cache_GB", "dirty_GB")) for row in rows]
    return [(b[0] - a[0], b[1] - a[1], b[2] - a[2]) for a, b in pairwise(values)]


def fastest(values: list[float]) -> float:
    """The speed of the undisturbed seconds: nine tenths of all are no faster."""
    return sorted(values)[len(values) * 9 // 10]


def speeds(path: Path) -> Speeds:
    changes = steps(path)
    stores = [cached for _, cached, _ in changes if cached > 1.8]
    fast = fastest(stores)
    slow = [store for store in stores if store < 0.85 * fast]
    faults = [-free for free, cached, _ in changes if abs(cached) < 0.01 and free < -1.2]
    return Speeds(
        disk_read=median([c for _, c, d in changes if 0.3 < c < 0.8 and abs(d) < 0.01]),
        disk_write=median([-d for _, c, d in changes if d < -0.3 and abs(c) < 0.01]),
        store=fast,
        remote_store=median(slow) if len(slow) >= LEAST_SECONDS else None,
        fault=fastest(faults),
    )


def hardware(seen: Speeds, many_disk: float | None, many_copy: float | None) -> Hardware:
    base = hardware_named(fidelity.PRESET)
    assert isinstance(base.disk, VirtualDiskFigures)
    copy_ns = 1e9 / COPY_BYTES_PER_S
    remote_ns = 0.0
    if seen.remote_store is not None:
        remote_ns = 1 / seen.remote_store - 1 / seen.store

    def rates(one: float) -> tuple[RateByDepth, ...]:
        alone = RateByDepth(depth=1, bytes_per_s=one * 1e9)
        return (alone, RateByDepth(depth=MANY, bytes_per_s=many_disk)) if many_disk else (alone,)

    return replace(
        base,
        disk=replace(
            base.disk, read_rates=rates(seen.disk_read), write_rates=rates(seen.disk_write)
        ),
        processor=replace(
            base.processor,
            cache_page_ns=round((1 / seen.store - copy_ns) * PAGE),
            page_fault_ns=round((1 / seen.fault - copy_ns) * PAGE),
        ),
        memory=replace(
            base.memory,
            remote_store_ns_per_kib=round(remote_ns * 1_024),
            copy_total_bytes_per_s=int(many_copy or 1e12),
        ),
    )


def many_rates(
    path: Path, seen: Speeds, counts: tuple[int, ...]
) -> tuple[float | None, float | None]:
    """What some rows with many programs say of the disk, and of all cores' copies."""
    disk, copies = [], []
    for row in csv.DictReader(path.read_text().splitlines()):
        count = int(row["n_apps"])
        if count not in counts or count < MANY:
            continue
        warm_s = (TASKS - 1) * FILE_BYTES / (seen.fault * 1e9)
        disk.append(count * FILE_BYTES / (float(row["real_read_s"]) - warm_s))
        # Writers are slowed down by nothing else while most of what they write may be dirty.
        if count * TASKS * FILE_BYTES < 75e9:
            copies.append(count * TASKS * FILE_BYTES / float(row["real_write_s"]))
    return (sum(disk) / len(disk) if disk else None), (copies[0] if copies else None)


def errors(machine: Hardware, folder: Path) -> dict[str, float]:
    """Absolute relative errors in percent by row, with one machine for all."""
    original, fidelity.hardware_named = fidelity.hardware_named, lambda _: machine
    try:
        rows = [r for p in sorted(folder.glob("single_app*.csv")) for r in fidelity.single_rows(p)]
        for path in sorted(folder.glob("concurrent_apps*.csv")):
            rows += fidelity.concurrent_rows(path)
    finally:
        fidelity.hardware_named = original
    return {row.name: row.error_percent for row in rows}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=fidelity.DEFAULT_FOLDER)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    small, large = (speeds(options.folder / f"memory_{size}gb.csv") for size in (20, 75))
    rows = options.folder / "concurrent_apps_times.csv"
    found = {}
    for title, seen, counts in (
        ("20 GB curve alone", small, ()),
        ("75 GB curve alone", large, ()),
        ("75 GB curve, rows of 8 and 16", large, (8, 16)),
        ("75 GB curve, rows of 1, 12 and 26", large, (1, 12, 26)),
    ):
        disk, copies = many_rates(rows, seen, counts)
        machine = hardware(seen, disk, copies)
        chosen = tuple(f"{count} apps " for count in counts)
        found[title] = (machine, chosen, errors(machine, options.folder))
    found["the preset"] = (
        hardware_named(fidelity.PRESET), (), errors(hardware_named(fidelity.PRESET), options.folder)
    )  # fmt: skip
    report = {}
    for title, (machine, chosen, row_errors) in found.items():
        kept_apart = {k: v for k, v in row_errors.items() if not k.startswith(chosen or ("-",))}
        single = [v for k, v in kept_apart.items() if "GB" in k]
        several = [v for k, v in kept_apart.items() if "apps" in k]
        assert isinstance(machine.disk, VirtualDiskFigures)
        report[title] = {
            "read_mb_per_s": [r.bytes_per_s / 1e6 for r in machine.disk.read_rates],
            "write_mb_per_s": [r.bytes_per_s / 1e6 for r in machine.disk.write_rates],
            "cache_page_ns": machine.processor.cache_page_ns,
            "page_fault_ns": machine.processor.page_fault_ns,
            "remote_store_ns_per_kib": machine.memory.remote_store_ns_per_kib,
            "copy_total_gb_per_s": machine.memory.copy_total_bytes_per_s / 1e9,
            "one_program_percent": fidelity.mean(single),
            "several_percent": fidelity.mean(several),
        }
    if options.json:
        print(json.dumps(report, indent=2))
        return 0
    print(f"{'figures chosen on':36}{'page ns':>8}{'fault ns':>9}{'remote':>7}", end="")
    print(f"{'read MB/s':>14}{'write MB/s':>14}{'one program':>13}{'several':>9}")
    for title, row in report.items():
        reads, writes = (
            "/".join(f"{rate:.0f}" for rate in row[key])
            for key in ("read_mb_per_s", "write_mb_per_s")
        )
        print(
            f"{title:36}{row['cache_page_ns']:8}{row['page_fault_ns']:9}"
            f"{row['remote_store_ns_per_kib']:7}{reads:>14}{writes:>14}"
            f"{row['one_program_percent']:11.1f} %{row['several_percent']:7.1f} %"
        )
    print("errors are means over rows that had no part in choosing")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How close the page-cache model comes to measured programs: relative errors, row by row.

    python bench/fidelity_pagecache.py [DIR] [--json]

DIR has `single_app*.csv` (size_gb, op, task, real_s, optionally another simulator's seconds) and
`concurrent_apps*.csv` (n_apps, real_read_s, real_write_s, ...): programs of three tasks, each of
which reads a file whole into fresh memory, computes and writes the next file whole. The hardware is
the preset `xeon-6130-ssd`, the same for all rows.
"""

import argparse
import csv
import json
import sys
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from iowitness.model.file_pipeline import PipelineLoad, run_pipelines
from iowitness.prediction import hardware_named

DEFAULT_FOLDER = Path(__file__).parents[1].parent / "shared" / "pagecache"
PRESET = "xeon-6130-ssd"
TASKS = 3
CONCURRENT_GB = 3.0
COMPUTE_S = ((3, 4.4), (20, 28), (50, 75), (75, 110), (100, 155))
"""Seconds of computing by GB of input, as measured with the programs."""
OTHER_CACHED_BYTES, OTHER_USED_BYTES = 5_240_000_000, 1_970_000_000
"""What memory held when the programs started, by the recorded memory curves."""


@dataclass
class Row:
    name: str
    real_s: float
    ours_s: float
    other_s: float | None

    @property
    def error_percent(self) -> float:
        return 100 * abs(self.ours_s - self.real_s) / self.real_s


def load(program_count: int, size_gb: float) -> PipelineLoad:
    pairs = pairwise(COMPUTE_S)
    (low, low_s), (high, high_s) = next(
        ((a, b) for a, b in pairs if size_gb <= b[0]), COMPUTE_S[-2:]
    )
    compute_s = low_s + (size_gb - low) * (high_s - low_s) / (high - low)
    return PipelineLoad(
        program_count=program_count,
        task_count=TASKS,
        file_byte_count=int(size_gb * 1e9),
        compute_ns=int(compute_s * 1e9),
        other_cached_byte_count=OTHER_CACHED_BYTES,
        other_used_byte_count=OTHER_USED_BYTES,
    )


def single_rows(path: Path) -> list[Row]:
    rows, runs = [], {}
    for line in csv.DictReader(path.read_text().splitlines()):
        size = float(line["size_gb"])
        if size not in runs:
            runs[size] = run_pipelines(hardware_named(PRESET), load(1, size)).programs[0]
        times = runs[size][int(line["task"]) - 1]
        ours = (times.read_ns if line["op"] == "read" else times.write_ns) / 1e9
        name = f"{size:g} GB {line['op']} {line['task']}"
        other = float(line["wrench_cache_s"]) if line.get("wrench_cache_s") else None
        rows.append(Row(name, float(line["real_s"]), ours, other))
    return rows


def concurrent_rows(path: Path) -> list[Row]:
    rows = []
    for line in csv.DictReader(path.read_text().splitlines()):
        count = int(line["n_apps"])
        programs = run_pipelines(hardware_named(PRESET), load(count, CONCURRENT_GB)).programs
        for op in ("read", "write"):
            ours = sum(
                (t.read_ns if op == "read" else t.write_ns) for times in programs for t in times
            ) / (1e9 * count)
            column = f"wrench_cache_{op}_s"
            other = float(line[column]) if line.get(column) else None
            rows.append(Row(f"{count} apps {op}", float(line[f"real_{op}_s"]), ours, other))
    return rows


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def shown(title: str, rows: list[Row]) -> None:
    print(f"\n{title:18}{'real s':>10}{'ours s':>10}{'error':>9}{'WRENCH-cache':>14}")
    for row in rows:
        other = f"{100 * abs(row.other_s - row.real_s) / row.real_s:.1f} %" if row.other_s else ""
        print(f"{row.name:18}{row.real_s:10.3f}{row.ours_s:10.3f}", end="")
        print(f"{row.error_percent:7.1f} %{other:>14}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    single = [r for p in sorted(options.folder.glob("single_app*.csv")) for r in single_rows(p)]
    several = [
        r for p in sorted(options.folder.glob("concurrent_apps*.csv")) for r in concurrent_rows(p)
    ]
    if not single and not several:
        print(f"{options.folder}: no single_app*.csv, no concurrent_apps*.csv", file=sys.stderr)
        return 2
    groups = {"one program": single, "programs at once": several}
    if options.json:
        print(json.dumps({name: [asdict(row) for row in rows] for name, rows in groups.items()}))
        return 0
    for name, rows in groups.items():
        if rows:
            shown(name, rows)
            print(f"mean absolute relative error {mean([row.error_percent for row in rows]):.1f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())

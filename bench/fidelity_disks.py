"""How close the disk model comes to measured drives: demerit figures, drive by drive.

    python bench/fidelity_disks.py [DIR] [--json]

DIR has, for each drive, `NAME.parv` with the files it names, and `NAME.trace`: one request a line,
`R|W`, buffer action, block, block count, measured access time in us, pause in us. Requests are
replayed one at a time: next issue = completion + pause. A README.md with a table `| drive |
requests | mean ms | demerit ms | relative |` gives the figures to compare with. A drive that cannot
be read is named, left out, and makes the exit code 2.
"""

import argparse
import json
import re
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from iowitness.model.block_request import BlockRequest
from iowitness.model.demerit import demerit
from iowitness.model.disksim_drive import read_drive
from iowitness.model.disksim_text import DriveFileError
from iowitness.model.hard_disk import HardDisk

DEFAULT_FOLDER = Path(__file__).parents[1].parent / "shared" / "disks"
ROW = re.compile(
    r"^\| *(\w+) *\| *[\d,]+ *\| *[\d.]+ *\| *([\d.]+) *\| *([\d.]+) *% *\|", re.MULTILINE
)


@dataclass
class Fidelity:
    drive: str
    request_count: int
    measured_mean_ms: float
    simulated_mean_ms: float
    demerit_ms: float
    relative_percent: float
    reference_percent: float | None
    requests_per_cpu_s: float


def replayed(folder: Path, name: str, reference: float | None) -> Fidelity:
    disk = HardDisk(read_drive(f"{name}.parv", lambda file: (folder / file).read_text()))
    lines = (folder / f"{name}.trace").read_text().splitlines()
    rows = [line.split() for line in lines if line.strip()]
    measured = [float(row[4]) / 1e3 for row in rows]
    simulated, now_ns, started = [], 0, time.process_time()
    for kind, _, block, count, _, pause_us in rows:
        request = BlockRequest("read" if kind == "R" else "write", int(block), int(count))
        done_ns = disk.completion_ns(request, now_ns)
        simulated.append((done_ns - now_ns) / 1e6)
        now_ns = done_ns + round(float(pause_us) * 1e3)
    taken_s = time.process_time() - started
    distance, mean = demerit(simulated, measured), sum(measured) / len(measured)
    return Fidelity(
        name, len(rows), mean, sum(simulated) / len(simulated), distance,
        100 * distance / mean, reference, len(rows) / taken_s,
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    names = sorted(
        p.stem for p in options.folder.glob("*.parv") if p.with_suffix(".trace").exists()
    )
    if not names:
        print(f"{options.folder}: no NAME.parv with a NAME.trace beside it", file=sys.stderr)
        return 2
    readme = options.folder / "README.md"
    table = ROW.findall(readme.read_text()) if readme.exists() else []
    references = {name: float(percent) for name, _, percent in table}
    rows, failed = [], 0
    for name in names:
        try:
            rows.append(replayed(options.folder, name, references.get(name)))
        except (DriveFileError, FileNotFoundError, ValueError) as error:
            failed += 1
            print(f"{name}: left out: {error}", file=sys.stderr)
    if not rows:
        return 2
    mean = sum(row.relative_percent for row in rows) / len(rows)
    if options.json:
        print(json.dumps({"drives": [asdict(row) for row in rows], "mean_percent": mean}, indent=2))
        return 2 if failed else 0
    print(f"{'drive':14}{'requests':>9}{'mean ms':>9}{'ours ms':>9}{'demerit':>9}", end="")
    print(f"{'relative':>10}{'DiskSim':>9}{'req/CPU s':>11}")
    for row in rows:
        reference = f"{row.reference_percent:.1f} %" if row.reference_percent else ""
        print(
            f"{row.drive:14}{row.request_count:9}{row.measured_mean_ms:9.3f}"
            f"{row.simulated_mean_ms:9.3f}{row.demerit_ms:9.3f}{row.relative_percent:8.2f} %"
            f"{reference:>9}{row.requests_per_cpu_s:11.0f}"
        )
    print(f"mean relative demerit {mean:.2f} %")
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

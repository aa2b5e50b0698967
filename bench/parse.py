"""Lines per second of this reader, stracetools and strace-parser on the same files, in one run.

    ./dev bench parse [FILE ...] [--repeat N] [--memory-mb N]

The rivals read what they can of each file: how much that is, is printed with their speed (a line
counts as read where they do not refuse it, right or wrong). stracetools gets the lines from memory,
with times of the one form that it knows. Speed is by CPU time of the one process, because the
machine may be shared, and by wall time beside it; each is the best of several runs, in turns.
Figures of one run compare with each other; between runs and machines only the ratios do.
`--memory-mb 1000` repeats a recording until it is that large and prints the peak memory of reading
it as a stream.
"""

import argparse
import lzma
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from iowitness.traces.strace_history import stream

RECORDED = Path(__file__).parents[1] / "traces" / "recorded"
RIVAL_TURNS = 3
ORACLE_LINE_COUNT = 300
"""strace-parser reads a few hundred lines a second: it gets the first lines only."""


@dataclass
class Timed:
    """The shortest CPU and wall time of several runs, and how many lines were read."""

    cpu_s: float = float("inf")
    wall_s: float = float("inf")
    read: int = 0

    def run(self, work: Callable[[], int]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.read = work()
        self.cpu_s = min(self.cpu_s, time.process_time() - cpu)
        self.wall_s = min(self.wall_s, time.perf_counter() - wall)

    def told(self, name: str, line_count: int) -> str:
        return (
            f"  {name:14} {line_count / self.cpu_s:>9,.0f} lines/s of CPU time "
            f"({line_count / self.wall_s:,.0f} of wall time)  read {self.read / line_count:6.1%}"
        )


def ours(path: Path) -> int:
    events = stream(path)
    for _ in events:
        pass
    return sum(events.provenance.line_counts.values())


def with_times_of_day(lines: list[str]) -> list[str]:
    """The lines with `-tt` times, the only ones that stracetools knows."""
    changed = []
    for line in lines:
        pid, clock, text = line.split(maxsplit=2)
        of_day = time.strftime("%H:%M:%S", time.gmtime(float(clock)))
        changed.append(f"{pid} {of_day}.{clock.partition('.')[2][:6]} {text}")
    return changed


def stracetools(lines: list[str]) -> int:
    from stracetools import StraceParser

    parser, read = StraceParser(), 0
    for line in lines:
        try:
            read += parser.parse_line(line) is not None
        except ValueError:
            continue
    return read


def strace_parser(lines: list[str]) -> int:
    from lark import UnexpectedInput
    from strace_parser.parser import get_parser

    parser, read = get_parser(), 0
    for line in lines:
        try:
            parser.parse(line + "\n")
            read += 1
        except UnexpectedInput:
            continue
    return read


def measure(path: Path, repeat: int) -> None:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    total = len(lines)
    print(f"\n{path.name}: {total} lines")
    mine, rival = Timed(), Timed()
    shown_to_rival = with_times_of_day(lines)
    missing = False
    for turn in range(repeat):
        mine.run(lambda: ours(path))
        if turn < RIVAL_TURNS and not missing:
            try:
                rival.run(lambda: stracetools(shown_to_rival))
            except ImportError:
                missing = True
    print(mine.told("iowitness", total))
    if missing:
        print("  stracetools    is missing: ./dev bench parse installs it")
    else:
        print(f"{rival.told('stracetools', total)}  "
              f"iowitness is {rival.cpu_s / mine.cpu_s:.1f} times as fast")  # fmt: skip
    for label, shown in (("", lines), (" (no pid column)", [x.partition(" ")[2] for x in lines])):
        some = [line.strip() for line in shown[:ORACLE_LINE_COUNT]]
        oracle = Timed()
        oracle.run(lambda some=some: strace_parser(some))
        print(f"{oracle.told('strace-parser', len(some))}  of the first {len(some)}{label}")


def peak_memory(megabytes: int) -> None:
    """The peak memory of a fresh process that reads a large trace as a stream."""
    text = lzma.decompress((RECORDED / "kafka43.strace.xz").read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.strace"
        with path.open("wb") as file:
            while file.tell() < megabytes * 1_000_000:
                file.write(text)
        started = time.perf_counter()
        child = subprocess.run(
            [sys.executable, __file__, "--read", str(path)],
            check=True,
            capture_output=True,
            text=True,
        )
        seconds = time.perf_counter() - started
        lines, peak_kb = (int(word) for word in child.stdout.split())
        size_mb = path.stat().st_size / 1e6
        print(f"\n{size_mb:,.0f} MB, {lines:,} lines: peak {peak_kb / 1024:,.0f} MB, ", end="")
        print(f"{lines / seconds:,.0f} lines/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--memory-mb", type=int, default=0)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read is not None:
        print(ours(options.read), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return
    print(f"python {sys.version.split()[0]}, {os.cpu_count()} cores, one in use")
    with tempfile.TemporaryDirectory() as folder:
        files = list(options.files)
        for packed in () if files else sorted(RECORDED.glob("*.xz")):
            files.append(Path(folder) / packed.stem)
            files[-1].write_bytes(lzma.decompress(packed.read_bytes()))
        for path in files:
            measure(path, options.repeat)
    if options.memory_mb:
        peak_memory(options.memory_mb)


if __name__ == "__main__":
    main()

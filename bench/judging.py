"""How long judging takes, and how much memory, on a recorded trace and on one of a gigabyte.

Repeat: python bench/judging.py ../shared/recorded/kafka43.strace.xz /srv/ref/data [GIGABYTES]
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from iowitness.specs.suite import load_suite
from iowitness.trace_sources import judged_stream

_LINE = (
    b"%d %d.%06d pwrite64(71</data/plain-0/00000000000000000000.log>, "
    b'"\\0\\0\\0\\0\\0\\0\\0\\3\\0\\0?\\211\\0\\0\\0\\0\\2\\10\\204"..., 16277, %d) '
    b"= 16277 <0.000040>\n"
)
_OPENING = (
    b'100 1795432000.000000 openat(AT_FDCWD</>, "/data/plain-0/00000000000000000000.log", '
    b"O_RDWR|O_CREAT|O_TRUNC, 0666) = 71</data/plain-0/00000000000000000000.log> <0.000034>\n"
)
_TRANSFER = (
    b"100 %d.%06d sendfile(76<TCP:[127.0.0.1:9092->127.0.0.1:40000]>, "
    b"71</data/plain-0/00000000000000000000.log>, [%d] => [%d], 16277) = 16277 <0.000097>\n"
)


def main() -> None:
    trace, root = Path(sys.argv[1]), sys.argv[2]
    start_s, cpu_s = time.perf_counter(), time.process_time()
    _judge(trace, root)
    took = f"{time.perf_counter() - start_s:.2f} s ({time.process_time() - cpu_s:.2f} s of CPU)"
    print(f"{trace.name}: read and judged in {took}")
    gigabytes = float(sys.argv[3]) if len(sys.argv) > 3 else 1.0
    with tempfile.TemporaryDirectory() as folder:
        for share in (0.1, 1.0):
            _judge_large(Path(folder) / "large.strace", int(share * gigabytes * 1e9))


def _judge(trace: Path, root: str) -> None:
    suite = load_suite("kafka", {"root": root})
    for verdict in judged_stream(trace, suite.contracts_for_traces, suite.root).verdicts:
        print(f"  {verdict.outcome} {verdict.contract}: {verdict.summary}")


def _judge_large(path: Path, byte_count: int) -> None:
    with path.open("wb") as file:
        file.write(_OPENING)
        written, number = 0, 0
        while written < byte_count:
            second, microsecond = divmod(number * 100, 1_000_000)
            place = 1_795_432_001 + second, microsecond
            offset = number * 16_277
            written += file.write(_LINE % (100, *place, offset))
            written += file.write(_TRANSFER % (place[0], place[1] + 50, offset, offset + 16_277))
            number += 1
        file.write(b"100 %d.000000 +++ exited with 0 +++\n" % (place[0] + 1))
    start_s, cpu_s = time.perf_counter(), time.process_time()
    _judge(path, "/data")
    taken_s = time.perf_counter() - start_s
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    taken_cpu_s = time.process_time() - cpu_s
    print(
        f"{written / 1e9:.2f} GB in {taken_s:.1f} s ({taken_cpu_s:.1f} s of CPU), "
        f"peak {peak_mib:.0f} MiB in memory"
    )


if __name__ == "__main__":
    main()

"""`python -m iowitness.real_run ORDER RESULT`: what `verify` starts, under strace or without."""

import signal
import sys
from pathlib import Path

from iowitness.real_run.child import ChildFailed, die_with_parent
from iowitness.real_run.driver import Driver
from iowitness.real_run.run_files import read_order, write_json


def main() -> int:
    """Carry the order out; exit 1 with one line if a process of the workload fails."""
    order_path, result_path = map(Path, sys.argv[1:3])
    die_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        write_json(result_path, Driver(read_order(order_path)).run())
    except ChildFailed as failure:
        sys.stderr.write(f"iowitness: {failure}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

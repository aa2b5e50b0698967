"""What this run runs on, as the report tells it."""

import os
import platform
import subprocess
import sys

from iowitness import __version__
from iowitness.report.run_report import Environment


def this_environment() -> Environment:
    """Ask this machine."""
    core_count = len(os.sched_getaffinity(0))
    return Environment(
        kernel=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {sys.version.split()[0]}",
        strace=_strace_version(),
        iowitness=__version__,
        machine=f"{platform.machine()}, {core_count} cores",
    )


def _strace_version() -> str:
    try:
        asked = subprocess.run(
            ["strace", "--version"], capture_output=True, text=True, check=False, timeout=10
        )
    except OSError:
        return "not installed"
    # The first line is "strace -- version 6.1".
    first_line = asked.stdout.partition("\n")[0]
    return first_line.rpartition(" ")[2] or "unknown"

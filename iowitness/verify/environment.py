"""What the run ran on, as the report tells it."""

import os
import platform
import subprocess
import sys

from msgspec import Struct


class Environment(Struct, frozen=True, kw_only=True):
    """Kernel, interpreter, tracer and machine of a run; `core_count` is what this process may use."""

    kernel: str
    python: str
    strace: str
    machine: str
    core_count: int


def environment() -> Environment:
    """Ask this machine."""
    return Environment(
        kernel=platform.release(),
        python=f"{platform.python_implementation()} {sys.version.split()[0]}",
        strace=_strace_version(),
        machine=platform.machine(),
        core_count=len(os.sched_getaffinity(0)),
    )


def _strace_version() -> str:
    try:
        asked = subprocess.run(
            ["strace", "--version"], capture_output=True, text=True, check=False, timeout=10
        )
    except OSError:
        return "not installed"
    # "strace -- version 6.1" is the whole of the first line's sense.
    first_line = asked.stdout.partition("\n")[0]
    return first_line.rpartition(" ")[2] or "unknown"

"""One line of tracefs about a block request to a `BlockIssued`. Pure.

The kernel prints `TASK-PID [CPU] FLAGS SECONDS: block_rq_issue: MAJOR,MINOR RWBS BYTES (CMD)
SECTOR + COUNT ... [COMM]`. Source: include/trace/events/block.h, Documentation/trace/events.rst.
"""

import re
from typing import Literal

from iowitness.traces.events import BlockIssued
from iowitness.traces.trace_error import TraceError, quoted

_ISSUED = re.compile(
    rb"\s*(.*)-(\d+)\s+\[\d+\]\s+\S+\s+(\d+)\.(\d+): block_rq_issue: (\d+,\d+) (\w+) (\d+) "
    rb"\(.*?\) (\d+) \+ (\d+) .*\[(.*)\]"
)
_LOST = re.compile(rb"CPU:\d+ \[LOST (\d+) EVENTS\]")


def lost_count(line: bytes) -> int:
    """How many events the kernel says it dropped in this line; 0 where it says no such thing."""
    lost = _LOST.match(line.strip())
    return 0 if lost is None else int(lost[1])


def read_block_line(line: bytes, offset_ns: int) -> BlockIssued | None:
    """The request of a line; None for the comments at the head of a trace.

    `offset_ns` takes the tracer's clock to that of the calls. Raises `TraceError` without a place.
    """
    if not line.strip() or line.startswith(b"#"):
        return None
    found = _ISSUED.fullmatch(line.rstrip(b"\n"))
    if found is None:
        raise TraceError(f"line={quoted(line)}, expected a block_rq_issue event")
    _task, pid, seconds, fraction, device, flags, _bytes, sector, count, command = found.groups()
    at_ns = int(seconds) * 10**9 + int(fraction.ljust(9, b"0")[:9]) + offset_ns
    return BlockIssued(
        start_ns=at_ns,
        end_ns=at_ns,
        process_id=int(pid),
        thread_id=int(pid),
        call="block_rq_issue",
        device=device.decode().replace(",", ":"),
        sector=int(sector),
        sector_count=int(count),
        operation=_operation(flags.decode()),
        command=command.decode("utf-8", "backslashreplace"),
    )


def _operation(flags: str) -> Literal["read", "write", "flush", "discard"]:
    """What the letters stand for: a leading F is a flush before, D a discard, W a write, R a read.

    A flush alone is `F` or `FF`; `FWS` is a write with a flush before it. Zone commands and N
    (none, printed for passed-through commands) count as flushes: they move no data.
    """
    letters = flags.lstrip("F")
    if letters.startswith("D"):
        return "discard"
    if letters.startswith("W"):
        return "write"
    if letters.startswith("R"):
        return "read"
    return "flush"

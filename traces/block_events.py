"""Events below the system calls."""

from typing import Literal

from iowitness.traces.event_base import IOEvent


class BlockIssued(IOEvent, frozen=True, kw_only=True, gc=False):
    """A request was given to a block device, in sectors of 512 B.

    Source: the tracepoint block:block_rq_issue.
    """

    device: str
    sector: int
    sector_count: int
    operation: Literal["read", "write", "flush", "discard"]
    command: str = ""

"""What a block device is asked for, and what a device has to answer."""

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """A stretch of sectors of 512 B to read or write; `flush` empties the volatile cache."""

    operation: Literal["read", "write", "flush"]
    sector: int
    sector_count: int


class Device(Protocol):
    """A device as pure arithmetic: it keeps its own state (arm, caches, busy channels)."""

    @property
    def seek_count(self) -> int:
        """Moves of an arm, if it has one."""
        ...

    def completion_ns(self, request: BlockRequest, now_ns: int) -> int:
        """When a request that is issued now will be done."""
        ...

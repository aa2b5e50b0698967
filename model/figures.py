"""What a simulation counts besides its events: copies, switches, seeks, times."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Ledger:
    """Running totals, written by the kernel and the device.

    Copies are counted by path: the call, or the device, that moved the bytes.
    """

    cpu_copied_byte_counts: Counter[str] = field(default_factory=Counter)
    dma_byte_counts: Counter[str] = field(default_factory=Counter)
    mode_switch_count: int = 0
    context_switch_count: int = 0
    cpu_ns: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFigures:
    """One step: how long it took, how many records and bytes of records' batches it moved."""

    name: str
    duration_ns: int
    record_count: int
    byte_count: int

    @property
    def bytes_per_s(self) -> float:
        """Throughput."""
        return self.byte_count * 1e9 / self.duration_ns if self.duration_ns else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a run cost: counts are whole numbers, bytes are bytes.

    `cpu_ns` is by role (broker, producer, consumer); `cpu_copied_byte_counts` and
    `dma_byte_counts` by path.
    """

    steps: tuple[StepFigures, ...]
    produce_request_count: int
    fetch_count: int
    record_count: int
    sendfile_byte_count: int
    sync_count: int
    roll_count: int
    seek_count: int
    device_read_byte_count: int
    device_write_byte_count: int
    mode_switch_count: int
    context_switch_count: int
    page_cache_hit_byte_count: int
    page_cache_miss_byte_count: int
    cpu_copied_byte_counts: dict[str, int]
    dma_byte_counts: dict[str, int]
    cpu_ns: dict[str, int]

    @property
    def records_per_request(self) -> float:
        """Mean records of a produce request."""
        return self.record_count / self.produce_request_count if self.produce_request_count else 0.0

    @property
    def duration_ns(self) -> int:
        """All steps together."""
        return sum(step.duration_ns for step in self.steps)

"""How a log behaves: Kafka's topic settings that matter to the files, with Kafka's defaults."""

from enum import Enum

from msgspec import Struct


class Cleanup(Enum):
    """What becomes of old records. Source: cleanup.policy."""

    DELETE = "delete"
    COMPACT = "compact"
    COMPACT_AND_DELETE = "compact,delete"


class LogConfig(Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in ms; None means never or without limit.

    Retention is off by default, unlike Kafka's 7 days: a log made of old timestamps, as a repeated
    run has them, would delete itself. The other defaults are Kafka 4.3's.
    """

    segment_byte_count: int = 1_073_741_824
    segment_ms: int = 604_800_000
    segment_jitter_ms: int = 0
    index_interval_byte_count: int = 4_096
    index_byte_count: int = 10_485_760
    is_preallocated: bool = False
    max_batch_byte_count: int = 1_048_588
    flush_record_count: int | None = None
    flush_ms: int | None = None
    retention_byte_count: int | None = None
    retention_ms: int | None = None
    file_delete_delay_ms: int = 60_000
    cleanup: Cleanup = Cleanup.DELETE
    delete_retention_ms: int = 86_400_000
    producer_expiration_ms: int = 86_400_000

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name}={value}, expected >= {least}")
        if self.segment_byte_count > _MOST_SEGMENT_BYTE_COUNT:
            raise ValueError(
                f"segment_byte_count={self.segment_byte_count} B, "
                f"expected at most {_MOST_SEGMENT_BYTE_COUNT} B: positions are 32-bit"
            )


_MOST_SEGMENT_BYTE_COUNT = 2**31 - 1
_LEAST = {
    "segment_byte_count": 61,
    "segment_ms": 1,
    "segment_jitter_ms": 0,
    "index_interval_byte_count": 0,
    "index_byte_count": 24,
    "max_batch_byte_count": 61,
    "flush_record_count": 1,
    "flush_ms": 0,
    "retention_byte_count": 0,
    "retention_ms": 0,
    "file_delete_delay_ms": 0,
    "delete_retention_ms": 0,
    "producer_expiration_ms": 0,
}

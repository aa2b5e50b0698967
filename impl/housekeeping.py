"""What logs need now and then, whether somebody asks or not.

Flushes that time makes due and the removal of deleted files every second, retention at the interval
of log.retention.check.interval.ms.
"""

from typing import Final

from iowitness.impl.server_config import ServerConfig
from iowitness.impl.topics import Topics

_TICK_NS: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000


class Housekeeping:
    """Runs what is due; `next_deadline_ns` is by the monotonic clock."""

    __slots__ = ("_next_retention_ns", "_retention_interval_ns", "_topics", "next_deadline_ns")

    def __init__(self, topics: Topics, config: ServerConfig, now_ns: int) -> None:
        self._topics = topics
        self._retention_interval_ns = config.retention_check_interval_ms * _NS_PER_MS
        self._next_retention_ns = now_ns + self._retention_interval_ns
        self.next_deadline_ns = now_ns + _TICK_NS

    def tick(self, now_ns: int, now_ms: int) -> None:
        """What is due at a time, told by both clocks."""
        if now_ns < self.next_deadline_ns:
            return
        self.next_deadline_ns = now_ns + _TICK_NS
        if now_ns >= self._next_retention_ns:
            self._next_retention_ns = now_ns + self._retention_interval_ns
            self._topics.retain(now_ms=now_ms)
        self._topics.tick(now_ms=now_ms)

"""What logs need now and then, whether somebody asks or not.

Flushes that time makes due and the removal of deleted files every second, retention at the
interval of log.retention.check.interval.ms, compaction at that of log.cleaner.backoff.ms: that
takes long, so it is done in slices with as much time for everybody else between them.
"""

from collections.abc import Callable
from typing import Final

from iowitness.impl.server_config import ServerConfig
from iowitness.impl.topic_cleaner import TopicCleaner
from iowitness.impl.topics import Topics

_TICK_NS: Final = 1_000_000_000
_SLICE_NS: Final = 5_000_000
_NS_PER_MS: Final = 1_000_000


class Housekeeping:
    """Runs what is due. `now_ns` is the monotonic clock, `now_ms` the wall's."""

    def __init__(
        self,
        topics: Topics,
        config: ServerConfig,
        now_ns: Callable[[], int],
        now_ms: Callable[[], int],
    ) -> None:
        self._topics = topics
        self._cleaner = TopicCleaner(topics)
        self._now_ns = now_ns
        self._now_ms = now_ms
        self._retention_interval_ns = config.retention_check_interval_ms * _NS_PER_MS
        self._cleaner_interval_ns = config.cleaner_backoff_ms * _NS_PER_MS
        started_ns = now_ns()
        self._tick_ns = started_ns + _TICK_NS
        self._retention_ns = started_ns + self._retention_interval_ns
        self._look_ns = started_ns + self._cleaner_interval_ns
        self._slice_ns = 0

    def next_deadline_ns(self) -> int:
        """When `tick` next has something to do."""
        return min(self._tick_ns, self._slice_ns) if self._cleaner.is_working else self._tick_ns

    def tick(self, now_ns: int) -> None:
        """What is due at a time."""
        if now_ns >= self._tick_ns:
            self._tick_ns = now_ns + _TICK_NS
            self._every_second(now_ns)
        if self._cleaner.is_working and now_ns >= self._slice_ns:
            self._cleaner.work(now_ns + _SLICE_NS, self._now_ns)
            self._slice_ns = self._now_ns() + _SLICE_NS

    def _every_second(self, now_ns: int) -> None:
        now_ms = self._now_ms()
        if now_ns >= self._retention_ns:
            self._retention_ns = now_ns + self._retention_interval_ns
            self._topics.retain(now_ms=now_ms)
        if now_ns >= self._look_ns:
            self._look_ns = now_ns + self._cleaner_interval_ns
            self._cleaner.look(now_ms=now_ms)
        self._topics.tick(now_ms=now_ms)

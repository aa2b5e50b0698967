"""When a log flushes on its own: after so many records, or so long. Pure; by default never."""

from iowitness.impl.log_config import LogConfig


class FlushPolicy:
    """Counts what was appended since the last flush. Source: flush.messages, flush.ms."""

    __slots__ = ("_config", "_is_never", "_last_flush_ms", "_record_count")

    def __init__(self, config: LogConfig) -> None:
        self._config = config
        self._is_never = config.flush_record_count is None and config.flush_ms is None
        self._last_flush_ms: int | None = None
        self._record_count = 0

    def is_due_after(self, record_count: int, now_ms: int) -> bool:
        """Whether so many records more, 0 for a mere look at the clock, make a flush due."""
        if self._is_never:
            return False
        if self._last_flush_ms is None:
            self._last_flush_ms = now_ms
        self._record_count += record_count
        most_count, most_ms = self._config.flush_record_count, self._config.flush_ms
        if not self._record_count:
            return False
        if most_count is not None and self._record_count >= most_count:
            return True
        return most_ms is not None and now_ms - self._last_flush_ms >= most_ms

    def flushed(self, now_ms: int | None) -> None:
        """Starts counting anew; without a time the last flush keeps its own."""
        self._record_count = 0
        if now_ms is not None:
            self._last_flush_ms = now_ms

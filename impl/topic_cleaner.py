"""Compacted topics' logs, cleaned one after another in slices of time.

A log is due once half of the bytes before its active segment came after the last cleaning. What was
cleaned is not remembered over restarts: then everything is looked at once more.
Source: Kafka's LogCleanerManager, min.cleanable.dirty.ratio.
"""

import logging
from collections.abc import Callable
from typing import Final

from iowitness.impl.errors import StorageError
from iowitness.impl.log_cleaner import Steps, compaction
from iowitness.impl.log_config import Cleanup
from iowitness.impl.topics import Partition, Topics

log = logging.getLogger(__name__)

_LEAST_DIRTY_RATIO: Final = 0.5


class TopicCleaner:
    """At most one log is being cleaned at a time."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._steps: Steps | None = None
        self._partition: Partition | None = None
        self._clean_offsets: dict[Partition, int] = {}
        self._given_up: set[Partition] = set()

    @property
    def is_working(self) -> bool:
        """Whether a cleaning has begun and is not finished."""
        return self._steps is not None

    def look(self, *, now_ms: int) -> None:
        """Begin with the log that needs it most, if one does and none is being cleaned."""
        if self._steps is not None:
            return
        present = set(self._topics.sound_partitions())
        self._clean_offsets = {p: o for p, o in self._clean_offsets.items() if p in present}
        self._given_up &= present
        ratios = {
            partition: self._dirty_ratio(partition)
            for partition in present - self._given_up
            if partition.log.config.cleanup is not Cleanup.DELETE
        }
        filthiest = max(ratios, key=ratios.__getitem__, default=None)
        if filthiest is not None and ratios[filthiest] >= _LEAST_DIRTY_RATIO:
            self._partition = filthiest
            self._clean_offsets[filthiest] = filthiest.log.active_segment.base_offset
            self._steps = compaction(filthiest.log, now_ms=now_ms)

    def work(self, until_ns: int, clock: Callable[[], int]) -> None:
        """Go on until a time, or until the log is clean."""
        partition = self._partition
        if self._steps is None or partition is None:
            return
        if self._topics.partition(partition.topic, partition.number) is not partition:
            self._finish()
            return
        try:
            with partition.guarded():
                for _ in self._steps:
                    if clock() >= until_ns:
                        return
        except StorageError as error:
            log.error("%s-%d is not cleaned: %s", partition.topic, partition.number, error)  # noqa: TRY400 - what is stored, not this code
            self._given_up.add(partition)
        self._finish()

    def _finish(self) -> None:
        if self._steps is not None:
            self._steps.close()
        self._steps = self._partition = None

    def _dirty_ratio(self, partition: Partition) -> float:
        closed = partition.log.segments[:-1]
        clean_offset = self._clean_offsets.get(partition, 0)
        dirty = sum(one.byte_count for one in closed if one.base_offset >= clean_offset)
        return dirty / max(1, sum(one.byte_count for one in closed))

"""What is true at the moment of the logs and of the process."""

import os
import time
from pathlib import Path

from iowitness.impl.exposition import exposed
from iowitness.impl.metrics import Metrics
from iowitness.impl.metrics_families import Connections, LogState, ProcessUse, families
from iowitness.impl.topics import Topics


def told_metrics(metrics: Metrics, connections: Connections, topics: Topics) -> str:
    """The page of metrics as it is at the moment."""
    return exposed(families(metrics, connections, used_by_process(), log_states(topics)))


def log_states(topics: Topics) -> tuple[LogState, ...]:
    """Every partition's log, by topic and number."""
    return tuple(
        LogState(
            topic.name,
            partition.number,
            partition.log.byte_count,
            partition.log.start_offset,
            partition.log.end_offset,
        )
        for _, topic in sorted(topics.by_name.items())
        for partition in topic.partitions
    )


def used_by_process() -> ProcessUse:
    """What this process uses. Source: proc(5), /proc/pid/statm and fd."""
    resident_page_count = int(Path("/proc/self/statm").read_text().split()[1])
    return ProcessUse(
        time.process_time(),
        resident_page_count * os.sysconf("SC_PAGE_SIZE"),
        len(os.listdir("/proc/self/fd")) - 1,  # without the one that lists them
    )

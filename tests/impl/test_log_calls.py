"""docs/formats/log-reads-and-writes.md says which calls are made: held to the calls themselves."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from iowitness.crash_run.witnessed_files import WitnessedFiles
from iowitness.impl.batch_writer import encode_batch
from iowitness.impl.log import Log
from iowitness.impl.log_cleaner import compact
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_directory import LogDirectory
from iowitness.impl.log_retention import delete_old_segments
from iowitness.traces.events import (
    AnyEvent,
    File,
    Opened,
    Renamed,
    Resized,
    Synced,
    Unlinked,
    Written,
)

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "log-reads-and-writes.md"
BATCH_BYTE_COUNT = 100
CONFIG = LogConfig(
    segment_byte_count=2 * BATCH_BYTE_COUNT,
    index_interval_byte_count=0,
    index_byte_count=1_000,
    retention_ms=10,
)


def batch(key: bytes) -> bytes:
    stored = encode_batch([(5, key, b"v" * 31, ())])
    assert len(stored) == BATCH_BYTE_COUNT
    return stored


class Example:
    """Two closed segments of two batches, at 0 and 2, and an active one at 4 with one batch.

    The keys are a and b, over and over; all of it is synced.
    """

    def __init__(self) -> None:
        self.files = WitnessedFiles()
        self.directory = LogDirectory.open("/d", CONFIG, self.files, now_ms=0)
        self.log: Log = self.directory.create("t", 0, topic_id="A" * 22, now_ms=0)
        for number in range(5):
            self.log.append(batch(b"ab"[number % 2 :][:1]), now_ms=0)
        self.log.flush()
        assert [segment.base_offset for segment in self.log.segments] == [0, 2, 4]
        self._before = len(self.files.history().events)

    def calls(self) -> list[str]:
        """Those made since it was set up that change something."""
        events = self.files.history().events[self._before :]
        return [said for event in events if (said := _said(event)) is not None]


def _said(event: AnyEvent) -> str | None:
    match event:
        case Opened(file=File(path=path)):
            flags = " O_CREAT" * event.created + " O_TRUNC" * event.truncated
            return f"openat({_short(path)}{flags})"
        case Written(file=File(path=path)):
            return f"pwrite64({_short(path)}, {event.byte_count} B at {event.offset})"
        case Resized(file=File(path=path)):
            return f"ftruncate({_short(path)}, {event.size_byte_count})"
        case Synced(file=File(path=path)):
            return f"fsync({_short(path)})"
        case Renamed():
            return f"rename({_short(event.old_path)}, {_short(event.new_path)})"
        case Unlinked():
            return f"unlink({_short(event.path)})"
        case _:
            return None


def _short(path: str) -> str:
    name = path.rsplit("/", 1)[1]
    return re.sub(r"^0{1,19}(?=\d)", "", name)


def roll(example: Example) -> None:
    example.log.roll(now_ms=0)


def truncate(example: Example) -> None:
    example.directory.truncate("t", 0, 3, now_ms=0)


def clean(example: Example) -> None:
    assert compact(example.log, now_ms=0) > 0


def retain(example: Example) -> None:
    assert delete_old_segments(example.log, now_ms=20, high_watermark=3) == 1
    example.log.tick(now_ms=20 + CONFIG.file_delete_delay_ms)


def close(example: Example) -> None:
    example.directory.close()


@pytest.mark.parametrize("job", [roll, truncate, clean, retain, close])
def test_the_page_has_the_calls_that_are_made(job: Callable[[Example], None]) -> None:
    example = Example()
    job(example)
    blocks = re.findall(r"```calls (\w+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    documented = dict(blocks)[job.__name__].splitlines()
    assert example.calls() == documented

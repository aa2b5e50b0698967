"""The log under everything that can happen to it, on a file system that forgets."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from iowitness.impl.batch_reader import batches, records
from iowitness.impl.batch_writer import encode_batch
from iowitness.impl.compression import Compressor
from iowitness.impl.errors import OffsetOutOfRange
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_directory import LogDirectory
from iowitness.impl.log_retention import delete_old_segments
from tests.doubles.forgetting_files import Crashed, ForgettingFiles
from tests.strategies.batches import COMPRESSORS

CONFIG = LogConfig(
    segment_byte_count=700,
    index_interval_byte_count=150,
    index_byte_count=96,
    retention_byte_count=1_500,
)


class LogMachine(RuleBasedStateMachine):
    """`values` are the log's records by offset; those below `durable_end` must survive."""

    def __init__(self) -> None:
        super().__init__()
        self.files = ForgettingFiles()
        self.values: dict[int, bytes] = {}
        self.end = self.durable_end = self.start = 0
        self.count = 0

    @initialize()
    def open_first(self) -> None:
        self.directory = LogDirectory.open("/logs", CONFIG, self.files, now_ms=0)
        self.log = self.directory.create("t", 0, topic_id="A" * 22, now_ms=0)

    def _reopen(self) -> None:
        self.directory = LogDirectory.open("/logs", CONFIG, self.files, now_ms=0)
        self.log = self.directory.logs["t", 0]

    @rule(sizes=st.lists(st.integers(0, 120), min_size=1, max_size=5), compressor=COMPRESSORS)
    def append(self, sizes: list[int], compressor: Compressor) -> None:
        values = [b"%d|" % (self.count + i) + b"x" * size for i, size in enumerate(sizes)]
        self.count += len(values)
        records_in = [(1_000 + self.count, None, value, ()) for value in values]
        appended = self.log.append(encode_batch(records_in, compressor), now_ms=0)
        assert appended.base_offset == self.end
        for value in values:
            self.values[self.end] = value
            self.end += 1
        self.durable_end = max(self.durable_end, self.log.recovery_point)

    @rule()
    def flush(self) -> None:
        self.log.flush()
        self.durable_end = self.end

    @rule()
    def roll(self) -> None:
        self.log.roll(now_ms=0)
        self.durable_end = self.end

    @rule(data=st.data())
    def truncate(self, data: st.DataObject) -> None:
        offset = data.draw(st.integers(self.start, self.end))
        self.directory.truncate("t", 0, offset, now_ms=0)
        self.end = self.log.end_offset
        assert self.end <= offset
        self.values = {k: v for k, v in self.values.items() if k < self.end}
        self.durable_end = min(self.durable_end, self.end)
        self.start = self.log.start_offset

    @rule()
    def retain(self) -> None:
        delete_old_segments(self.log, now_ms=0)
        self.start = self.log.start_offset
        self.durable_end = max(self.durable_end, self.log.recovery_point)

    @rule()
    def checkpoint(self) -> None:
        self.directory.checkpoint()

    @rule()
    def close_and_open(self) -> None:
        self.directory.close()
        self._reopen()
        assert self.log.recovery.scanned_segment_count == 0
        assert self.log.end_offset == self.end
        self.durable_end = self.end

    @rule()
    def kill_and_open(self) -> None:
        self.files.kill()
        self._reopen()
        assert self.log.end_offset == self.end
        self.durable_end = self.end

    @rule(seed=st.integers(0, 2**32), calls=st.none() | st.integers(0, 25))
    def crash_and_open(self, seed: int, calls: int | None) -> None:
        self.files.crash(seed)
        if calls is not None:
            self.files.calls_until_crash = calls
            try:
                self._reopen()
            except Crashed:
                self.files.crash(seed + 1)
        self.files.kill()
        self._reopen()
        assert self.durable_end <= self.log.end_offset <= self.end
        assert not any(cut.was_synced for cut in self.log.recovery.cuts)
        self.end = self.durable_end = self.log.end_offset
        self.values = {k: v for k, v in self.values.items() if k < self.end}
        self.start = self.log.start_offset
        self._recover_again()

    @rule(how=st.sampled_from(["flush", "roll", "close"]), seed=st.integers(0, 2**32))
    def a_sync_fails_and_the_machine_stops(self, how: str, seed: int) -> None:
        work = {
            "flush": lambda: self.log.flush(),
            "roll": lambda: self.log.roll(now_ms=0),
            "close": lambda: self.directory.close(),
        }[how]
        self.append([1], Compressor())  # an empty segment is replaced without a sync of its files
        self.files.failing_syncs = 1
        with pytest.raises(OSError, match="input/output error"):
            work()
        assert self.log.is_fenced
        assert "/logs/.kafka_cleanshutdown" not in self.files.snapshot()
        self.crash_and_open(seed, None)

    @rule(size=st.integers(0, 120), free_byte_count=st.integers(0, 250))
    def the_disk_is_full_for_an_append(self, size: int, free_byte_count: int) -> None:
        value = b"%d|" % self.count + b"x" * size
        self.count += 1
        self.files.free_byte_count = free_byte_count
        try:
            self.log.append(encode_batch([(1_000 + self.count, None, value, ())]), now_ms=0)
            is_taken = True
        except OSError:
            is_taken = False
        self.files.free_byte_count = None
        if self.log.is_fenced:
            self.files.kill()
            self._reopen()
            # What was written and not acknowledged may have stayed, as a whole.
            is_taken = self.log.end_offset == self.end + 1
        if is_taken:
            self.values[self.end] = value
            self.end += 1
        self.durable_end = max(self.durable_end, self.log.recovery_point)

    def _recover_again(self) -> None:
        before = {p: c for p, c in self.files.snapshot().items() if not p.endswith(".lock")}
        self.files.kill()
        self._reopen()
        assert not self.log.recovery.cuts
        after = {p: c for p, c in self.files.snapshot().items() if not p.endswith(".lock")}
        assert after == before

    @invariant()
    def every_read_returns_what_was_written(self) -> None:
        if not hasattr(self, "log"):
            return
        assert self.log.end_offset == self.end
        found = read_all(self.log, self.start)
        wanted = {offset: value for offset, value in self.values.items() if offset >= self.start}
        assert found == wanted


def read_all(log: Log, offset: int) -> dict[int, bytes | None]:
    """Every record from an offset on, by reads of few bytes."""
    found: dict[int, bytes | None] = {}
    start = offset
    while offset < log.end_offset:
        piece = log.read(offset, 200, at_least_one_batch=True)
        assert piece.region is not None
        for batch in batches(piece.region.read()):
            batch.check()
            for record in records(batch):
                if record.offset >= start:
                    found[record.offset] = record.value
            offset = batch.header.next_offset
    with pytest.raises(OffsetOutOfRange):
        log.read(log.end_offset + 1, 100)
    return found


TestLogMachine = LogMachine.TestCase
TestLogMachine.settings = settings(stateful_step_count=25, deadline=None)

"""Bugs planted into a copy of the log's ways: the explorer catches each, and none without them."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from iowitness.crash.exploration import Explored, explore, state_named
from iowitness.crash.from_history import recording_of
from iowitness.crash.persistence import MODELS
from iowitness.crash.state_name import read_state_name
from iowitness.crash.states import Bounds
from iowitness.crash_run import log_checker
from iowitness.crash_run.image_files import ImageFiles
from iowitness.crash_run.log_checker import LogCheckers, Promise
from iowitness.crash_run.log_streams import LogStream
from iowitness.impl.batch_writer import ProducerStamp, encode_batch
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_directory import CLEAN_SHUTDOWN, LogDirectory
from iowitness.impl.log_files import OpenFile
from iowitness.impl.produce_wire import (
    PartitionAppended,
    ProduceResponse,
    TopicAppended,
    write_produce_response,
)
from iowitness.impl.request_header import RequestHeader, finished, request_frame, response_frame
from tests.doubles.witnessed_files import RetryingFile, WitnessedFiles

ROOT = "/data"
CONFIG = LogConfig(
    segment_byte_count=500,
    index_interval_byte_count=100,
    index_byte_count=240,
    flush_record_count=1,
)
VERSION = 9


@dataclass
class Broker:
    """As much of a broker as promises need: it appends, and then it acknowledges."""

    files: WitnessedFiles = field(default_factory=WitnessedFiles)
    acknowledges_early: bool = False
    sequence: int = 0
    end_offset: int = 0

    def opened(self) -> LogDirectory:
        return LogDirectory.open(ROOT, CONFIG, self.files, now_ms=0)

    def append(self, log: Log, count: int) -> None:
        for _ in range(count):
            header = RequestHeader(0, VERSION, self.sequence, "client")
            self.files.heard(bytes(finished(request_frame(header))))
            stamp = ProducerStamp(7, 0, self.sequence)
            batch = encode_batch([(1_000, None, b"value %d" % self.sequence * 5, ())], stamp=stamp)
            if self.acknowledges_early:
                self.acknowledge(header)
            log.append(batch, now_ms=0)
            if not self.acknowledges_early:
                self.acknowledge(header)
            self.sequence += 1

    def acknowledge(self, header: RequestHeader) -> None:
        appended = PartitionAppended(0, 0, self.end_offset)
        self.end_offset += 1
        frame = response_frame(header)
        response = ProduceResponse((TopicAppended("t", (appended,)),))
        write_produce_response(frame, VERSION, response)
        self.files.said(bytes(finished(frame)))

    def work(self) -> None:
        directory = self.opened()
        log = directory.create("t", 0, topic_id="A" * 22, now_ms=0)
        self.append(log, 4)
        directory.checkpoint()
        self.append(log, 1)
        directory.close()
        directory = self.opened()
        self.append(directory.logs["t", 0], 2)
        directory.close()

    def explored(self, model: str, promise: Promise = Promise.ACKNOWLEDGED) -> Explored:
        history = self.files.history()
        recording = recording_of(history, ROOT, kept=self.files.contents(ROOT))
        checker = LogCheckers(recording, promise).checker()
        places = range(len(recording.operations))
        return explore(
            recording, MODELS[model], Bounds(lost_count=1, is_tearing=False), checker, places
        )


@pytest.mark.parametrize("model", sorted(MODELS))
def test_the_sound_log_loses_nothing(model: str) -> None:
    broker = Broker()
    broker.work()
    explored = broker.explored(model)
    assert explored.failures == []
    assert explored.state_count > 200


def test_a_skipped_fsync_is_caught() -> None:
    broker = Broker()
    broker.files.skipped_syncs = (".log",)
    broker.work()
    assert "lost offsets" in broker.explored("weakest").failures[0].fault


def test_a_skipped_fsync_is_no_fault_where_only_what_was_flushed_is_promised() -> None:
    broker = Broker()
    broker.files.skipped_syncs = (".log", "/t-0")
    broker.work()
    faults = {one.fault for one in broker.explored("weakest", Promise.FLUSHED).failures}
    assert not [fault for fault in faults if "lost offsets" in fault]


def test_a_skipped_fsync_of_the_folder_is_caught() -> None:
    broker = Broker()
    broker.files.skips_folder_syncs = True
    broker.work()
    assert any("lost offsets" in one.fault for one in broker.explored("weakest").failures)


def test_an_early_acknowledgement_is_caught() -> None:
    broker = Broker(acknowledges_early=True)
    broker.work()
    failures = broker.explored("weakest").failures
    assert any("lost offsets" in one.fault for one in failures)


def test_a_failed_fsync_that_is_tried_again_and_believed_is_caught() -> None:
    class Retrying(WitnessedFiles):
        def create(self, path: str) -> OpenFile:
            file = super().create(path)
            file.__class__ = RetryingFile
            return file

    broker = Broker(Retrying())
    broker.files.failing_syncs = 1
    broker.work()
    assert any("lost offsets" in one.fault for one in broker.explored("ext4-ordered").failures)


def test_a_checkpoint_before_the_bytes_it_speaks_of_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = Broker()
    directory = broker.opened()
    log = directory.create("t", 0, topic_id="A" * 22, now_ms=0)
    sound_flush = Log.flush

    def flush(self: Log, *, now_ms: int | None = None) -> None:
        self.recovery_point = self.end_offset
        directory.checkpoint()
        sound_flush(self, now_ms=now_ms)

    monkeypatch.setattr(Log, "flush", flush)
    broker.append(log, 3)
    monkeypatch.undo()
    assert any("recovery refused" in one.fault for one in broker.explored("weakest").failures)


def test_a_rename_without_a_sync_before_it_is_caught() -> None:
    broker = Broker()
    broker.files.skipped_syncs = (".tmp",)
    broker.work()
    assert any("recovery refused" in one.fault for one in broker.explored("weakest").failures)


def test_an_index_that_is_trusted_after_a_crash_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    sound: Callable[[ImageFiles, LogStream], Log | None] = log_checker._opened

    def trusting(files: ImageFiles, stream: LogStream) -> Log | None:
        files.create(f"/state/{CLEAN_SHUTDOWN}").write_at(b"{}", 0)
        return sound(files, stream)

    monkeypatch.setattr(log_checker, "_opened", trusting)
    broker = Broker()
    broker.work()
    assert broker.explored("weakest").failure_count > 0


def test_a_planted_bug_leaves_a_state_that_can_be_named_and_found_again() -> None:
    broker = Broker()
    broker.files.skipped_syncs = (".log",)
    broker.work()
    recording = recording_of(broker.files.history(), ROOT, kept=broker.files.contents(ROOT))
    failure = broker.explored("weakest").failures[-1]
    name = read_state_name(str(failure.state), len(recording.operations))
    assert name == failure.state
    checker = LogCheckers(recording, Promise.ACKNOWLEDGED).checker()
    for place, operation in enumerate(recording.operations[: name.place + 1]):
        checker.observe(place, operation)
    assert checker.judge(state_named(recording, name)) == failure.fault

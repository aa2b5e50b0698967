"""Bugs planted into a copy of the log's ways: the explorer catches each, and none without them."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from iowitness.crash.exploration import explore, state_named
from iowitness.crash.from_history import recording_of
from iowitness.crash.operations import Recording
from iowitness.crash.persistence import MODELS
from iowitness.crash.state_name import read_state_name
from iowitness.crash.states import Bounds
from iowitness.crash_run import log_checker
from iowitness.crash_run.fault_runs import FailingFiles, Plan, power_loss, run
from iowitness.crash_run.image_files import ImageFiles
from iowitness.crash_run.log_checker import LogCheckers, Promise
from iowitness.crash_run.log_streams import LogStream
from iowitness.crash_run.promising_log import ROOT, TOPIC, PromisingLog
from iowitness.crash_run.witnessed_files import WitnessedFiles
from iowitness.impl.log import Log
from iowitness.impl.log_directory import CLEAN_SHUTDOWN
from iowitness.impl.request_header import RequestHeader
from iowitness.traces.events import File


class SkippingFiles(WitnessedFiles):
    """Planted bugs: syncs that are not done, and said to be."""

    def __init__(self, endings: tuple[str, ...] = (), calls: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._endings = endings
        self._calls = calls

    def forgets(self, call: str, path: str) -> bool:
        return path.endswith(self._endings) or call in self._calls


class BelievingFiles(FailingFiles):
    """A planted bug: a failed fsync is tried once more, and its success believed."""

    def synced(self, file: File, call: str = "fsync") -> None:
        with suppress(OSError):
            super().synced(file, call)
            return
        super().synced(file, call)


def recorded(log: PromisingLog) -> Recording:
    return recording_of(log.files.history(), ROOT, kept=log.files.contents(ROOT))


def faults(
    log: PromisingLog, model: str = "weakest", promise: Promise = Promise.ACKNOWLEDGED
) -> str:
    """What is wrong with the first states that are; nothing after all of them are judged."""
    recording = recorded(log)
    source = LogCheckers(recording, promise)
    bounds = Bounds(lost_count=1, is_tearing=False)
    for start in range(0, len(recording.operations), 20):
        places = range(start, min(start + 20, len(recording.operations)))
        found = explore(recording, MODELS[model], bounds, source.checker(), places)
        if found.failures:
            return " ".join(found.fault_counts)
    return ""


def worked(files: WitnessedFiles) -> PromisingLog:
    log = PromisingLog(files)
    log.work()
    return log


@pytest.mark.parametrize("model", sorted(MODELS))
def test_the_sound_log_loses_nothing(model: str) -> None:
    assert faults(worked(WitnessedFiles()), model) == ""


def test_a_skipped_fsync_is_caught() -> None:
    assert "lost offsets" in faults(worked(SkippingFiles((".log",))))


def test_a_skipped_fsync_of_the_folder_is_caught() -> None:
    log = worked(SkippingFiles(calls=("fsync of a folder",)))
    assert "lost offsets" in faults(log)


def test_an_early_acknowledgement_is_caught() -> None:
    class Hasty(PromisingLog):
        def append_and_tell(self, log: Log, batch: bytes, header: RequestHeader) -> None:
            self.tell(header, log.end_offset)
            log.append(batch, now_ms=0)

    log = Hasty(WitnessedFiles())
    log.work()
    assert "lost offsets" in faults(log)


def first_failing_sync() -> Plan:
    return next(
        plan
        for plan in (Plan(number, "EIO", lasts=False) for number in range(100))
        if run(plan)[0].call == "fsync" and "00.log" in "".join(run(plan)[0].told[:1])
    )


def test_a_failed_fsync_that_is_tried_again_and_believed_is_caught() -> None:
    log = PromisingLog(BelievingFiles(first_failing_sync()))
    log.work()
    assert log.errors == []
    assert "lost offsets" in faults(log, "ext4-ordered")


def test_pages_that_only_the_cache_has_are_caught_if_recovery_trusts_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = first_failing_sync()
    assert power_loss(run(plan)[1], "ext4-ordered").failures == []
    monkeypatch.setattr(
        "iowitness.crash_run.witnessed_files._Cached.forget", lambda *_arguments: None
    )
    assert "lost offsets" in " ".join(power_loss(run(plan)[1], "ext4-ordered").fault_counts)


def test_a_checkpoint_before_the_bytes_it_speaks_of_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = PromisingLog(WitnessedFiles())
    directory = log.opened()
    partition = directory.create(TOPIC, 0, topic_id="A" * 22, now_ms=0)
    sound_flush = Log.flush

    def flush(self: Log, *, now_ms: int | None = None) -> None:
        self.recovery_point = self.end_offset
        directory.checkpoint()
        sound_flush(self, now_ms=now_ms)

    monkeypatch.setattr(Log, "flush", flush)
    log.append(partition, 3)
    monkeypatch.undo()
    assert "recovery refused" in faults(log)


def test_a_rename_without_a_sync_before_it_is_caught() -> None:
    log = worked(SkippingFiles((".tmp",)))
    assert "recovery refused" in faults(log)


def test_an_index_that_is_trusted_after_a_crash_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    sound: Callable[[ImageFiles, LogStream], Log | None] = log_checker._opened

    def trusting(files: ImageFiles, stream: LogStream) -> Log | None:
        files.create(f"/state/{CLEAN_SHUTDOWN}").write_at(b"{}", 0)
        return sound(files, stream)

    monkeypatch.setattr(log_checker, "_opened", trusting)
    assert faults(worked(WitnessedFiles()))


def test_a_planted_bug_leaves_a_state_that_can_be_named_and_found_again() -> None:
    log = worked(SkippingFiles((".log",)))
    recording = recorded(log)
    checker = LogCheckers(recording, Promise.ACKNOWLEDGED).checker()
    found = explore(recording, MODELS["weakest"], Bounds(1), checker, range(60))
    failure = found.failures[-1]
    name = read_state_name(str(failure.state), len(recording.operations))
    assert name == failure.state
    checker = LogCheckers(recording, Promise.ACKNOWLEDGED).checker()
    for place, operation in enumerate(recording.operations[: name.place + 1]):
        checker.observe(place, operation)
    assert checker.judge(state_named(recording, name)) == failure.fault

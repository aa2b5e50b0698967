"""Every error at every call of a log, once and for good: no promise is broken, nothing hangs on.

One run fails the k-th call that changes or syncs anything. Afterwards the process is taken to have
died: the folder is opened anew by a healthy file system, and held against what was acknowledged.
For power loss the history of the run goes to the explorer (`power_loss`).
"""

import errno
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from iowitness.crash.exploration import Explored, explore
from iowitness.crash.from_history import recording_of
from iowitness.crash.persistence import MODELS
from iowitness.crash.states import Bounds
from iowitness.crash_run.image_files import ImageFiles
from iowitness.crash_run.log_checker import LogCheckers, Promise
from iowitness.crash_run.promising_log import ROOT, TOPIC, PromisingLog
from iowitness.crash_run.witnessed_files import WitnessedFiles
from iowitness.impl.batch_reader import batches, records
from iowitness.impl.errors import StorageError
from iowitness.impl.log_directory import LogDirectory

ERRORS: Final = ("EIO", "ENOSPC", "EDQUOT", "EMFILE", "EINTR", "short")
"""`short` is no error: the call takes a part of the bytes."""


class Plan(Struct, frozen=True):
    """Which call fails, with what; `lasts` makes all later ones of its kind fail too.

    Calls are counted from 0 over the whole run.
    """

    call_number: int
    error: str
    lasts: bool

    def __str__(self) -> str:
        return f"{self.error} at call {self.call_number} {'for good' if self.lasts else 'once'}"


class FaultRun(Struct, frozen=True):
    """What became of one run. `call` is the kind of call that failed, None if it never came.

    `told` are the errors that the client or the operator saw; `fault` is what is wrong.
    """

    plan: Plan
    call: str | None
    acknowledged_count: int
    told: tuple[str, ...]
    fault: str | None


class FailingFiles(WitnessedFiles):
    """Fails by plan. `call_count` counts the calls that change or sync anything."""

    def __init__(self, plan: Plan | None = None) -> None:
        """Without a plan nothing fails."""
        super().__init__()
        self._plan = plan
        self.call_count = 0
        self.failed_call: str | None = None

    def before(self, call: str, path: str) -> None:
        """Count, and fail where the plan says so."""
        number, self.call_count = self.call_count, self.call_count + 1
        plan = self._plan
        if plan is None or plan.error == "short" or number < plan.call_number:
            return
        if number == plan.call_number:
            self.failed_call = call
        elif not plan.lasts or call != self.failed_call:
            return
        code = getattr(errno, plan.error)
        raise OSError(code, errno.errorcode[code], path)

    def taken(self, path: str, byte_count: int) -> int:
        """Half of the write, where the plan says so."""
        del path
        plan, number = self._plan, self.call_count - 1
        if plan is None or plan.error != "short" or byte_count < 2:
            return byte_count
        if number == plan.call_number or (plan.lasts and number > plan.call_number):
            self.failed_call = "pwrite64"
            return byte_count // 2
        return byte_count


def call_count() -> int:
    """How many calls the workload makes when nothing fails."""
    files = FailingFiles()
    PromisingLog(files).work()
    return files.call_count


def plans(errors: tuple[str, ...] = ERRORS) -> Iterator[Plan]:
    """Every error at every call, once and for good."""
    for number in range(call_count()):
        for error in errors:
            for lasts in (False, True):
                yield Plan(number, error, lasts)


def run(plan: Plan) -> tuple[FaultRun, FailingFiles]:
    """One run, and the file system that witnessed it."""
    files = FailingFiles(plan)
    log = PromisingLog(files)
    told: list[str] = []
    fault: str | None = None
    try:
        log.work()
    except (OSError, StorageError) as error:
        told.append(str(error))
    except Exception as error:  # noqa: BLE001 - any other is what this looks for
        fault = f"{type(error).__name__} instead of a clear error: {error}"
    fault = fault or _broken(log, files)
    outcome = FaultRun(plan, files.failed_call, len(log.acknowledged), (*log.errors, *told), fault)
    return outcome, files


def _broken(log: PromisingLog, files: FailingFiles) -> str | None:
    """What a healthy process finds wrong after this one died."""
    contents = {f"{ROOT}/{path}": content for path, content in files.contents(ROOT).items()}
    healthy = ImageFiles(contents, [ROOT, *files.folders(ROOT)])
    try:
        directory = LogDirectory.open(ROOT, log.config, healthy, now_ms=0)
        found = _values(directory, healthy)
    except (OSError, StorageError) as error:
        return f"the folder does not open again: {error}"
    if found[: len(log.acknowledged)] != log.acknowledged:
        return f"found {found}, expected {log.acknowledged}, which were acknowledged, first"
    if found[len(log.acknowledged) :] not in ([], [log.next_value]):
        return f"found {found}, expected at most {log.next_value!r} after what was acknowledged"
    return None


def _values(directory: LogDirectory, files: ImageFiles) -> list[bytes]:
    log = directory.logs.get((TOPIC, 0))
    if log is None:
        return []
    stored = b"".join(
        files.open(segment.file.path).read_at(segment.byte_count, 0) for segment in log.segments
    )
    return [record.value or b"" for batch in batches(stored) for record in records(batch)]


def power_loss(files: FailingFiles, model_name: str, lost_count: int = 1) -> Explored:
    """Every state that power loss could have left at any moment of a run."""
    recording = recording_of(files.history(), ROOT, kept=files.contents(ROOT))
    checker = LogCheckers(recording, Promise.ACKNOWLEDGED).checker()
    places = range(len(recording.operations))
    bounds = Bounds(lost_count=lost_count, is_tearing=False)
    return explore(recording, MODELS[model_name], bounds, checker, places)

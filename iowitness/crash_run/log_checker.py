"""Judges disk states of our own log: what was promised is there, and nothing else is.

A state is recovered by the log's real recovery, in memory. Then: each partition holds a prefix of
what was written, in whole batches; the prefix has every record that was promised; the state of
producers is that of the prefix; and recovering once more changes nothing.
"""

from enum import Enum

from msgspec import Struct

from iowitness.crash.checker import DiskState
from iowitness.crash.operations import Heard, Operation, Recording, Said
from iowitness.crash_run.acknowledgements import Acknowledgements
from iowitness.crash_run.image_files import ImageFiles
from iowitness.crash_run.log_streams import FlushedBytes, LogStream, log_streams
from iowitness.impl.errors import StorageError
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_directory import LogDirectory

_ROOT = "/state"
_DERIVED = (".index", ".timeindex", ".snapshot")
_SMALL_INDEXES = LogConfig(index_byte_count=65_536)


class Promise(Enum):
    """Which acknowledged records power loss must leave.

    FLUSHED: those whose segment was flushed. ACKNOWLEDGED: all of them, which holds where every
    append is flushed before it is acknowledged. The death of the process alone must leave all
    acknowledged records either way.
    """

    FLUSHED = "flushed"
    ACKNOWLEDGED = "acknowledged"


class Recovered(Struct, frozen=True):
    """What recovery made of one partition: bytes of its stream, or what went wrong."""

    byte_count: int = 0
    fault: str | None = None


class LogCheckers:
    """Makes checkers of one recording, which share what recovery made of states seen before.

    Partitions share nothing but the files beside their folders, so each is recovered with those
    files and without the other folders, and states that differ elsewhere are not recovered again.
    """

    def __init__(self, recording: Recording, promise: Promise) -> None:
        """Raises `CrashError` where the recording is not one of a log directory."""
        self.promise = promise
        self.writers = recording.writers
        self.streams = log_streams(recording)
        self.places = {(one.topic, one.number): i for i, one in enumerate(self.streams)}
        self.ends = [
            {batch.header.base_offset: batch.end for batch in stream.batches}
            for stream in self.streams
        ]
        self._known: dict[tuple[int, int, int], Recovered] = {}

    @property
    def recovered_count(self) -> int:
        """Distinct states of partitions that were recovered."""
        return len(self._known)

    def checker(self) -> "LogChecker":
        """A checker at the recording's start."""
        return LogChecker(self)

    def recovered(self, state: DiskState, place: int) -> Recovered:
        """What recovery makes of one partition of a state."""
        stream = self.streams[place]
        key = (place, state.digests.get("", 0), state.digests.get(stream.folder, 0))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _recovered(state, stream)
        return known


class LogChecker:
    """A `Checker` of our own log."""

    def __init__(self, source: LogCheckers) -> None:
        """At the recording's start."""
        self._source = source
        self._flushed = FlushedBytes(source.streams)
        self._acknowledgements = Acknowledgements()
        self._acknowledged = [0] * len(source.streams)
        self._needs: tuple[tuple[int, ...], tuple[int, ...]] | None = None

    def observe(self, number: int, operation: Operation) -> None:
        """Follow what is flushed and acknowledged."""
        self._needs = None
        self._flushed.observe(number, operation)
        if isinstance(operation, Heard | Said) and operation.process_id not in self._source.writers:
            return  # a client of the broker
        if isinstance(operation, Heard):
            self._acknowledgements.hear(operation)
        elif isinstance(operation, Said):
            source = self._source
            for topic, number_, base_offset in self._acknowledgements.say(operation):
                place = source.places[topic, number_]
                end = source.ends[place][base_offset]
                self._acknowledged[place] = max(self._acknowledged[place], end)

    def judge(self, state: DiskState) -> str | None:
        """Recover the state, as far as it is a new one, and compare."""
        for place, needed in enumerate(self._needed(state)):
            recovered = self._source.recovered(state, place)
            if recovered.fault is not None:
                return recovered.fault
            if recovered.byte_count < needed:
                return _lost(self._source.streams[place], recovered.byte_count, needed)
        return None

    def _needed(self, state: DiskState) -> tuple[int, ...]:
        if self._needs is None:
            acknowledged = tuple(self._acknowledged)
            flushed = tuple(map(self._flushed.byte_count, self._source.streams))
            both = tuple(map(min, acknowledged, flushed))
            promises_all = self._source.promise is Promise.ACKNOWLEDGED
            self._needs = (acknowledged, acknowledged if promises_all else both)
        return self._needs[0] if state.is_whole else self._needs[1]


def _recovered(state: DiskState, stream: LogStream) -> Recovered:
    contents = {
        f"{_ROOT}/{path}": content
        for top in ("", stream.folder)
        for path, content in state.files(top).items()
    }
    folders = [_ROOT]
    if stream.folder in state.folders():
        folders.append(f"{_ROOT}/{stream.folder}")
    files = ImageFiles(contents, folders)
    try:
        log = _opened(files, stream)
        if log is None:
            return Recovered()
        fault = _fault(stream, log, files)
        kept = _content(log, files)
        after_first = files.contents()
        again = _opened(files := ImageFiles(after_first, folders), stream)
    except (StorageError, OSError, ValueError) as error:
        return Recovered(fault=f"{stream.folder}: recovery refused the state: {error}")
    if fault is None and again is not None:
        fault = _changed(stream, after_first, files.contents())
    return Recovered(len(kept), fault)


def _opened(files: ImageFiles, stream: LogStream) -> Log | None:
    logs = LogDirectory.open(_ROOT, _SMALL_INDEXES, files, now_ms=0).logs
    return logs.get((stream.topic, stream.number))


def _content(log: Log, files: ImageFiles) -> bytes:
    return b"".join(
        files.open(segment.file.path).read_at(segment.byte_count, 0) for segment in log.segments
    )


def _fault(stream: LogStream, log: Log, files: ImageFiles) -> str | None:
    """What is wrong with a recovered log, whatever was promised."""
    kept = _content(log, files)
    if not stream.content.startswith(kept):
        return f"{stream.folder}: {_first_difference(stream.content, kept)}"
    if not stream.ends_at_batch(len(kept)):
        return f"{stream.folder}: {len(kept)} B were kept, expected whole batches"
    told = {one.producer_id: (one.producer_epoch, one.last_sequence) for one in log.producers}
    expected = stream.producers(len(kept))
    if told != expected:
        return f"{stream.folder}: producers={told}, expected {expected} by the batches kept"
    return None


def _first_difference(expected: bytes, found: bytes) -> str:
    for place, (one, other) in enumerate(zip(expected, found, strict=False)):
        if one != other:
            return f"byte {place} is 0x{other:02x}, expected 0x{one:02x} as it was written"
    return f"{len(found)} B were kept, of {len(expected)} B ever written"


def _changed(stream: LogStream, first: dict[str, bytes], second: dict[str, bytes]) -> str | None:
    """What a second recovery made of the first one's outcome; derived files may be made anew."""
    for path in sorted(first.keys() | second.keys()):
        is_derived = path.endswith(_DERIVED)
        if not is_derived and first.get(path) != second.get(path):
            return f"{stream.folder}: recovering once more changed {path[len(_ROOT) + 1 :]}"
    return None


def _lost(stream: LogStream, found: int, needed: int) -> str:
    lost = [batch for batch in stream.batches if found < batch.end <= needed]
    offsets = f"{lost[0].header.base_offset}..{lost[-1].header.last_offset}" if lost else "none"
    return (
        f"{stream.folder}: lost offsets {offsets}: {found} B were kept, expected {needed} B that "
        "were promised"
    )

"""A whole exploration: models times stretches of the recording, in parallel, kept as it goes.

Each finished stretch is one line of the progress file, so that an interrupted campaign goes on
where it was. The lines name the recording and the question by a digest: another one starts anew.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from iowitness.crash.checker import Checker
from iowitness.crash.exploration import Failure, explore
from iowitness.crash.operations import Heard, Recording
from iowitness.crash.persistence import MODELS
from iowitness.crash.states import Bounds

STRETCH_PLACE_COUNT = 25


class CheckerSource(Protocol):
    """Makes checkers; one source lives in each worker, so that what it learns is kept."""

    def checker(self) -> Checker:
        """A checker at the recording's start."""

    @property
    def recovered_count(self) -> int:
        """Distinct states that were recovered so far, over all of its checkers."""


class Question(Struct, frozen=True):
    """What to explore. `source` makes a `CheckerSource` and has to be picklable."""

    recording: Recording
    model_names: tuple[str, ...]
    bounds: Bounds
    source: Callable[[Recording], CheckerSource]
    source_text: str

    def key(self) -> str:
        """The same for the same question about the same recording."""
        encoded = msgspec.msgpack.encode(
            (self.recording, self.bounds, self.source_text), enc_hook=str
        )
        return hashlib.blake2b(encoded, digest_size=12).hexdigest()


class Stretch(Struct, frozen=True):
    """A finished part: its states, those that were wrong, and the distinct ones recovered."""

    key: str
    model: str
    start: int
    stop: int
    state_count: int
    recovered_count: int
    failures: tuple[Failure, ...]
    fault_counts: dict[str, int]


class ModelTotal(Struct):
    """What one model came to; fields as in `Explored`."""

    model: str
    state_count: int = 0
    recovered_count: int = 0
    failures: list[Failure] = []
    fault_counts: dict[str, int] = {}

    @property
    def failure_count(self) -> int:
        """States that are wrong."""
        return sum(self.fault_counts.values())

    def add(self, stretch: Stretch) -> None:
        """One stretch more."""
        self.state_count += stretch.state_count
        self.recovered_count += stretch.recovered_count
        self.failures += [one for one in stretch.failures if one.fault not in self.fault_counts]
        for fault, count in stretch.fault_counts.items():
            self.fault_counts[fault] = self.fault_counts.get(fault, 0) + count


def run(question: Question, *, workers: int, progress_file: Path | None) -> Iterator[Stretch]:
    """Every stretch of every model, as they are finished; those of the progress file first."""
    key = question.key()
    finished = {} if progress_file is None else _finished(progress_file, key)
    yield from finished.values()
    wanted = [
        (model, start, stop)
        for model in question.model_names
        for start, stop in stretches(question.recording)
        if (model, start) not in finished
    ]
    for stretch in _explored(question, key, wanted, workers):
        if progress_file is not None:
            with progress_file.open("ab") as stream:
                stream.write(msgspec.json.encode(stretch) + b"\n")
        yield stretch


def stretches(recording: Recording) -> list[tuple[int, int]]:
    """The recording's places, in parts of about equal length."""
    end = len(recording.operations)
    starts = range(0, end, STRETCH_PLACE_COUNT)
    return [(start, min(start + STRETCH_PLACE_COUNT, end)) for start in starts]


def place_count(recording: Recording) -> int:
    """Places at which states are judged."""
    return sum(not isinstance(one, Heard) for one in recording.operations)


def _finished(path: Path, key: str) -> dict[tuple[str, int], Stretch]:
    found: dict[tuple[str, int], Stretch] = {}
    if not path.exists():
        return found
    for line in path.read_bytes().splitlines():
        try:
            stretch = msgspec.json.decode(line, type=Stretch)
        except msgspec.DecodeError:
            continue  # the last line, cut by the interruption
        if stretch.key == key:
            found[stretch.model, stretch.start] = stretch
    return found


def _explored(
    question: Question, key: str, wanted: Sequence[tuple[str, int, int]], workers: int
) -> Iterator[Stretch]:
    if workers == 1:
        worker = _Worker(question, key)
        yield from (worker.explored(*one) for one in wanted)
        return
    with ProcessPoolExecutor(workers, initializer=_start, initargs=(question, key)) as pool:
        futures = [pool.submit(_explored_here, *one) for one in wanted]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Worker:
    def __init__(self, question: Question, key: str) -> None:
        self._question = question
        self._key = key
        self._source = question.source(question.recording)

    def explored(self, model_name: str, start: int, stop: int) -> Stretch:
        question = self._question
        before = self._source.recovered_count
        explored = explore(
            question.recording,
            MODELS[model_name],
            question.bounds,
            self._source.checker(),
            range(start, stop),
        )
        return Stretch(
            self._key,
            model_name,
            start,
            stop,
            explored.state_count,
            self._source.recovered_count - before,
            tuple(explored.failures),
            explored.fault_counts,
        )


_worker: _Worker | None = None
"""The one worker of a process of the pool."""


def _start(question: Question, key: str) -> None:
    global _worker
    _worker = _Worker(question, key)


def _explored_here(model_name: str, start: int, stop: int) -> Stretch:
    assert _worker is not None
    return _worker.explored(model_name, start, stop)

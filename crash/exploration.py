"""A walk over a recording: every state that a crash could leave, after every operation, judged."""

from collections.abc import Iterator
from functools import partial

from msgspec import Struct

from iowitness.crash.checker import Checker, DiskState
from iowitness.crash.disk import Disk
from iowitness.crash.file_bytes import Loss
from iowitness.crash.operations import Heard, Recording
from iowitness.crash.persistence import PersistenceModel
from iowitness.crash.states import Bounds, losses


class Failure(Struct, frozen=True):
    """A state that is wrong: after which operation, what the crash did, and what is wrong.

    `place` is the operation's place in the recording and `line` its line in the raw trace.
    """

    model: str
    place: int
    line: int
    loss: Loss
    fault: str


class Explored(Struct):
    """What a stretch of a recording came to. States are counted at every place anew."""

    state_count: int = 0
    failure_count: int = 0
    failures: list[Failure] = []


MOST_KEPT_FAILURES = 20


def explore(
    recording: Recording,
    model: PersistenceModel,
    bounds: Bounds,
    checker: Checker,
    places: range,
) -> Iterator[Explored]:
    """Judge all states after each operation of a stretch; yields the sum so far at each place.

    The checker sees every operation from the recording's start on, as it must.
    """
    disk = Disk(recording, model)
    explored = Explored()
    for place, operation in enumerate(recording.operations[: places.stop]):
        disk.play(place, operation)
        checker.observe(place, operation)
        if place < places.start or isinstance(operation, Heard):
            continue
        for loss in losses(disk, model, bounds):
            explored.state_count += 1
            fault = checker.judge(state_of(disk, loss))
            if fault is not None:
                explored.failure_count += 1
                if len(explored.failures) < MOST_KEPT_FAILURES:
                    explored.failures.append(
                        Failure(model.name, place, operation.line, loss, fault)
                    )
        yield explored


def state_of(disk: Disk, loss: Loss) -> DiskState:
    """One state of a disk, built where somebody looks."""
    return DiskState(
        disk.digests(loss), loss, partial(disk.files, loss), partial(disk.folders, loss)
    )


def state_at(recording: Recording, model: PersistenceModel, place: int, loss: Loss) -> DiskState:
    """The state that a failure names, again."""
    disk = Disk(recording, model)
    for number, operation in enumerate(recording.operations[: place + 1]):
        disk.play(number, operation)
    return state_of(disk, loss)

"""A walk over a recording: every state that a crash could leave, after every operation, judged."""

from functools import partial

from msgspec import Struct

from iowitness.crash.checker import Checker, DiskState
from iowitness.crash.disk import Disk
from iowitness.crash.errors import CrashError
from iowitness.crash.file_bytes import Loss
from iowitness.crash.operations import Heard, Recording
from iowitness.crash.persistence import MODELS, PersistenceModel
from iowitness.crash.state_name import StateName
from iowitness.crash.states import Bounds, losses


class Failure(Struct, frozen=True):
    """A state that is wrong, and what is wrong with it; `line` is the raw trace's at that place."""

    state: StateName
    line: int
    fault: str


class Explored(Struct):
    """What a stretch of a recording came to. States are counted at every place anew.

    `failures` has the first state of each fault, and `fault_counts` how many there are.
    """

    state_count: int = 0
    failures: list[Failure] = []
    fault_counts: dict[str, int] = {}

    @property
    def failure_count(self) -> int:
        """States that are wrong."""
        return sum(self.fault_counts.values())


def explore(
    recording: Recording,
    model: PersistenceModel,
    bounds: Bounds,
    checker: Checker,
    places: range,
) -> Explored:
    """Judge all states after each operation of a stretch.

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
                if fault not in explored.fault_counts:
                    name = StateName(model.name, place, loss)
                    explored.failures.append(Failure(name, operation.line, fault))
                explored.fault_counts[fault] = explored.fault_counts.get(fault, 0) + 1
    return explored


def state_of(disk: Disk, loss: Loss) -> DiskState:
    """One state of a disk, built where somebody looks."""
    return DiskState(
        disk.digests(loss),
        loss,
        partial(disk.files, loss),
        partial(disk.folders, loss),
        partial(disk.links, loss),
    )


def state_named(recording: Recording, name: StateName) -> DiskState:
    """The state that a failure names, again. Raises `CrashError` where it is none of these."""
    disk = Disk(recording, MODELS[name.model])
    for number, operation in enumerate(recording.operations[: name.place + 1]):
        disk.play(number, operation)
    lost = name.loss.lost | ({name.loss.torn.number} if name.loss.torn else frozenset())
    durable = sorted(lost - disk.pending.keys())
    if durable:
        raise CrashError(f"state={name}: changes {durable} cannot be lost there")
    return state_of(disk, name.loss)

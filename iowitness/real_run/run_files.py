"""What goes between `verify` and the process that carries the workload out: two JSON files."""

from pathlib import Path

import msgspec
from msgspec import Struct

from iowitness.impl.log_config import LogConfig
from iowitness.specs.workload import Workload


class RunOrder(Struct, frozen=True, kw_only=True):
    """What to run: the workload, the broker's data folder, and the fault to plant, if any.

    `port` 0 takes any free port of loopback. `flush_record_count` and `index_byte_count` are the
    broker's settings of those names.
    """

    workload: Workload
    data_folder: str
    sabotage: str | None = None
    port: int = 0
    flush_record_count: int | None = None
    index_byte_count: int = LogConfig().index_byte_count


class StepResult(Struct, frozen=True, kw_only=True):
    """What one step took, all processes together, and how many records it sent or received."""

    name: str
    wall_s: float
    cpu_s: float
    record_count: int


class RunResult(Struct, frozen=True, kw_only=True):
    """The steps of one run, in order, and the CPU seconds of the broker over all of them."""

    steps: tuple[StepResult, ...]
    broker_cpu_s: float


def write_json(path: Path, value: RunOrder | RunResult) -> None:
    """Write one of the two files."""
    path.write_bytes(msgspec.json.encode(value))


def read_order(path: Path) -> RunOrder:
    """Read the order; `msgspec.ValidationError` names the field that is off."""
    return msgspec.json.decode(path.read_bytes(), type=RunOrder)


def read_result(path: Path) -> RunResult:
    """Read the result; `msgspec.ValidationError` names the field that is off."""
    return msgspec.json.decode(path.read_bytes(), type=RunResult)

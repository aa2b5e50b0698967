"""The default workload of `iowitness crash`: our broker under strace, with all bytes kept."""

from pathlib import Path

from msgspec import Struct

from iowitness.crash.from_history import recording_of
from iowitness.crash.operations import Recording
from iowitness.real_run.run_files import RunOrder
from iowitness.real_run.runs import prepared, result_of
from iowitness.specs.workload import Codec, Produce, Restart, Workload
from iowitness.traces.capture import capture
from iowitness.traces.strace_history import read_history

_CONTENT_BYTE_COUNT = 1 << 20
_INDEX_BYTE_COUNT = 240


class RecordedWorkload(Struct, frozen=True):
    """A recording, and the raw trace that it was made from."""

    recording: Recording
    trace: Path


def default_workload(record_count: int) -> Workload:
    """Two partitions, segments that roll every few batches, and two clean restarts."""
    first, rest = record_count * 3 // 5, record_count - record_count * 3 // 5
    return Workload(
        steps=(
            _produce(first, "none"),
            Restart(),
            _produce(rest, "lz4"),
            Restart(),
        ),
        segment_byte_count=1_500,
        index_interval_byte_count=300,
    )


def _produce(record_count: int, codec: Codec) -> Produce:
    return Produce(
        topic="events",
        record_count=record_count,
        codec=codec,
        partition_count=2,
        batch_size=300,
        value_byte_count=60,
    )


def record(workload: Workload, folder: Path, *, flush_record_count: int | None) -> RecordedWorkload:
    """Run a workload for real below `folder`, and take down what reached the disk.

    `flush_record_count` 1 flushes every append before it is acknowledged; None leaves flushing to
    rolls and stops. Raises what `capture` raises, and `RealRunFailed`.
    """
    root = folder / "data"
    order = RunOrder(
        workload=workload,
        data_folder=str(root),
        flush_record_count=flush_record_count,
        index_byte_count=_INDEX_BYTE_COUNT,
    )
    command, result_path = prepared(order, folder)
    trace, said = folder / "crash.strace", folder / "said.txt"
    with said.open("wb") as stream:
        captured = capture(
            command,
            output=trace,
            content_byte_count=_CONTENT_BYTE_COUNT,
            stdout=stream,
            stderr=stream,
        )
    result_of(result_path, captured.exit_status, said.read_text())
    recording = recording_of(read_history(trace), str(root), kept=folder_contents(root))
    return RecordedWorkload(recording, trace)


def folder_contents(root: Path) -> dict[str, bytes]:
    """Every file's bytes below a folder, by path below it; folders end in `/`."""
    found: dict[str, bytes] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_dir():
            found[name + "/"] = b""
        elif path.is_file():
            found[name] = path.read_bytes()
    return found

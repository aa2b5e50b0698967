"""What a capture knows that its raw trace does not say: kept beside it as `NAME.capture.json`."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import DecodeError, Struct, field

from iowitness.traces.json_lines import decoded, indented
from iowitness.traces.trace_error import TraceError


class CaptureRecord(Struct, frozen=True, kw_only=True):
    """How a raw trace was made.

    `calls` is the filter, empty where all calls were traced. `process_ids` tells the process of the
    threads that ran already when strace attached. `seccomp_fallback` says that strace stopped the
    program at every call and not only at the traced ones: times are worth less then. `exit_status`
    is None where strace was attached to a program; a signal's number is negative. `detached` says
    that strace was told to leave the program, so that the trace's end is no accident.
    """

    command: tuple[str, ...] = ()
    tool: str = ""
    calls: tuple[str, ...] = ()
    content_byte_count: int = 32
    faults: tuple[str, ...] = ()
    process_ids: Mapping[str, int] = field(default_factory=dict)
    seccomp_fallback: bool = False
    exit_status: int | None = None
    detached: bool = False
    wall_ns: int = 0

    def thread_processes(self) -> dict[int, int]:
        """`process_ids` with integers; JSON has only strings for keys."""
        return {int(thread): process for thread, process in self.process_ids.items()}


def record_path(raw: Path) -> Path:
    """Where the record of a raw trace is."""
    return raw.with_name(raw.name + ".capture.json")


def write_record(raw: Path, record: CaptureRecord) -> None:
    """Put the record beside its raw trace."""
    record_path(raw).write_bytes(indented(record))


def read_record(raw: Path) -> CaptureRecord | None:
    """The record beside a raw trace, None where there is none."""
    try:
        text = record_path(raw).read_bytes()
    except OSError:
        return None
    try:
        return decoded(text, CaptureRecord)
    except DecodeError as error:
        raise TraceError(f"is no capture record: {error}", file=str(record_path(raw))) from error

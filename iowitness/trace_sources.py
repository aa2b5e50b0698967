"""What `check` and `compare` are given: raw traces and stored histories, as streams or whole."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from iowitness.specs.contract import AnyContract, Judging
from iowitness.specs.verdict import Verdict
from iowitness.traces.events import AnyEvent
from iowitness.traces.history import History, Provenance
from iowitness.traces.history_file import looks_like_history, read_history_file
from iowitness.traces.raw_input import file_lines
from iowitness.traces.strace_history import EventStream, read_history, stream
from iowitness.traces.thread_files import thread_files


@dataclass(frozen=True, slots=True)
class JudgedTrace:
    """The verdicts on a trace, and where it came from.

    `history` has no events where the trace went by as a stream.
    """

    verdicts: tuple[Verdict, ...]
    history: History


def is_stored_history(path: Path) -> bool:
    """Whether the file is a history as iowitness stores it; else it is a raw trace.

    The files of `strace -ff`, given by their folder or their prefix, are a raw trace.
    """
    if not path.is_file():
        return False
    first_line = next(iter(file_lines(str(path))), b"")
    return looks_like_history(first_line)


def joined_raw_trace(path: Path, folder: Path) -> Path:
    """One file with the lines as events count them: the trace, or its threads' files joined.

    `folder` is where a new file may be made.
    """
    if path.is_file():
        return path
    joined = folder / f"{path.resolve().name}.strace"
    with joined.open("wb") as text:
        for one in thread_files(path.resolve()):
            for line in file_lines(str(one)):
                text.write(line + b"\n")
    return joined


def whole_history(path: Path) -> History:
    """All events of a trace. Raises `TraceError` at what cannot be read."""
    return read_history_file(path) if is_stored_history(path) else read_history(_named(path))


def judged_stream(path: Path, contracts: Sequence[AnyContract], root: str) -> JudgedTrace:
    """A trace judged in one pass, in memory that does not grow with it."""
    if is_stored_history(path):
        history = read_history_file(path)
        return judged_whole(history, contracts, root)
    events: EventStream = stream(_named(path))
    judging = Judging(
        contracts,
        visible_kinds=events.visible_kinds,
        data_is_visible=events.data_is_visible,
        root=root,
    )
    _show(judging, events)
    return _judged(judging, events.provenance, events.visible_kinds, ())


def judged_whole(history: History, contracts: Sequence[AnyContract], root: str) -> JudgedTrace:
    """A history judged."""
    judging = Judging(
        contracts,
        visible_kinds=history.visible_kinds,
        data_is_visible=history.data_is_visible,
        root=root,
    )
    _show(judging, history.events)
    return _judged(judging, history.provenance, history.visible_kinds, history.events)


def _named(path: Path) -> Path:
    """The path with a name: `.` has none, and the capture's record is looked for beside it."""
    return path if path.name else path.resolve()


def _show(judging: Judging, events: Iterable[AnyEvent]) -> None:
    for event in events:
        judging.see(event)


def _judged(
    judging: Judging,
    provenance: Provenance,
    visible_kinds: frozenset[str],
    events: tuple[AnyEvent, ...],
) -> JudgedTrace:
    history = History(events=events, visible_kinds=visible_kinds, provenance=provenance)
    return JudgedTrace(judging.verdicts(provenance), history)

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


@dataclass(frozen=True, slots=True)
class JudgedTrace:
    """The verdicts on a trace, and where it came from.

    `history` has no events where the trace went by as a stream.
    """

    verdicts: tuple[Verdict, ...]
    history: History


def is_stored_history(path: Path) -> bool:
    """Whether the file is a history as iowitness stores it; else it is a raw trace."""
    first_line = next(iter(file_lines(str(path))), b"")
    return looks_like_history(first_line)


def whole_history(path: Path) -> History:
    """All events of a trace. Raises `TraceError` at what cannot be read."""
    return read_history_file(path) if is_stored_history(path) else read_history(path)


def judged_stream(path: Path, contracts: Sequence[AnyContract], root: str) -> JudgedTrace:
    """A trace judged in one pass, in memory that does not grow with it."""
    if is_stored_history(path):
        history = read_history_file(path)
        return judged_whole(history, contracts, root)
    events: EventStream = stream(path)
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

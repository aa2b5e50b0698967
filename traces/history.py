"""A `History`: events in order of completion, what its source can see, and where it came from."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeVar

from msgspec import Struct, field

from iowitness.traces.events import CALL_KINDS, AnyEvent, IOEvent

EventT = TypeVar("EventT", bound=IOEvent)


CUT_OFF = "the trace is cut off within its last line"
STILL_RUNNING = "the trace ends while processes still run"
"""How the reasons of gaps at a trace's end begin: what was still to come is not missing."""


class Gap(Struct, frozen=True, kw_only=True):
    """A place where the source may have missed something: the reason, and the line if there is one.

    `process_id` and `call` narrow it down where known (a call that never resumed).
    """

    reason: str
    line: int = 0
    process_id: int | None = None
    call: str | None = None


class Provenance(Struct, frozen=True, kw_only=True):
    """Where a history came from, and how far it can be trusted.

    `line_counts` counts the raw trace's lines by kind and `call_counts` its calls by name, those
    that yield no event included. `clock_resolution_ns` is what the tracer printed (1,000 for
    `-ttt`).
    """

    source: Literal["strace", "simulation", "constructed", "block-trace"]
    program: tuple[str, ...] = ()
    tool: str = ""
    raw_files: tuple[str, ...] = ()
    clock_resolution_ns: int = 1
    line_counts: Mapping[str, int] = field(default_factory=dict)
    call_counts: Mapping[str, int] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()


class History(Struct, frozen=True, kw_only=True):
    """Events in order of completion.

    `visible_kinds` names the kinds of event that the source would have shown had they happened;
    a contract that needs another is UNKNOWN. `data_is_visible` says that buffers' beginnings were
    kept (`Written.data` and the like).
    """

    events: tuple[AnyEvent, ...]
    visible_kinds: frozenset[str] = CALL_KINDS
    data_is_visible: bool = False
    provenance: Provenance = Provenance(source="constructed")

    def __iter__(self) -> Iterator[AnyEvent]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def of_kind(self, kind: type[EventT]) -> Iterator[EventT]:
        """The events of one kind, in order."""
        return (event for event in self.events if isinstance(event, kind))


def constructed(events: Iterable[AnyEvent]) -> History:
    """A history made by hand, as tests and examples do."""
    return History(events=tuple(events))

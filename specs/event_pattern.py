"""Event patterns: a kind of call, on selected files or sockets, by selected actors."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field

from iowitness.specs.globs import WordGlobs
from iowitness.specs.scene import Scene
from iowitness.specs.selection import (
    FileGlobs,
    FileSelector,
    NameGlobs,
    OfSockets,
    one_or_several,
)
from iowitness.traces.events import (
    EVENT_KINDS,
    AnyEvent,
    Endpoint,
    File,
    IOEvent,
    Marked,
    Socket,
)


def _known_kinds(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in EVENT_KINDS:
            known = ", ".join(sorted(EVENT_KINDS))
            raise ValueError(f"{name!r} is no kind of event, expected one of {known}")
    return names


def as_tuple(value: object) -> object:
    """One word alone stands for a list of one."""
    return (value,) if isinstance(value, str) else value


Kinds: TypeAlias = Annotated[
    tuple[str, ...],
    BeforeValidator(as_tuple),
    AfterValidator(_known_kinds),
    one_or_several({"enum": sorted(EVENT_KINDS)}),
]


class EventPattern(OfSockets):
    """Which events are meant: any of `kinds`, and all of what else is given.

    `calls` are names of system calls (`pwrite64`), `marks` names of marks. A call that failed is
    never meant. `files` are held against any path that the event speaks of.
    """

    kinds: Kinds = Field(min_length=1)
    calls: NameGlobs = ()
    files: FileGlobs = ()
    not_files: FileGlobs = ()
    marks: NameGlobs = ()

    def matcher(self, scene: Scene) -> "EventMatcher":
        """What holds an event against this pattern."""
        return EventMatcher(self, scene)

    @property
    def event_kinds(self) -> tuple[type[IOEvent], ...]:
        """The kinds as types."""
        return tuple(EVENT_KINDS[name] for name in self.kinds)


class EventMatcher:
    """Whether an event is one of those that a pattern means."""

    def __init__(self, pattern: EventPattern, scene: Scene) -> None:
        self._kinds = pattern.event_kinds
        self._actors = pattern.actors(scene)
        self._files = (
            FileSelector(scene, pattern.files, pattern.not_files) if pattern.files else None
        )
        has_ports = bool(pattern.local_ports or pattern.remote_ports)
        self._sockets = pattern.socket_selector() if has_ports else None
        self._calls = WordGlobs(pattern.calls) if pattern.calls else None
        self._marks = WordGlobs(pattern.marks) if pattern.marks else None

    def fit(self, event: AnyEvent) -> bool:
        """True if the event is meant."""
        if not isinstance(event, self._kinds):
            return False
        if event.error is not None and not isinstance(event, Marked):
            return False
        if self._calls is not None and not self._calls.fit(event.call):
            return False
        if self._marks is not None and not (
            isinstance(event, Marked) and self._marks.fit(event.name)
        ):
            return False
        return self._fit_objects(event) and self._actors.fit(event)

    def _fit_objects(self, event: AnyEvent) -> bool:
        if self._files is not None:
            files = self._files
            found = any(map(files.fit, endpoints(event)))
            if not found and not any(map(files.fit_path, _paths(event))):
                return False
        return self._sockets is None or any(map(self._sockets.fit, endpoints(event)))


def endpoints(event: AnyEvent) -> list[Endpoint]:
    """The files, sockets and pipes that an event speaks of."""
    names = ("file", "source", "destination", "channel", "socket", "endpoint")
    found = (getattr(event, name, None) for name in names)
    return [one for one in found if isinstance(one, File | Socket)]


def _paths(event: AnyEvent) -> list[str]:
    found = (getattr(event, name, None) for name in ("path", "old_path", "new_path"))
    return [path for path in found if isinstance(path, str)]

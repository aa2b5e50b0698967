"""The claim fd-hygiene: descriptors are not handed on by accident, and not left open."""

from typing import Literal

from iowitness.specs.claim import ActorClaim, Fold, counted, kinds
from iowitness.specs.places import subject
from iowitness.specs.scene import Scene
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import (
    Accepted,
    AnyEvent,
    Closed,
    IOEvent,
    Opened,
    PipeOpened,
    SocketOpened,
)

_OPENING = (Opened, SocketOpened, PipeOpened, Accepted)
_SEES = (*_OPENING, Closed)
_STANDARD_DESCRIPTORS = range(3)


class FdHygiene(ActorClaim):
    """Selected processes open descriptors with close-on-exec and close them before they end.

    `close_on_exec` and `at_end` say whether each of the two is asked for. Standard input, output
    and error are meant to be handed on, and are left out.
    """

    claim: Literal["fd-hygiene"] = "fd-hygiene"
    close_on_exec: Literal["required", "not-required"] = "required"
    at_end: Literal["closed", "any"] = "closed"

    @property
    def needs(self) -> frozenset[str]:
        """What opens and what closes."""
        return kinds(*_SEES)

    def watch(self, scene: Scene) -> "_Watch":
        """A new fold."""
        return _Watch(self, scene)


class _Watch(Fold):
    sees: tuple[type[IOEvent], ...] = _SEES

    def __init__(self, claim: FdHygiene, scene: Scene) -> None:
        super().__init__(claim, scene)
        self._claim = claim
        self._open: set[tuple[int, int]] = set()
        self._inherited_count = 0
        self._left_open_count = 0

    def see(self, event: AnyEvent) -> None:
        if event.error is not None:
            return
        if isinstance(event, Closed):
            self._see_close(event)
        elif isinstance(event, Opened | SocketOpened | PipeOpened | Accepted):
            if not self.actors.fit(event):
                return
            if isinstance(event, PipeOpened):
                self._see_opening(event, event.read_descriptor)
                self._see_opening(event, event.write_descriptor)
            else:
                self._see_opening(event, event.descriptor)

    def _see_opening(
        self, event: Opened | SocketOpened | PipeOpened | Accepted, descriptor: int
    ) -> None:
        if descriptor in _STANDARD_DESCRIPTORS:
            return
        self.findings.event_count += 1
        self._open.add((event.process_id, descriptor))
        if self._claim.close_on_exec == "required" and not event.close_on_exec:
            self._inherited_count += 1
            self.findings.violated(
                f"{event.call} gives descriptor {descriptor} without close-on-exec, "
                "expected it with",
                event,
                hint="O_CLOEXEC, SOCK_CLOEXEC, pipe2: a later fcntl leaves a moment open",
            )

    def _see_close(self, event: Closed) -> None:
        key = (event.process_id, event.descriptor)
        if key not in self._open:
            return
        self._open.discard(key)
        by_end = event.call in ("exit", "exit_group")
        if by_end and self._claim.at_end == "closed" and self.actors.fit(event):
            self._left_open_count += 1
            what = subject(event) or "no known file"
            self.findings.violated(
                f"descriptor {event.descriptor} ({what}) open at the end of process "
                f"{event.process_id}, expected it closed",
                event,
            )

    def conclude(self) -> Verdict:
        return self.verdict(
            f"{counted(self.findings.event_count, 'descriptor')}, none handed on or left open",
            Figure(name="descriptors", value=self.findings.event_count),
            Figure(name="without close-on-exec", value=self._inherited_count),
            Figure(name="left open", value=self._left_open_count),
        )

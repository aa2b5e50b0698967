"""The claim thread-roles: only the threads made for it touch the network."""

from typing import Literal

from pydantic import Field

from iowitness.specs.claim import ActorClaim, Fold, counted, kinds
from iowitness.specs.globs import WordGlobs
from iowitness.specs.scene import Scene
from iowitness.specs.selection import OfSockets, ThreadGlobs
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import (
    Accepted,
    AnyEvent,
    Connected,
    Endpoint,
    IOEvent,
    Received,
    Sent,
    SocketOpened,
    ThreadNamed,
    ThreadStarted,
    Transferred,
    Unverifiable,
)

_NETWORK = (Sent, Received, Transferred, Connected, Accepted, SocketOpened)
_SEES = (*_NETWORK, ThreadStarted, ThreadNamed, Unverifiable)


class ThreadRoles(ActorClaim, OfSockets):
    """In a selected process only threads named `network_threads` make network calls.

    The process must be seen to have at least one other thread (the application's), because in a
    process with one thread the claim says nothing: then it is UNKNOWN.
    """

    claim: Literal["thread-roles"] = "thread-roles"
    network_threads: ThreadGlobs = Field(min_length=1)

    @property
    def needs(self) -> frozenset[str]:
        """Network calls, and how threads get their names."""
        return kinds(*_SEES)

    def watch(self, scene: Scene) -> "_Watch":
        """A new fold."""
        return _Watch(self, scene)


def _socket_of(event: AnyEvent) -> Endpoint | None:
    if isinstance(event, Sent | Received):
        return event.channel
    if isinstance(event, Transferred):
        return event.destination
    if isinstance(event, Connected | Accepted | SocketOpened):
        return event.socket
    return None


class _Watch(Fold):
    sees: tuple[type[IOEvent], ...] = _SEES

    def __init__(self, claim: ThreadRoles, scene: Scene) -> None:
        super().__init__(claim, scene)
        self._sockets = claim.socket_selector()
        self._allowed = WordGlobs(claim.network_threads)
        self._expected = " or ".join(claim.network_threads)
        self._networking: dict[int, set[int]] = {}
        self._others: dict[int, set[int]] = {}

    def see(self, event: AnyEvent) -> None:
        if isinstance(event, Unverifiable):
            if self.concerns(event.process_id) and event.endpoint is None:
                self.findings.doubted(f"{event.call} can send unseen: {event.reason}", event)
        elif isinstance(event, ThreadStarted | ThreadNamed):
            self._meet(event)
        elif self._sockets.fit(_socket_of(event)) and self.actors.fit(event):
            self._see_network_call(event)

    def _meet(self, event: IOEvent) -> None:
        """Remember that the process has this thread, if it is not one of the network's."""
        fits = self.actors.fit_process(event.process_id)
        if fits and not self._allowed.fit(self.scene.thread_name(event.thread_id)):
            self._others.setdefault(event.process_id, set()).add(event.thread_id)

    def _see_network_call(self, event: AnyEvent) -> None:
        self.findings.event_count += 1
        self._networking.setdefault(event.process_id, set()).add(event.thread_id)
        if self._allowed.fit(self.scene.thread_name(event.thread_id)):
            return
        if not self.scene.name_is_known(event.thread_id):
            self.findings.doubted(
                f"{event.call} by thread {event.thread_id}, which was there before the trace "
                "and may have any name",
                event,
                hint="trace the program from its start",
            )
        else:
            self.findings.violated(
                f"{event.call} by {self.scene.told(event)}, "
                f"expected network calls only on {self._expected}",
                event,
                hint="hand the bytes to the sender thread; a lookup of names counts as well",
            )

    def conclude(self) -> Verdict:
        for process_id, threads in self._networking.items():
            if not self._others.get(process_id, set()) - threads:
                self.findings.doubted(
                    f"process {process_id} shows no thread but those of the network, "
                    "so nothing was kept apart"
                )
        calls = self.findings.event_count
        thread_count = sum(map(len, self._networking.values()))
        return self.verdict(
            f"{counted(calls, 'network call')} on {counted(thread_count, 'thread')}, "
            f"all named {self._expected}",
            Figure(name="network calls", value=calls),
            Figure(name="threads on the network", value=thread_count),
            Figure(
                name="calls on other threads", value=self.findings.violation_count, expected="0"
            ),
        )

"""The claim batched-sends: bytes leave in few large calls, and not one record at a time."""

from typing import Literal

from pydantic import Field

from iowitness.specs.claim import ActorClaim, Fold, counted, kinds
from iowitness.specs.scene import Scene
from iowitness.specs.selection import FileGlobs, FileSelector, OfSockets
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import AnyEvent, Endpoint, IOEvent, Sent, Transferred, Unverifiable

_SEES = (Sent, Transferred, Unverifiable)
_MIB = 1 << 20


class BatchedSends(ActorClaim, OfSockets):
    """On average a call that sends to a selected socket carries `minimum_bytes_per_send`.

    With `files` only bytes that are moved out of these files inside the kernel are counted, else
    all that selected processes send, the small calls of a handshake included.
    """

    claim: Literal["batched-sends"] = "batched-sends"
    minimum_bytes_per_send: float = Field(gt=0)
    files: FileGlobs = ()
    not_files: FileGlobs = ()

    @property
    def needs(self) -> frozenset[str]:
        """Every way by which bytes reach a socket."""
        return kinds(*_SEES)

    def watch(self, scene: Scene) -> "_Watch":
        """A new fold."""
        return _Watch(self, scene)


class _Watch(Fold):
    sees: tuple[type[IOEvent], ...] = _SEES

    def __init__(self, claim: BatchedSends, scene: Scene) -> None:
        super().__init__(claim, scene)
        self._minimum = claim.minimum_bytes_per_send
        self._sockets = claim.socket_selector()
        self._files = FileSelector(scene, claim.files, claim.not_files) if claim.files else None
        self._byte_count = 0
        self._last_small: dict[int, Sent | Transferred] = {}
        self._small_pair: tuple[Sent | Transferred, ...] = ()

    def see(self, event: AnyEvent) -> None:
        channel: Endpoint
        source: Endpoint | None
        if isinstance(event, Sent):
            channel, source = event.channel, None
        elif isinstance(event, Transferred):
            channel, source = event.destination, event.source
        elif isinstance(event, Unverifiable) and self.concerns(event.process_id):
            if event.endpoint is None or self._sockets.fit(event.endpoint):
                self.findings.doubted(f"{event.call} can send unseen: {event.reason}", event)
            return
        else:
            return
        if event.error is not None or event.byte_count == 0 or not self._sockets.fit(channel):
            return
        if self._files is not None and not self._files.fit(source):
            return
        if self.actors.fit(event):
            self._count(event, getattr(channel, "socket_id", 0))

    def _count(self, event: Sent | Transferred, socket_id: int) -> None:
        self.findings.event_count += 1
        self._byte_count += event.byte_count
        # A short send says nothing of batching: the kernel took what it had room for.
        if min(event.requested_byte_count, event.byte_count) >= self._minimum:
            self._last_small.pop(socket_id, None)
            return
        previous = self._last_small.get(socket_id)
        self._small_pair = (event,) if previous is None else (event, previous)
        self._last_small[socket_id] = event

    def conclude(self) -> Verdict:
        sends = self.findings.event_count
        mean = self._byte_count / sends if sends else 0.0
        if sends and mean < self._minimum:
            sizes = " and ".join(f"{event.byte_count} B" for event in reversed(self._small_pair))
            self.findings.violated(
                f"{mean:.0f} B a send over {counted(sends, 'send')}, "
                f"expected at least {self._minimum:g}, such as {sizes} in a row",
                *self._small_pair,
                hint="let more records gather: a larger batch_size or linger_ms",
            )
        per_mib = sends / (self._byte_count / _MIB) if self._byte_count else 0.0
        return self.verdict(
            f"{mean:,.0f} B a send over {counted(sends, 'send')}",
            Figure(
                name="bytes per send",
                value=mean,
                unit="B/send",
                expected=f"at least {self._minimum:g}",
            ),
            Figure(name="sends per MiB", value=per_mib, unit="sends/MiB"),
            Figure(name="sends", value=sends),
            Figure(name="bytes sent", value=self._byte_count, unit="B"),
        )

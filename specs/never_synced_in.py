"""The claim never-synced-in: selected files are not synced, in selected phases or at all."""

from typing import Literal

from iowitness.specs.claim import ActorClaim, Fold, counted, kinds
from iowitness.specs.scene import Scene
from iowitness.specs.selection import OfFiles
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import (
    AnyEvent,
    File,
    IOEvent,
    Opened,
    Read,
    Synced,
    Transferred,
    Unverifiable,
    Written,
)

_SEES = (Opened, Read, Written, Transferred, Synced, Unverifiable)


class NeverSyncedIn(ActorClaim, OfFiles):
    """No sync of a selected file, and no sync of everything, while selected phases are open.

    A file opened with O_SYNC is synced by each write to it. The files must be seen in use in these
    phases, else nothing was shown.
    """

    claim: Literal["never-synced-in"] = "never-synced-in"

    @property
    def needs(self) -> frozenset[str]:
        """Syncs, and what shows the files in use."""
        return kinds(*_SEES)

    def watch(self, scene: Scene) -> "_Watch":
        """A new fold."""
        return _Watch(self, scene)


class _Watch(Fold):
    sees: tuple[type[IOEvent], ...] = _SEES

    def __init__(self, claim: NeverSyncedIn, scene: Scene) -> None:
        super().__init__(claim, scene)
        self._files = claim.file_selector(scene)
        self._synchronous_ids: set[int] = set()
        self._sync_count = 0

    def see(self, event: AnyEvent) -> None:
        if isinstance(event, Synced):
            everything = event.file is None or event.scope == "filesystem"
            if (everything or self._files.fit(event.file)) and self.actors.fit(event):
                self._see_sync(event)
        elif isinstance(event, Unverifiable):
            if event.endpoint is None or self._files.fit(event.endpoint):
                self.findings.doubted(f"{event.call} can sync unseen: {event.reason}", event)
        elif event.error is None:
            self._see_use(event)

    def _see_use(self, event: AnyEvent) -> None:
        if isinstance(event, Transferred):
            in_use = self._files.fit(event.source) or self._files.fit(event.destination)
        else:
            in_use = self._files.fit(getattr(event, "file", None))
        if not in_use:
            return
        if isinstance(event, Opened) and event.synchronous:
            self._synchronous_ids.add(event.file.file_id)
        if not self.actors.fit(event):
            return
        self.findings.event_count += 1
        written = event.file if isinstance(event, Written) else None
        if isinstance(written, File) and written.file_id in self._synchronous_ids:
            self._violate(f"{event.call} to a file opened with O_SYNC", event)

    def _see_sync(self, event: Synced) -> None:
        self.findings.event_count += 1
        self._violate(event.call, event)

    def _violate(self, what: str, event: AnyEvent) -> None:
        self._sync_count += 1
        self.findings.violated(
            f"{what} by {self.scene.told(event)}, expected no sync",
            event,
            hint="what replication makes durable needs no sync on the way",
        )

    def conclude(self) -> Verdict:
        return self.verdict(
            f"{counted(self.findings.event_count, 'call')} on these files, none of them a sync",
            Figure(name="calls", value=self.findings.event_count),
            Figure(name="syncs", value=self._sync_count, expected="0"),
        )

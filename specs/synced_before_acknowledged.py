"""The claim synced-before-acknowledged: an answer leaves only when what was written is durable."""

from typing import Literal

from iowitness.specs.claim import ActorClaim, Fold, counted, kinds
from iowitness.specs.pending import Pending
from iowitness.specs.places import short_path
from iowitness.specs.scene import Scene
from iowitness.specs.selection import OfFiles, OfSockets
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import (
    AnyEvent,
    File,
    IOEvent,
    Mapped,
    Opened,
    Sent,
    Synced,
    Transferred,
    Unverifiable,
    Written,
)

_SEES = (Opened, Written, Transferred, Synced, Sent, Mapped, Unverifiable)


class SyncedBeforeAcknowledged(ActorClaim, OfFiles, OfSockets):
    """Each send to a selected socket finds all earlier writes to selected files synced.

    `acknowledging` says whose writes a send speaks of: those of the same `thread` or `process`, or
    `anyone`'s. fsync, fdatasync, syncfs and sync make durable; sync_file_range and msync do not. A
    sync that failed makes nothing durable. Writes to a file opened with O_SYNC or O_DSYNC are
    durable when they return.
    """

    claim: Literal["synced-before-acknowledged"] = "synced-before-acknowledged"
    acknowledging: Literal["thread", "process", "anyone"] = "process"

    @property
    def needs(self) -> frozenset[str]:
        """Writes, syncs and sends."""
        return kinds(*_SEES)

    @property
    def doubted_by(self) -> frozenset[str]:
        """All but syncs: one more could only help."""
        return self.needs - kinds(Synced)

    def watch(self, scene: Scene) -> "_Watch":
        """A new fold."""
        return _Watch(self, scene)


class _Watch(Fold):
    sees: tuple[type[IOEvent], ...] = _SEES

    def __init__(self, claim: SyncedBeforeAcknowledged, scene: Scene) -> None:
        super().__init__(claim, scene)
        self._acknowledging = claim.acknowledging
        self._files = claim.file_selector(scene)
        self._sockets = claim.socket_selector()
        # By whose writes they are (thread, process or 0), then by file.
        self._unsynced: dict[int, dict[int, Pending]] = {}
        self._synchronous_ids: set[int] = set()
        self._ordinary_ids: set[int] = set()
        self._write_count = 0
        self._sync_count = 0

    def see(self, event: AnyEvent) -> None:
        if isinstance(event, Unverifiable):
            if self.concerns(event.process_id) and not isinstance(event.endpoint, File):
                self.findings.doubted(f"{event.call} moves bytes unseen: {event.reason}", event)
        elif event.error is not None:
            return
        elif isinstance(event, Sent | Transferred):
            self._see_move(event)
        elif isinstance(event, Synced):
            self._see_sync(event)
        elif isinstance(event, Opened | Written | Mapped) and self._files.fit(event.file):
            self._see_file(event)

    def _see_file(self, event: Opened | Written | Mapped) -> None:
        if isinstance(event, Opened):
            if event.access != "read":
                ids = self._synchronous_ids if event.synchronous else self._ordinary_ids
                ids.add(event.file.file_id)
        elif isinstance(event, Mapped):
            if event.shared and event.writable:
                self.findings.doubted(
                    "a shared writable mapping: bytes may change without any call", event
                )
        else:
            self._begin(event, event.file)

    def _see_move(self, event: Sent | Transferred) -> None:
        target = event.channel if isinstance(event, Sent) else event.destination
        if not event.byte_count:
            return
        if isinstance(target, File):
            if isinstance(event, Transferred) and self._files.fit(target):
                self._begin(event, target)
        elif self._sockets.fit(target) and self.actors.fit(event):
            self._see_answer(event)

    def _whose(self, event: IOEvent) -> int:
        if self._acknowledging == "thread":
            return event.thread_id
        return event.process_id if self._acknowledging == "process" else 0

    def _begin(self, event: Written | Transferred, file: File) -> None:
        if not event.byte_count or not self.concerns(event.process_id):
            return
        self._write_count += 1
        durable = file.file_id in self._synchronous_ids and file.file_id not in self._ordinary_ids
        if not durable:
            files = self._unsynced.setdefault(self._whose(event), {})
            files.setdefault(file.file_id, Pending()).begin(event)

    def _see_sync(self, event: Synced) -> None:
        if event.scope in ("range", "mapping"):
            return
        everything = event.file is None or event.scope == "filesystem"
        if not everything and not self._files.fit(event.file):
            return
        self._sync_count += 1
        for files in self._unsynced.values():
            if everything:
                for pending in files.values():
                    pending.settle(event)
            elif event.file is not None and event.file.file_id in files:
                files[event.file.file_id].settle(event)

    def _see_answer(self, event: Sent | Transferred) -> None:
        if not self._write_count:
            return
        self.findings.event_count += 1
        for pending in self._unsynced.get(self._whose(event), {}).values():
            write = pending.outstanding(event)
            if write is None:
                continue
            file = write.file if isinstance(write, Written) else getattr(write, "destination", None)
            path = short_path(file.path) if isinstance(file, File) else "a file"
            self.findings.violated(
                f"{event.byte_count} B answered while {getattr(write, 'byte_count', 0)} B written "
                f"to {path} at line {write.line} were not synced, expected a sync in between",
                event,
                write,
            )
            return

    def conclude(self) -> Verdict:
        answers = self.findings.event_count
        return self.verdict(
            f"{counted(answers, 'answer')}, all after the sync of what had been written",
            Figure(name="answers", value=answers),
            Figure(name="writes", value=self._write_count),
            Figure(name="syncs", value=self._sync_count),
            Figure(name="answers too early", value=self.findings.violation_count, expected="0"),
        )

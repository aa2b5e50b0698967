"""The claim no-writes-outside: selected processes change no file but those they are given."""

from typing import Literal

from iowitness.specs.claim import ActorClaim, Fold, counted, kinds
from iowitness.specs.scene import Scene
from iowitness.specs.selection import FileGlobs, FileSelector, OfFiles
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import (
    Allocated,
    AnyEvent,
    DirectoryMade,
    File,
    IOEvent,
    Linked,
    Mapped,
    Opened,
    Renamed,
    Resized,
    Transferred,
    Unlinked,
    Unverifiable,
    Written,
)

_SEES = (
    *(Opened, Written, Transferred, Resized, Allocated, Mapped, Unverifiable),
    *(Renamed, Linked, Unlinked, DirectoryMade),
)


class NoWritesOutside(ActorClaim, OfFiles):
    """Every change is to a selected file: bytes, size, names, folders, and shared mappings.

    `also_fine` are special files by default, to which bytes go without anything being kept.
    Opening a file for writing is no change; creating or emptying one is.
    """

    claim: Literal["no-writes-outside"] = "no-writes-outside"
    also_fine: FileGlobs = ("/dev/**", "/proc/**", "/memfd:*")

    @property
    def needs(self) -> frozenset[str]:
        """All kinds of change."""
        return kinds(*_SEES)

    def watch(self, scene: Scene) -> "_Watch":
        """A new fold."""
        return _Watch(self, scene)


def _changed_paths(event: AnyEvent) -> tuple[str, ...]:
    """The paths that an event changes; none for what changes nothing."""
    match event:
        case Written(byte_count=count) if count:
            return (event.file.path,)
        case Transferred(destination=File() as target, byte_count=count) if count:
            return (target.path,)
        case Opened(truncated=True) | Resized() | Allocated():
            return (event.file.path,)
        case Opened(created=True, size_byte_count=0):
            return (event.file.path,)
        case Mapped(shared=True, writable=True):
            return (event.file.path,)
        case Renamed():
            return (event.old_path, event.new_path)
        case Linked():
            return (event.new_path,)
        case Unlinked() | DirectoryMade():
            return (event.path,)
        case _:
            return ()


class _Watch(Fold):
    sees: tuple[type[IOEvent], ...] = _SEES

    def __init__(self, claim: NoWritesOutside, scene: Scene) -> None:
        super().__init__(claim, scene)
        self._files = claim.file_selector(scene)
        self._fine = FileSelector(scene, claim.also_fine, ())

    def see(self, event: AnyEvent) -> None:
        if isinstance(event, Unverifiable):
            if self.concerns(event.process_id) and not self._files.fit(event.endpoint):
                self.findings.doubted(f"{event.call} can write unseen: {event.reason}", event)
            return
        if event.error is not None or not self.actors.fit(event):
            return
        for path in _changed_paths(event):
            if self._files.fit_path(path):
                self.findings.event_count += 1
            elif not self._fine.fit_path(path):
                self.findings.event_count += 1
                self.findings.violated(
                    f"{event.call} changes {path}, by {self.scene.told(event)}, "
                    "expected changes only to selected files",
                    event,
                )

    def conclude(self) -> Verdict:
        changes = self.findings.event_count
        return self.verdict(
            f"{counted(changes, 'change')}, all to selected files",
            Figure(name="changes", value=changes),
            Figure(name="changes elsewhere", value=self.findings.violation_count, expected="0"),
        )

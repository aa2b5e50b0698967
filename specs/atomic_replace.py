"""The claim atomic-replace: files are written aside, synced, renamed, and the folder is synced.

Whoever opens such a file finds the old content or the new one, and after a power cut too.
"""

from posixpath import dirname
from typing import Literal

from iowitness.specs.claim import ActorClaim, Fold, counted, kinds
from iowitness.specs.pending import Pending
from iowitness.specs.places import short_path
from iowitness.specs.scene import Scene
from iowitness.specs.selection import OfFiles
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import (
    Allocated,
    AnyEvent,
    File,
    IOEvent,
    Linked,
    Mapped,
    Opened,
    Renamed,
    Resized,
    Synced,
    Transferred,
    Unlinked,
    Unverifiable,
    Written,
)

_SEES = (
    *(Opened, Written, Transferred, Resized, Allocated, Mapped, Unverifiable),
    *(Synced, Renamed, Linked, Unlinked),
)

_Change = Written | Transferred | Resized | Allocated


class AtomicReplace(ActorClaim, OfFiles):
    """Selected files get new content only by a rename (or a hard link) of a file written aside.

    `sync_file` and `sync_folder` say whether the file must have been synced before its rename, and
    its folder after it. Selected are the final names; a name that is only used aside belongs into
    `not_files`. Writing, emptying or making such a file in place breaks it, and so does removing
    it before the rename.
    """

    claim: Literal["atomic-replace"] = "atomic-replace"
    sync_file: Literal["required", "not-required"] = "required"
    sync_folder: Literal["required", "not-required"] = "required"

    @property
    def needs(self) -> frozenset[str]:
        """Changes of content and of names, and syncs."""
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

    def __init__(self, claim: AtomicReplace, scene: Scene) -> None:
        super().__init__(claim, scene)
        self._claim = claim
        self._files = claim.file_selector(scene)
        self._contents: dict[int, Pending] = {}
        self._folders: dict[str, Pending] = {}
        self._removed: dict[str, Unlinked] = {}
        self._replaced_count = 0
        self._aside_hint: str | None = None

    def see(self, event: AnyEvent) -> None:
        if isinstance(event, Unverifiable):
            if self.concerns(event.process_id):
                self.findings.doubted(f"{event.call} can write unseen: {event.reason}", event)
        elif event.error is not None:
            return
        elif isinstance(event, Synced):
            self._see_sync(event)
        elif isinstance(event, Renamed | Linked):
            self._see_name(event)
        elif isinstance(event, Unlinked):
            if self._files.fit_path(event.path):
                self._removed[event.path] = event
        elif isinstance(event, Opened | Mapped):
            self._see_opening(event)
        elif isinstance(event, Written | Transferred | Resized | Allocated):
            self._see_change(event)

    def _bears_final_name(self, file: File) -> bool:
        """Whether the file's name at this moment is a selected one."""
        return self._files.fit_path(self.scene.new_paths.get(file.file_id, file.path))

    def _see_opening(self, event: Opened | Mapped) -> None:
        if isinstance(event, Mapped):
            if event.shared and event.writable and self._bears_final_name(event.file):
                self.findings.doubted(
                    "a shared writable mapping: bytes may change without any call", event
                )
        elif event.truncated and event.size_byte_count and self._bears_final_name(event.file):
            self._violate_in_place("emptied", event)

    def _see_change(self, event: _Change) -> None:
        file = event.destination if isinstance(event, Transferred) else event.file
        if not isinstance(file, File):
            return
        if self._bears_final_name(file):
            verb = "written" if isinstance(event, Written | Transferred) else "resized"
            self._violate_in_place(verb, event)
        self._contents.setdefault(file.file_id, Pending()).begin(event)

    def _violate_in_place(self, verb: str, event: AnyEvent) -> None:
        if self.actors.fit(event):
            self.findings.event_count += 1
            self.findings.violated(
                f"{verb} in place by {self.scene.told(event)}, "
                "expected a file written aside and renamed",
                event,
            )

    def _see_sync(self, event: Synced) -> None:
        if event.scope in ("range", "mapping"):
            return
        if event.file is None or event.scope == "filesystem":
            for pending in (*self._contents.values(), *self._folders.values()):
                pending.settle(event)
            return
        if event.file.file_id in self._contents:
            self._contents[event.file.file_id].settle(event)
        if event.file.path in self._folders:
            self._folders[event.file.path].settle(event)

    def _see_name(self, event: Renamed | Linked) -> None:
        if isinstance(event, Linked) and event.symbolic:
            return
        if not self._files.fit_path(event.new_path) or not self.actors.fit(event):
            return
        if isinstance(event, Renamed) and self._files.fit_path(event.old_path):
            # From one final name to another: nothing new was written.
            if event.file is not None and event.file.file_id in self._contents:
                self._aside_hint = (
                    f"{short_path(event.old_path)} became {short_path(event.new_path)}: a name "
                    "that is only used aside belongs into not_files (--set aside=GLOB)"
                )
            return
        self.findings.event_count += 1
        self._replaced_count += 1
        name = short_path(event.new_path)
        removed = self._removed.pop(event.new_path, None)
        if removed is not None:
            self.findings.violated(
                f"{name} was removed before it was replaced, expected the rename to do both",
                event,
                removed,
            )
        self._judge_content(event, name)
        if self._claim.sync_folder == "required":
            self._folders.setdefault(dirname(event.new_path), Pending()).begin(event)

    def _judge_content(self, event: Renamed | Linked, name: str) -> None:
        pending = None if event.file is None else self._contents.get(event.file.file_id)
        if pending is None:
            self.findings.doubted(f"what became {name} was not seen being written", event)
            return
        write = pending.outstanding(event)
        if write is not None and self._claim.sync_file == "required":
            self.findings.violated(
                f"{event.call} to {name} while the {write.call} at line {write.line} was not "
                "synced, expected fsync before the rename",
                event,
                write,
                hint="fsync the file before the rename, and its folder after it",
            )

    def conclude(self) -> Verdict:
        findings = self.findings
        for folder, pending in self._folders.items():
            rename = pending.waiting()
            if rename is not None:
                note = findings.doubted if self.scene.ends_early else findings.violated
                note(
                    f"{folder} was not synced after {rename.call}, expected fsync of the folder",
                    rename,
                    hint="open the folder and fsync it, or the new name may be lost",
                )
        return self.verdict(
            f"{counted(self._replaced_count, 'file')} replaced, each written aside and renamed",
            Figure(name="files replaced", value=self._replaced_count),
            Figure(name="faults", value=self.findings.violation_count, expected="0"),
            hint=self._aside_hint,
        )

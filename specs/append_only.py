"""The claim append-only: bytes once written to a file are never changed and never cut off."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from iowitness.specs.claim import ActorClaim, Fold, counted, kinds
from iowitness.specs.precedence import precedes
from iowitness.specs.scene import Scene
from iowitness.specs.selection import OfFiles
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import (
    Allocated,
    AnyEvent,
    File,
    IOEvent,
    Mapped,
    Opened,
    Resized,
    Transferred,
    Unverifiable,
    Written,
)

_SEES = (Opened, Written, Transferred, Resized, Allocated, Mapped, Unverifiable)
_Change: TypeAlias = Opened | Resized | Allocated | Mapped


class AppendOnly(ActorClaim, OfFiles):
    """No write to a selected file begins before the end of what was written to it.

    Other than sequential-writes it lets a write leave a gap. Emptying (O_TRUNC, ftruncate) and
    punching break it; growing and trimming space that was only reserved do not. Of overlapping
    calls any order without an overlap of their bytes will do.
    """

    claim: Literal["append-only"] = "append-only"
    first_write: Literal["at-size", "at-size-if-known", "anywhere"] = "at-size"

    @property
    def needs(self) -> frozenset[str]:
        """All kinds that change a file."""
        return kinds(*_SEES)

    def watch(self, scene: Scene) -> "_Watch":
        """A new fold."""
        return _Watch(self, scene)


_Write: TypeAlias = Written | Transferred


@dataclass(slots=True)
class _Extent:
    """What is known of one file.

    `settled_end` is the end of what was surely there, None where unknown; `recent` are the last
    writes with their offsets, which the next one may overlap in time.
    """

    settled_end: int | None = None
    is_new: bool = True
    recent: list[tuple[int, _Write]] = field(default_factory=list)

    def settle(self, event: AnyEvent | None = None) -> None:
        """Count what was over before `event` began (everything, without it) as surely there."""
        kept = []
        for offset, write in self.recent:
            if event is not None and not precedes(write, event):
                kept.append((offset, write))
            else:
                self.settled_end = max(self.settled_end or 0, offset + write.byte_count)
        self.recent = kept


class _Watch(Fold):
    sees: tuple[type[IOEvent], ...] = _SEES

    def __init__(self, claim: AppendOnly, scene: Scene) -> None:
        super().__init__(claim, scene)
        self._first_write = claim.first_write
        self._files = claim.file_selector(scene)
        self._extents: dict[int, _Extent] = {}
        self._byte_count = 0

    def see(self, event: AnyEvent) -> None:
        if isinstance(event, Unverifiable):
            if event.endpoint is None or self._files.fit(event.endpoint):
                self.findings.doubted(f"{event.call} can write unseen: {event.reason}", event)
            return
        if event.error is not None:
            return
        if isinstance(event, Written):
            if self._files.fit(event.file):
                self._see_write(event, event.file, event.offset)
        elif isinstance(event, Transferred):
            if isinstance(event.destination, File) and self._files.fit(event.destination):
                self._see_write(event, event.destination, event.destination_offset)
        elif isinstance(event, Opened | Resized | Allocated | Mapped) and self._files.fit(
            event.file
        ):
            self._see_change(event, self._extent(event.file))

    def _extent(self, file: File) -> _Extent:
        return self._extents.setdefault(file.file_id, _Extent())

    def _see_change(self, event: _Change, extent: _Extent) -> None:
        extent.settle()
        end = extent.settled_end
        if isinstance(event, Opened):
            if event.truncated:
                if end:
                    self._violated(f"O_TRUNC on {end} B, expected them to stay", event)
                extent.settled_end = 0
            elif end is None:
                extent.settled_end = event.size_byte_count
        elif isinstance(event, Resized):
            if end is not None and event.size_byte_count < end:
                found = f"size set to {event.size_byte_count} B"
                self._violated(f"{found}, expected the {end} B written to stay", event)
                extent.settled_end = event.size_byte_count
            elif event.size_byte_count == 0:
                extent.settled_end = 0
        elif isinstance(event, Mapped):
            if event.shared and event.writable:
                self.findings.doubted(
                    "a shared writable mapping: bytes may change without any call", event
                )
        elif any(word in event.mode for word in ("PUNCH", "ZERO", "COLLAPSE", "INSERT")) and (
            end is None or event.offset < end
        ):
            self._violated(f"fallocate {event.mode} at {event.offset}, expected no change", event)

    def _see_write(self, event: _Write, file: File, offset: int | None) -> None:
        if event.byte_count == 0:
            return
        extent = self._extent(file)
        if self.actors.fit(event):
            self.findings.event_count += 1
            self._byte_count += event.byte_count
        extent.settle(event)
        if isinstance(event, Written) and event.append:
            # The kernel put it at the end, wherever that was.
            if offset is None and extent.settled_end is not None:
                extent.settle()
                offset = extent.settled_end
        elif offset is None:
            if self.actors.fit(event):
                found = f"{event.call} of {event.byte_count} B at an unknown offset"
                late = "the file was open before the trace began: trace from the program's start"
                self.findings.doubted(found, event, hint=late)
        else:
            self._judge(extent, event, offset)
        extent.is_new = False
        if offset is not None:
            extent.recent.append((offset, event))

    def _judge(self, extent: _Extent, event: _Write, offset: int) -> None:
        if extent.is_new and self._first_write == "anywhere":
            extent.settled_end = offset
            return
        if extent.is_new and extent.settled_end is None:
            if self._first_write == "at-size" and self.actors.fit(event):
                self.findings.doubted(
                    f"first write at {offset}, and the file's size when opened is unknown",
                    event,
                    hint="first_write: at-size-if-known judges such a file from its second write",
                )
            return
        written = f"write of {event.byte_count} B at {offset}"
        floor = extent.settled_end or 0
        if offset < floor:
            self._violated(f"{written}, expected {floor} or above", event)
            return
        for other_offset, other in extent.recent:
            if (
                offset < other_offset + other.byte_count
                and other_offset < offset + event.byte_count
            ):
                there = f"{other.byte_count} B at {other_offset}"
                self._violated(f"{written}, over the {there} of another thread", event, other)

    def _violated(self, message: str, event: AnyEvent, *against: AnyEvent) -> None:
        if self.actors.fit(event):
            self.findings.event_count += not isinstance(event, _Write)
            self.findings.violated(message, event, *against)

    def conclude(self) -> Verdict:
        return self.verdict(
            f"{counted(self.findings.event_count, 'write')}, {self._byte_count:,} B, "
            "none over what was there",
            Figure(name="writes", value=self.findings.event_count),
            Figure(name="bytes written", value=self._byte_count, unit="B"),
            Figure(name="changes", value=self.findings.violation_count, expected="0"),
        )

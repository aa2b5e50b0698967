"""The claim sequential-writes: each write to a file starts where the one before it ended.

Sequential means consecutive: a gap breaks it as much as a step back. The first write is held
against the file's size when it was opened. Of writes whose calls overlap in time, any order that
makes them consecutive will do, because the trace cannot tell which came first.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pydantic import Field

from iowitness.specs.claim import ActorClaim, Fold, counted, kinds
from iowitness.specs.precedence import precedes
from iowitness.specs.scene import Scene
from iowitness.specs.selection import FileGlobs, FileSelector, OfFiles
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import (
    Allocated,
    AnyEvent,
    File,
    Mapped,
    Opened,
    Resized,
    Synced,
    Transferred,
    Unverifiable,
    Written,
)

_SEES = (Opened, Written, Transferred, Resized, Allocated, Mapped, Unverifiable)

_LATE = "the file was open before the trace began: trace the program from its start"
_USUAL_BLOCK_BYTE_COUNTS = (512, 4096, 8192, 16384, 32768, 65536)


class SequentialWrites(ActorClaim, OfFiles):
    """Every write to a selected file starts where the last one ended, whoever wrote it.

    `first_write` says what the first write to a file is held against: `at-size`, its size when it
    was opened (unknown size: UNKNOWN); `at-size-if-known`, the same where the source knows it;
    `anywhere`, nothing. `restart_after_sync_of` are files (a database) whose sync allows one
    new pass from offset 0 (its write-ahead log starts over after a checkpoint).
    `rewritten_block_byte_count` above 0 lets a write begin with the last block of that size again
    (PostgreSQL writes the unfinished page of its log anew).
    """

    claim: Literal["sequential-writes"] = "sequential-writes"
    first_write: Literal["at-size", "at-size-if-known", "anywhere"] = "at-size"
    restart_after_sync_of: FileGlobs = ()
    rewritten_block_byte_count: int = Field(default=0, ge=0)

    @property
    def needs(self) -> frozenset[str]:
        """All kinds that change a file or where its next write has to start."""
        return kinds(*_SEES, *((Synced,) if self.restart_after_sync_of else ()))

    @property
    def doubted_by(self) -> frozenset[str]:
        """All but syncs: one more could only help."""
        return self.needs - kinds(Synced)

    def watch(self, scene: Scene) -> "_Watch":
        """A new fold."""
        return _Watch(self, scene)


_Write: TypeAlias = Written | Transferred


@dataclass(slots=True)
class _Sequence:
    """One file on its way. `end` is where the next write has to start, None where unknown.

    `size` is the file's as far as known. `held` are writes that came elsewhere but may have been
    concurrent with the one that is still missing, by their offset, each with whether its actor was
    selected when it came: by the time it is judged, its process may be gone.
    """

    end: int | None = None
    size: int | None = None
    is_new: bool = True
    last: _Write | None = None
    held: dict[int, tuple[_Write, bool]] = field(default_factory=dict)
    restart_is_due: bool = False


def _likely_reason(sequence: _Sequence, offset: int) -> str | None:
    """What a log that writes there may be meant to do, and the key that allows it."""
    if sequence.is_new:
        return "a file that is filled beforehand begins anywhere: first_write: anywhere"
    if offset == 0:
        return "a log that starts over after a checkpoint says of what: restart_after_sync_of"
    end = sequence.end or 0
    for block in _USUAL_BLOCK_BYTE_COUNTS:
        if offset % block == 0 and end - block <= offset < end:
            return f"its last block is written anew: rewritten_block_byte_count: {block} allows it"
    return None


class _Watch(Fold):
    def __init__(self, claim: SequentialWrites, scene: Scene) -> None:
        super().__init__(claim, scene)
        self.sees = (*_SEES, Synced) if claim.restart_after_sync_of else _SEES
        self._first_write = claim.first_write
        self._block_byte_count = claim.rewritten_block_byte_count
        self._files: FileSelector = claim.file_selector(scene)
        self._checkpointed = FileSelector(scene, claim.restart_after_sync_of, ())
        self._sequences: dict[int, _Sequence] = {}
        self._written_ids: set[int] = set()
        self._byte_count = 0
        self._unjudged_count = 0

    def see(self, event: AnyEvent) -> None:
        if isinstance(event, Written):
            if self._files.fit(event.file):
                self._see_write(event, event.file, event.offset)
        elif isinstance(event, Transferred):
            target = event.destination
            if isinstance(target, File) and self._files.fit(target):
                self._see_write(event, target, event.destination_offset)
        elif isinstance(event, Synced):
            if event.error is None and (event.file is None or self._checkpointed.fit(event.file)):
                for sequence in self._sequences.values():
                    sequence.restart_is_due = True
        elif isinstance(event, Unverifiable):
            if event.endpoint is None or self._files.fit(event.endpoint):
                self.findings.doubted(f"{event.call} can write unseen: {event.reason}", event)
        elif (
            isinstance(event, Opened | Resized | Allocated | Mapped)
            and event.error is None
            and self._files.fit(event.file)
        ):
            self._see_change(event)

    def _sequence(self, file: File) -> _Sequence:
        found = self._sequences.get(file.file_id)
        if found is None:
            found = self._sequences[file.file_id] = _Sequence()
        return found

    def _see_change(self, event: Opened | Resized | Allocated | Mapped) -> None:
        sequence = self._sequence(event.file)
        if isinstance(event, Opened):
            self._see_opening(event, sequence)
        elif isinstance(event, Resized):
            self._settle(sequence)
            sequence.size = event.size_byte_count
            if event.size_byte_count == 0 or (
                sequence.end is not None and event.size_byte_count < sequence.end
            ):
                sequence.end = event.size_byte_count
        elif isinstance(event, Mapped):
            if event.shared and event.writable:
                self.findings.doubted(
                    "a shared writable mapping: bytes may change without any call", event
                )
        elif "COLLAPSE" in event.mode or "INSERT" in event.mode:
            self.findings.doubted(f"fallocate {event.mode} moves what was written", event)
        elif sequence.size is not None and "KEEP_SIZE" not in event.mode:
            sequence.size = max(sequence.size, event.offset + event.byte_count)

    def _see_opening(self, event: Opened, sequence: _Sequence) -> None:
        size = 0 if event.truncated else event.size_byte_count
        if size is None or size == sequence.size:
            return
        known = sequence.end is not None and sequence.size is None and size > sequence.end
        if not known:
            # The first opening, or somebody whom the source does not see changed the file.
            self._settle(sequence)
            sequence.end = size
        sequence.size = size

    def _see_write(self, event: _Write, file: File, offset: int | None) -> None:
        if event.error is not None or event.byte_count == 0:
            return
        sequence = self._sequence(file)
        if self.actors.fit(event):
            self.findings.event_count += 1
            self._byte_count += event.byte_count
            self._written_ids.add(file.file_id)
        if isinstance(event, Written) and event.append:
            # The kernel put it at the end, wherever that was: consecutive by definition.
            known_end = sequence.end if offset is None else offset
            self._take(sequence, event, None if known_end is None else known_end + event.byte_count)
            return
        if offset is None:
            if self.actors.fit(event):
                self.findings.doubted(
                    f"{event.call} of {event.byte_count} B at an unknown offset", event, hint=_LATE
                )
            self._take(sequence, event, None)
            return
        self._judge_held(sequence, event)
        self._place(sequence, event, offset)

    def _place(self, sequence: _Sequence, event: _Write, offset: int) -> None:
        """Hold the write against the end, and take up what was waiting for it."""
        end = offset + event.byte_count
        if sequence.restart_is_due and offset == 0:
            sequence.restart_is_due = False
        elif sequence.end is None or (sequence.is_new and self._first_write == "anywhere"):
            self._judge_first(sequence, event, offset)
        elif offset != sequence.end and not self._is_last_block(sequence.end, offset):
            found = event, self.actors.fit(event)
            if offset in sequence.held:
                self._break(sequence, found, offset)
            else:
                sequence.held[offset] = found
            return
        self._take(sequence, event, end)
        self._take_waiting(sequence)

    def _take_waiting(self, sequence: _Sequence) -> None:
        while sequence.end in sequence.held:
            start = sequence.end
            waiting, _ = sequence.held.pop(start)
            self._take(sequence, waiting, start + waiting.byte_count)

    def _is_last_block(self, end: int, offset: int) -> bool:
        block = self._block_byte_count
        return block > 0 and offset % block == 0 and end - block <= offset <= end

    def _judge_first(self, sequence: _Sequence, event: _Write, offset: int) -> None:
        if not sequence.is_new or not self.actors.fit(event):
            return
        if self._first_write != "at-size":
            self._unjudged_count += 1
        else:
            self.findings.doubted(
                f"first write at {offset}, and the file's size when opened is unknown",
                event,
                hint="first_write: at-size-if-known judges such a file from its second write on",
            )

    def _take(self, sequence: _Sequence, event: _Write, end: int | None) -> None:
        sequence.end = end
        sequence.is_new = False
        sequence.last = event
        if end is not None and sequence.size is not None:
            sequence.size = max(sequence.size, end)

    def _judge_held(self, sequence: _Sequence, event: _Write) -> None:
        """Held writes that were over before this one began wait for it in vain."""
        for offset in [o for o, held in sequence.held.items() if precedes(held[0], event)]:
            waiting = sequence.held.pop(offset, None)
            if waiting is not None:
                self._break(sequence, waiting, offset)

    def _break(self, sequence: _Sequence, found: tuple[_Write, bool], offset: int) -> None:
        event, is_selected = found
        if is_selected:
            against = (sequence.last,) if sequence.last is not None else ()
            self.findings.violated(
                f"write of {event.byte_count} B at {offset}, expected {sequence.end}",
                event,
                *against,
                hint=_likely_reason(sequence, offset),
            )
        self._take(sequence, event, offset + event.byte_count)
        self._take_waiting(sequence)

    def _settle(self, sequence: _Sequence) -> None:
        """Nothing that is still to come can make room for what is held: judge it."""
        while sequence.held:
            offset = next(iter(sequence.held))
            self._break(sequence, sequence.held.pop(offset), offset)

    def conclude(self) -> Verdict:
        for sequence in self._sequences.values():
            self._settle(sequence)
        writes, files = self.findings.event_count, len(self._written_ids)
        return self.verdict(
            f"{counted(writes, 'write')} to {counted(files, 'file')}, each at the end of the last",
            Figure(name="writes", value=writes),
            Figure(name="bytes written", value=self._byte_count, unit="B"),
            Figure(name="files", value=files),
            Figure(name="first writes not judged", value=self._unjudged_count),
            Figure(
                name="writes out of sequence", value=self.findings.violation_count, expected="0"
            ),
        )

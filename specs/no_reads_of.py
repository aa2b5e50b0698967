"""The claim no-reads-of: selected processes never read selected files."""

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from iowitness.specs.claim import ActorClaim, Fold, counted, kinds
from iowitness.specs.event_pattern import as_tuple
from iowitness.specs.scene import Scene
from iowitness.specs.selection import OfFiles, one_or_several
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import (
    AnyEvent,
    File,
    IOEvent,
    Mapped,
    Opened,
    Read,
    Transferred,
    Unverifiable,
    Written,
)

_SEES = (Opened, Written, Read, Transferred, Mapped, Unverifiable)

Way = Literal["buffer", "transfer", "mapping"]


class NoReadsOf(ActorClaim, OfFiles):
    """No byte of a selected file is read, in any of the `ways`.

    `buffer` is read and its kin, `transfer` sendfile and its kin, `mapping` any mapping, because
    what is read through one makes no call. The file must be seen in use, else nothing was shown.
    """

    claim: Literal["no-reads-of"] = "no-reads-of"
    ways: Annotated[
        tuple[Way, ...], BeforeValidator(as_tuple), one_or_several({"enum": list(get_args(Way))})
    ] = Field(default=("buffer", "transfer", "mapping"), min_length=1)

    @property
    def needs(self) -> frozenset[str]:
        """The ways to read, and what shows the file in use."""
        return kinds(*_SEES)

    def watch(self, scene: Scene) -> "_Watch":
        """A new fold."""
        return _Watch(self, scene)


class _Watch(Fold):
    sees: tuple[type[IOEvent], ...] = _SEES

    def __init__(self, claim: NoReadsOf, scene: Scene) -> None:
        super().__init__(claim, scene)
        self._files = claim.file_selector(scene)
        self._ways = frozenset(claim.ways)

    def see(self, event: AnyEvent) -> None:
        if isinstance(event, Unverifiable):
            self._see_unverifiable(event)
        elif isinstance(event, Transferred):
            if self._files.fit(event.destination):
                self.findings.event_count += 1
            if self._files.fit(event.source):
                self._see_use(event, "transfer", event.byte_count)
        elif (
            isinstance(event, Opened | Written | Read | Mapped)
            and event.error is None
            and self._files.fit(event.file)
        ):
            way: Way | None = None
            if isinstance(event, Read):
                way = "buffer"
            elif isinstance(event, Mapped):
                way = "mapping"
            self._see_use(event, way, getattr(event, "byte_count", 0))

    def _see_unverifiable(self, event: Unverifiable) -> None:
        narrow = isinstance(event.endpoint, File)
        if self.concerns(event.process_id) and (not narrow or self._files.fit(event.endpoint)):
            self.findings.doubted(f"{event.call} can read unseen: {event.reason}", event)

    def _see_use(self, event: AnyEvent, way: Way | None, byte_count: int) -> None:
        if not self.actors.fit(event):
            return
        self.findings.event_count += 1
        if way in self._ways and byte_count:
            verb = "mapped" if way == "mapping" else "read"
            self.findings.violated(
                f"{byte_count} B {verb} with {event.call} by {self.scene.told(event)}, "
                "expected no read",
                event,
            )

    def conclude(self) -> Verdict:
        uses = self.findings.event_count
        return self.verdict(
            f"{counted(uses, 'call')} on these files, none of them a read",
            Figure(name="calls", value=uses),
            Figure(name="reads", value=self.findings.violation_count, expected="0"),
        )

"""The claim device-sequential: requests reach the block device in the order of its sectors."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from iowitness.specs.claim import ActorClaim, Fold, counted, kinds
from iowitness.specs.event_pattern import as_tuple
from iowitness.specs.globs import WordGlobs
from iowitness.specs.scene import Scene
from iowitness.specs.selection import one_or_several
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import AnyEvent, BlockIssued, IOEvent

Words: TypeAlias = Annotated[
    tuple[str, ...], BeforeValidator(as_tuple), one_or_several({"type": "string"})
]


class DeviceSequential(ActorClaim):
    """At least `minimum_share` of the requests start at the sector where the last one ended.

    The first request to a device counts as sequential, and each device is a sequence of its own.
    `commands` selects by the name of the thread that issued it (a write-back thread issues what
    others wrote). Needs block events, which only a tracer of the kernel's tracepoints sees.
    """

    claim: Literal["device-sequential"] = "device-sequential"
    devices: Words = ("*",)
    commands: Words = ("*",)
    operation: Literal["read", "write"] = "write"
    minimum_share: float = Field(default=0.9, ge=0, le=1)

    @property
    def needs(self) -> frozenset[str]:
        """Block events."""
        return kinds(BlockIssued)

    def watch(self, scene: Scene) -> "_Watch":
        """A new fold."""
        return _Watch(self, scene)


class _Watch(Fold):
    sees: tuple[type[IOEvent], ...] = (BlockIssued,)

    def __init__(self, claim: DeviceSequential, scene: Scene) -> None:
        super().__init__(claim, scene)
        self._operation = claim.operation
        self._minimum_share = claim.minimum_share
        self._devices = WordGlobs(claim.devices)
        self._commands = WordGlobs(claim.commands)
        self._last: dict[str, BlockIssued] = {}
        self._jump: tuple[BlockIssued, ...] = ()
        self._jump_count = 0
        self._sector_count = 0

    def see(self, event: AnyEvent) -> None:
        if (
            isinstance(event, BlockIssued)
            and event.operation == self._operation
            and event.sector_count
            and self._devices.fit(event.device)
            and self._commands.fit(event.command)
            and self.actors.fit(event)
        ):
            self.findings.event_count += 1
            self._sector_count += event.sector_count
            before = self._last.get(event.device)
            if before is not None and event.sector != before.sector + before.sector_count:
                self._jump_count += 1
                self._jump = self._jump or (event, before)
            self._last[event.device] = event

    def conclude(self) -> Verdict:
        requests = self.findings.event_count
        share = 1 - self._jump_count / requests if requests else 0.0
        if requests and share < self._minimum_share:
            jumped, before = self._jump
            expected = before.sector + before.sector_count
            self.findings.violated(
                f"{share:.1%} of {counted(requests, 'request')} in sequence, expected at least "
                f"{self._minimum_share:.1%}; the first jump is to sector {jumped.sector} of "
                f"{jumped.device}, expected {expected}",
                *self._jump,
            )
        return self.verdict(
            f"{share:.1%} of {counted(requests, 'request')} in sequence",
            Figure(
                name="share in sequence",
                value=share,
                expected=f"at least {self._minimum_share:g}",
            ),
            Figure(name="requests", value=requests),
            Figure(name="jumps", value=self._jump_count),
            Figure(name="bytes", value=self._sector_count * 512, unit="B"),
        )

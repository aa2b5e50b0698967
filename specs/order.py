"""The claim order: what comes before, after, or never between what."""

from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from iowitness.specs.claim import Claim, counted, one_at_least
from iowitness.specs.contract import Watch
from iowitness.specs.event_pattern import EventPattern, endpoints
from iowitness.specs.findings import Findings
from iowitness.specs.pending import Pending
from iowitness.specs.scene import Scene
from iowitness.specs.selection import Selecting
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import AnyEvent, File, IOEvent


class Stretch(Selecting):
    """From an event of one pattern to the next one of another."""

    start: EventPattern = Field(alias="from")
    end: EventPattern = Field(alias="to")

    @classmethod
    def between(cls, start: EventPattern, end: EventPattern) -> "Stretch":
        """The same in Python, where `from` cannot be the name of an argument."""
        return cls.model_validate({"from": start, "to": end})


class Order(Claim):
    """Each event that `every` means stands in the given order to others.

    `preceded_by`: one such was over before it began. `followed_by`: one such begins after it is
    over. `never_between`: it does not begin in such a stretch (no write to a database while its
    log is written and not yet synced). `only_between`: it does. `same` says what the events must
    share for the order to count. Calls that overlap in time are in no order.
    """

    model_config = ConfigDict(
        json_schema_extra=one_at_least(
            "preceded_by", "followed_by", "never_between", "only_between"
        )
    )

    claim: Literal["order"] = "order"
    every: EventPattern
    preceded_by: EventPattern | None = None
    followed_by: EventPattern | None = None
    never_between: Stretch | None = None
    only_between: Stretch | None = None
    same: Literal["anything", "file", "process", "thread"] = "anything"

    @model_validator(mode="after")
    def _has_an_order(self) -> "Order":
        if not any((self.preceded_by, self.followed_by, self.never_between, self.only_between)):
            raise ValueError(
                "no order, expected preceded_by, followed_by, never_between or only_between"
            )
        return self

    def patterns(self) -> list[EventPattern]:
        """All patterns it has."""
        stretches = [one for one in (self.never_between, self.only_between) if one is not None]
        found = [self.every, self.preceded_by, self.followed_by]
        found += [pattern for one in stretches for pattern in (one.start, one.end)]
        return [one for one in found if one is not None]

    @property
    def needs(self) -> frozenset[str]:
        """The kinds in its patterns."""
        return frozenset(kind for pattern in self.patterns() for kind in pattern.kinds)

    def watch(self, scene: Scene) -> Watch:
        """A new fold."""
        return _Watch(self, scene)


class _Track:
    """One stretch pattern on its way: where stretches are open, by what the events share."""

    def __init__(self, stretch: Stretch, scene: Scene) -> None:
        self.start = stretch.start.matcher(scene)
        self.end = stretch.end.matcher(scene)
        self.open: dict[int, Pending] = {}

    def see(self, event: AnyEvent, key: int) -> None:
        if self.end.fit(event) and key in self.open:
            self.open[key].settle(event)
        if self.start.fit(event):
            self.open.setdefault(key, Pending()).begin(event)

    def outstanding(self, event: AnyEvent, key: int) -> AnyEvent | None:
        pending = self.open.get(key)
        return None if pending is None else pending.outstanding(event)


class _Watch:
    def __init__(self, claim: Order, scene: Scene) -> None:
        self._claim = claim
        self._scene = scene
        kinds = {kind for pattern in claim.patterns() for kind in pattern.event_kinds}
        self.sees: tuple[type[IOEvent], ...] = tuple(sorted(kinds, key=lambda kind: kind.__name__))
        self._every = claim.every.matcher(scene)
        self._before = claim.preceded_by.matcher(scene) if claim.preceded_by else None
        self._after = claim.followed_by.matcher(scene) if claim.followed_by else None
        self._never = _Track(claim.never_between, scene) if claim.never_between else None
        self._only = _Track(claim.only_between, scene) if claim.only_between else None
        self._seen_before: dict[int, Pending] = {}
        self._awaiting: dict[int, Pending] = {}
        self._findings = Findings()

    def concerns(self, process_id: int) -> bool:
        del process_id
        return True

    def _key(self, event: AnyEvent) -> int:
        match self._claim.same:
            case "file":
                files = (one for one in endpoints(event) if isinstance(one, File))
                return next((file.file_id for file in files), 0)
            case "process":
                return event.process_id
            case "thread":
                return event.thread_id
            case _:
                return 0

    def see(self, event: AnyEvent) -> None:
        key = self._key(event)
        if self._after is not None and self._after.fit(event) and key in self._awaiting:
            self._awaiting[key].settle(event)
        if self._every.fit(event):
            self._findings.event_count += 1
            self._judge(event, key)
        if self._before is not None and self._before.fit(event):
            self._seen_before.setdefault(key, Pending()).begin(event)
        for track in (self._never, self._only):
            if track is not None:
                track.see(event, key)

    def _judge(self, event: AnyEvent, key: int) -> None:
        told = f"{event.call} by {self._scene.told(event)}"
        if self._before is not None:
            seen = self._seen_before.get(key)
            if seen is None or seen.outstanding(event) is None:
                expected = _kinds(self._claim.preceded_by)
                self._findings.violated(f"{told}, expected {expected} before it", event)
        if self._never is not None:
            start = self._never.outstanding(event, key)
            if start is not None:
                assert self._claim.never_between is not None  # the track was made of it
                expected = _kinds(self._claim.never_between.end)
                self._findings.violated(
                    f"{told} after {start.call} at line {start.line}, "
                    f"expected {expected} in between",
                    event,
                    start,
                )
        if self._only is not None and self._only.outstanding(event, key) is None:
            assert self._claim.only_between is not None  # the track was made of it
            expected = _kinds(self._claim.only_between.start)
            ending = _kinds(self._claim.only_between.end)
            self._findings.violated(f"{told}, expected it between {expected} and {ending}", event)
        if self._after is not None:
            self._awaiting.setdefault(key, Pending()).begin(event)

    def conclude(self) -> Verdict:
        findings = self._findings
        for pending in self._awaiting.values():
            waiting = pending.waiting()
            if waiting is not None:
                expected = _kinds(self._claim.followed_by)
                note = findings.doubted if self._scene.ends_early else findings.violated
                note(
                    f"{waiting.call} by {self._scene.told(waiting)}, expected {expected} after it",
                    waiting,
                )
        events = self._findings.event_count
        return self._findings.verdict(
            contract=self._claim.name,
            claim=self._claim.claim,
            holds=f"{counted(events, 'event')} in the order that was asked for",
            figures=(
                Figure(name="events", value=events),
                Figure(name="out of order", value=self._findings.violation_count, expected="0"),
            ),
        )


def _kinds(pattern: EventPattern | None) -> str:
    return "" if pattern is None else " or ".join(pattern.kinds)

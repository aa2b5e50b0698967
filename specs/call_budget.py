"""The claim call-budget: how many calls a program makes for each MiB and each record it moves."""

from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from iowitness.specs.claim import ActorClaim, Fold, counted, one_at_least
from iowitness.specs.event_pattern import Kinds
from iowitness.specs.scene import Scene
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import EVENT_KINDS, AnyEvent, Marked

_MIB = 1 << 20
_MOVING = ("Read", "Written", "Received", "Sent", "Transferred")


class CallBudget(ActorClaim):
    """At most so many calls of the kinds in `calls`, for each MiB that they move, for each of
    `record_count` records, or in all.

    Failed calls cost as much as others and are counted. In a suite with a workload `record_count`
    is the workload's unless given.
    """

    model_config = ConfigDict(
        json_schema_extra=one_at_least("maximum_per_mib", "maximum_per_record", "maximum")
    )

    claim: Literal["call-budget"] = "call-budget"
    calls: Kinds = Field(default=_MOVING, min_length=1)
    maximum_per_mib: float | None = Field(default=None, ge=0)
    maximum_per_record: float | None = Field(default=None, ge=0)
    maximum: int | None = Field(default=None, ge=0)
    record_count: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _has_a_bound(self) -> "CallBudget":
        if self.maximum_per_mib is self.maximum_per_record is self.maximum is None:
            raise ValueError("no bound, expected maximum_per_mib, maximum_per_record or maximum")
        return self

    @property
    def needs(self) -> frozenset[str]:
        """The kinds it counts."""
        return frozenset(self.calls)

    def watch(self, scene: Scene) -> "_Watch":
        """A new fold."""
        return _Watch(self, scene)


class _Watch(Fold):
    def __init__(self, claim: CallBudget, scene: Scene) -> None:
        super().__init__(claim, scene)
        self._claim = claim
        self.sees = tuple(EVENT_KINDS[name] for name in claim.calls)
        self._byte_count = 0
        self._last: AnyEvent | None = None

    def see(self, event: AnyEvent) -> None:
        if self.actors.fit(event) and not isinstance(event, Marked):
            self.findings.event_count += 1
            self._byte_count += getattr(event, "byte_count", 0) or 0
            self._last = event

    def conclude(self) -> Verdict:
        claim, calls = self._claim, self.findings.event_count
        figures = [Figure(name="calls", value=calls, expected=_bound(claim.maximum))]
        if self._byte_count:
            per_mib = calls / (self._byte_count / _MIB)
            bound = _bound(claim.maximum_per_mib)
            figures.append(
                Figure(name="calls per MiB", value=per_mib, unit="calls/MiB", expected=bound)
            )
        elif calls and claim.maximum_per_mib is not None:
            self.findings.doubted("these calls moved no bytes, so there is no figure per MiB")
        if claim.record_count:
            figures.append(
                Figure(
                    name="calls per record",
                    value=calls / claim.record_count,
                    unit="calls/record",
                    expected=_bound(claim.maximum_per_record),
                )
            )
        elif claim.maximum_per_record is not None:
            self.findings.doubted(
                "the number of records is unknown",
                hint="give record_count, or a workload that says it",
            )
        bounds = {
            "calls": claim.maximum,
            "calls per MiB": claim.maximum_per_mib,
            "calls per record": claim.maximum_per_record,
        }
        for figure in figures:
            limit = bounds[figure.name]
            if limit is not None and figure.value > limit and self._last is not None:
                self.findings.violated(
                    f"{figure.value:,.4g} {figure.name}, expected at most {limit:g}", self._last
                )
        told = ", ".join(f"{figure.value:,.4g} {figure.name}" for figure in figures[1:])
        holds = counted(calls, "call") + (f", {told}" if told else "")
        return self.verdict(holds, *figures, hint="larger batches and buffers make fewer calls")


def _bound(limit: float | None) -> str:
    return "" if limit is None else f"at most {limit:g}"

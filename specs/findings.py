"""Findings: what a watch collects on its way through a history, and the verdict that it makes."""

from collections.abc import Sequence

from iowitness.specs.verdict import Figure, Outcome, Verdict, Witness
from iowitness.traces.events import AnyEvent

KEPT_WITNESS_COUNT = 5
"""Witnesses that a verdict carries; the others are only counted, so that memory does not grow."""


class Findings:
    """Violations and doubts in order, the first few kept, and how many events were judged.

    The first event of a finding is the offender; those behind it are what it is held against.
    """

    __slots__ = ("_doubts", "_hint", "_violations", "doubt_count", "event_count", "violation_count")

    def __init__(self) -> None:
        self._violations: list[Witness] = []
        self._doubts: list[Witness] = []
        self._hint: str | None = None
        self.violation_count = 0
        self.doubt_count = 0
        self.event_count = 0

    def violated(self, message: str, *events: AnyEvent, hint: str | None = None) -> None:
        """Note a violation; `hint` says what to do where a cause is known."""
        self.violation_count += 1
        if len(self._violations) < KEPT_WITNESS_COUNT:
            self._violations.append(Witness(message=message, events=events))
            self._hint = self._hint or hint

    def doubted(self, message: str, *events: AnyEvent, hint: str | None = None) -> None:
        """Note a reason for which the claim cannot be shown, even if nothing speaks against it."""
        self.doubt_count += 1
        if len(self._doubts) < KEPT_WITNESS_COUNT:
            self._doubts.append(Witness(message=message, events=events))
            if self.violation_count == 0:
                self._hint = self._hint or hint

    def verdict(
        self,
        *,
        contract: str,
        claim: str,
        holds: str,
        figures: Sequence[Figure] = (),
        hint: str | None = None,
    ) -> Verdict:
        """VIOLATED if anything was, else UNKNOWN if anything was doubted, else `holds`.

        A violated or unknown verdict's summary is its first witness; `Judging` adds the place.
        """
        outcome, kept, count = Outcome.HOLDS, list[Witness](), 0
        if self.violation_count:
            outcome, kept, count = Outcome.VIOLATED, self._violations, self.violation_count
        elif self.doubt_count:
            outcome, kept, count = Outcome.UNKNOWN, self._doubts, self.doubt_count
        return Verdict(
            contract=contract,
            claim=claim,
            outcome=outcome,
            summary=kept[0].message if kept else holds,
            figures=tuple(figures),
            witnesses=tuple(kept),
            witness_count=count,
            event_count=self.event_count,
            hint=(self._hint or hint) if outcome is not Outcome.HOLDS else None,
        )

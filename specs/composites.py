"""The verdict on a contract made of contracts, from the verdicts on its parts."""

from collections.abc import Sequence

from iowitness.specs.verdict import Outcome, Verdict, Witness


def all_of(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst verdict, with the witnesses of those that have it."""
    outcome = Outcome.combined(one.outcome for one in verdicts)
    return _told(outcome, [one for one in verdicts if one.outcome is outcome], verdicts)


def any_of(verdicts: Sequence[Verdict]) -> Verdict:
    """The best verdict: an UNKNOWN part might have held, so it goes before a violated one."""
    outcomes = {one.outcome for one in verdicts}
    order = (Outcome.HOLDS, Outcome.UNKNOWN, Outcome.VIOLATED)
    outcome = next(one for one in order if one in outcomes)
    return _told(outcome, [one for one in verdicts if one.outcome is outcome], verdicts)


def opposite(one: Verdict) -> Verdict:
    """HOLDS for VIOLATED, with what shows it as the evidence, and the reverse; UNKNOWN stays."""
    if one.outcome is Outcome.UNKNOWN:
        return _told(Outcome.UNKNOWN, (one,), (one,))
    if one.outcome is Outcome.VIOLATED:
        summary = f"{one.contract} is violated, as it should be: {one.summary}"
        return _whole(Outcome.HOLDS, summary, event_count=one.event_count)
    message = f"{one.contract} holds, expected a violation: {one.summary}"
    witnesses = (Witness(message=message),)
    return _whole(Outcome.VIOLATED, message, witnesses, 1, one.event_count)


def _told(outcome: Outcome, telling: Sequence[Verdict], verdicts: Sequence[Verdict]) -> Verdict:
    summary = "; ".join(f"{one.contract}: {one.summary}" for one in telling)
    kept = () if outcome is Outcome.HOLDS else tuple(w for one in telling for w in one.witnesses)
    count = sum(one.witness_count for one in telling) if kept else 0
    hint = next((one.hint for one in telling if one.hint is not None), None)
    events = sum(one.event_count for one in verdicts)
    return _whole(outcome, summary, kept, count, events, hint)


def _whole(
    outcome: Outcome,
    summary: str,
    witnesses: tuple[Witness, ...] = (),
    witness_count: int = 0,
    event_count: int = 0,
    hint: str | None = None,
) -> Verdict:
    """A verdict whose name and claim `Judging` fills in."""
    return Verdict(
        contract="",
        claim="",
        outcome=outcome,
        summary=summary,
        witnesses=witnesses,
        witness_count=witness_count,
        event_count=event_count,
        hint=hint,
    )

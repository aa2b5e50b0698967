import pytest
from pydantic import ValidationError

from iowitness.specs.call_budget import CallBudget
from iowitness.specs.contract import judge
from iowitness.specs.verdict import Outcome, Verdict
from tests.doubles.hand_written import HandWritten

MIB = 1 << 20


def judged(told: HandWritten, claim: CallBudget) -> Verdict:
    return judge(claim, told.history())


def moved(call_count: int, byte_count: int) -> HandWritten:
    told = HandWritten()
    for number in range(call_count):
        told.written(number * byte_count, byte_count)
    return told


def test_calls_within_the_budget_hold() -> None:
    verdict = judged(moved(4, MIB // 2), CallBudget(maximum_per_mib=2))
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.summary == "4 calls, 2 calls per MiB"


def test_one_call_too_many_is_a_violation_with_both_figures() -> None:
    verdict = judged(moved(4, MIB // 2), CallBudget(maximum_per_mib=1.9))
    assert verdict.outcome is Outcome.VIOLATED
    assert verdict.summary.startswith("2 calls per MiB, expected at most 1.9")
    assert verdict.hint is not None


def test_calls_are_counted_for_each_record() -> None:
    claim = CallBudget(maximum_per_record=0.04, record_count=100)
    assert judged(moved(4, 10), claim).outcome is Outcome.HOLDS
    assert judged(moved(5, 10), claim).outcome is Outcome.VIOLATED


def test_an_unknown_number_of_records_is_unknown() -> None:
    assert judged(moved(4, 10), CallBudget(maximum_per_record=1)).outcome is Outcome.UNKNOWN


def test_a_bound_on_all_calls_needs_no_bytes() -> None:
    told = HandWritten()
    told.synced()
    told.synced()
    assert judged(told, CallBudget(calls="Synced", maximum=2)).outcome is Outcome.HOLDS
    assert judged(told, CallBudget(calls="Synced", maximum=1)).outcome is Outcome.VIOLATED
    assert judged(told, CallBudget(calls="Synced", maximum_per_mib=1)).outcome is Outcome.UNKNOWN


def test_failed_calls_cost_too() -> None:
    told = moved(1, MIB)
    told.sent(0, error="EAGAIN")
    assert judged(told, CallBudget(maximum_per_mib=1)).outcome is Outcome.VIOLATED


def test_no_call_shows_nothing() -> None:
    assert judged(HandWritten(), CallBudget(maximum=1)).outcome is Outcome.UNKNOWN


def test_a_budget_without_a_bound_and_an_unknown_kind_are_refused() -> None:
    with pytest.raises(ValidationError, match="no bound"):
        CallBudget()
    with pytest.raises(ValidationError, match="'Wrote' is no kind of event"):
        CallBudget(calls="Wrote", maximum=1)

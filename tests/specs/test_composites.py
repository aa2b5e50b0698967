import pytest

from iowitness.specs.append_only import AppendOnly
from iowitness.specs.call_budget import CallBudget
from iowitness.specs.claims import AllOf, AnyClaim, AnyOf, Not
from iowitness.specs.contract import judge
from iowitness.specs.sequential_writes import SequentialWrites
from iowitness.specs.suite_yaml import read_suite
from iowitness.specs.verdict import Outcome
from iowitness.traces.history import Gap
from tests.doubles.hand_written import HandWritten

H = AppendOnly(name="holds", files="**/*.log")
V = SequentialWrites(name="violated", files="**/*.log")
U = CallBudget(name="unknown", calls="Synced", maximum=1)


def gap_in_a_log() -> HandWritten:
    told = HandWritten()
    told.opened()
    told.written(100, 10)
    return told


@pytest.mark.parametrize(
    ("contract", "outcome"),
    [
        (AllOf(of=(H, H)), "HOLDS"),
        (AllOf(of=(H, U)), "UNKNOWN"),
        (AllOf(of=(H, U, V)), "VIOLATED"),
        (AnyOf(of=(H, U, V)), "HOLDS"),
        (AnyOf(of=(U, V)), "UNKNOWN"),
        (AnyOf(of=(V, V)), "VIOLATED"),
        (Not(of=H), "VIOLATED"),
        (Not(of=V), "HOLDS"),
        (Not(of=U), "UNKNOWN"),
        (Not(of=AllOf(of=(H, AnyOf(of=(V, V))))), "HOLDS"),
    ],
)
def test_composites_combine_three_values(contract: AnyClaim, outcome: str) -> None:
    assert judge(contract, gap_in_a_log().history()).outcome == outcome


def test_a_violated_whole_has_the_witnesses_of_its_parts() -> None:
    verdict = judge(AllOf(of=(H, V)), gap_in_a_log().history())
    assert verdict.summary.startswith("violated: write of 10 B at 100, expected 0 (plain-0/0….log")
    assert verdict.witness_count == 1
    assert verdict.witnesses[0].events[0].line == 2
    assert verdict.parameters == {"of": "holds, violated"}
    assert verdict.contract == "all"


def test_what_was_to_be_violated_is_told_with_its_evidence() -> None:
    verdict = judge(Not(of=V), gap_in_a_log().history())
    assert verdict.summary.startswith("violated is violated, as it should be: write of 10 B at 100")


def test_a_gap_reaches_the_parts() -> None:
    history = gap_in_a_log().history(gaps=(Gap(reason="lost"),))
    assert judge(Not(of=H), history).outcome is Outcome.UNKNOWN
    assert judge(Not(of=V), history).outcome is Outcome.HOLDS


def test_composites_are_the_same_in_yaml() -> None:
    text = """
contracts:
  - claim: any
    name: either
    of:
      - {claim: append-only, name: holds, files: "**/*.log"}
      - claim: not
        of: {claim: sequential-writes, name: violated, files: "**/*.log"}
"""
    assert read_suite(text, "x.yaml").contracts == (AnyOf(name="either", of=(H, Not(of=V))),)

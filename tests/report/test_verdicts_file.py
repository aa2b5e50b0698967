import json

import pytest

from iowitness.report.run_report import RunFacts, RunReport
from iowitness.report.verdicts_file import (
    VerdictsFileError,
    read_verdicts_json,
    verdicts_json,
    with_histories,
)
from iowitness.specs.agreement import Agreement
from iowitness.specs.verdict import Outcome
from tests.strategies.run_reports import (
    copying_report,
    holding_report,
    odd_text_report,
    stray_write_report,
)


@pytest.mark.parametrize("report", [holding_report(), stray_write_report(), copying_report()])
def test_what_is_written_is_read_back_equal(report: RunReport) -> None:
    facts, raw_traces = read_verdicts_json(verdicts_json(report, ("run.strace",)), "verdicts.json")
    assert raw_traces == ("run.strace",)
    again = with_histories(facts, report.observed, report.predicted)
    assert _listed(again) == _listed(report)


def _listed(report: RunReport) -> str:
    """The report as text, in which a list and a tuple of comparisons look alike."""
    return verdicts_json(report).decode()


def test_the_outcome_and_the_agreement_stand_at_the_top() -> None:
    document = json.loads(verdicts_json(stray_write_report()))
    assert list(document)[:5] == [
        "format",
        "version",
        "outcome",
        "prediction_agrees",
        "compared_event_count",
    ]
    assert (document["format"], document["version"]) == ("iowitness-verdicts", 1)
    assert (document["outcome"], document["prediction_agrees"]) == ("VIOLATED", False)
    assert document["verdicts"][0]["witnesses"][0]["events"][0]["line"] == 628


def test_a_path_that_is_no_utf_8_can_still_be_written() -> None:
    document = json.loads(verdicts_json(odd_text_report()))
    assert "\\xff" in document["verdicts"][0]["contract"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{}", "missing required field"),
        (b"no json", "malformed"),
        (b'{"format":"iowitness-verdicts","version":2}', "version=2, expected 1"),
        (b'{"format":"other","version":1}', "Invalid enum value"),
        (b'{"format":"iowitness-verdicts","version":1}', "missing required field"),
    ],
)
def test_a_foreign_file_is_refused_with_its_name(text: bytes, message: str) -> None:
    with pytest.raises(VerdictsFileError, match=r"folder/verdicts\.json: ") as raised:
        read_verdicts_json(text, "folder/verdicts.json")
    assert message in str(raised.value)


def test_a_prediction_that_differs_violates_though_every_contract_holds() -> None:
    holding = holding_report()
    assert holding.outcome is Outcome.HOLDS
    differing = stray_write_report().agreement
    facts = read_verdicts_json(verdicts_json(holding), "x")[0]
    changed = {name: getattr(facts, name) for name in RunFacts.__struct_fields__}
    assert RunFacts(**{**changed, "agreement": differing}).outcome is Outcome.VIOLATED
    assert RunFacts(**{**changed, "agreement": Agreement(comparisons=())}).outcome is Outcome.HOLDS
    assert RunFacts(**{**changed, "verdicts": ()}).outcome is Outcome.UNKNOWN

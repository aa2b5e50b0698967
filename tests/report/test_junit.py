from xml.etree import ElementTree

from iowitness.report.junit import junit_xml
from tests.strategies.run_reports import holding_report, odd_text_report, stray_write_report


def test_each_contract_and_each_comparison_is_a_test_case() -> None:
    root = ElementTree.fromstring(junit_xml(holding_report()))
    assert (root.get("tests"), root.get("failures")) == ("11", "0")
    names = [case.get("name") for case in root.iter("testcase")]
    assert names[:2] == ["sequential-writes", "zero-copy-reads"]
    assert "rolls" in names
    assert {suite.get("name") for suite in root} == {"kafka.contracts", "kafka.prediction"}


def test_violated_and_unknown_are_failures_of_their_own_type() -> None:
    root = ElementTree.fromstring(junit_xml(stray_write_report()))
    failures = {
        str(case.get("name")): failure
        for case in root.iter("testcase")
        for failure in case.iter("failure")
    }
    assert {name: failure.get("type") for name, failure in failures.items()} == {
        "sequential-writes": "VIOLATED",
        "zero-copy-reads": "UNKNOWN",
        "writes to plain-0": "DISAGREES",
    }
    assert "write of 16352 B at 130816, expected 179872" in str(failures["sequential-writes"].text)
    assert "hint: look for a seek" in str(failures["sequential-writes"].text)
    assert root.get("failures") == "3"


def test_a_doubt_is_never_skipped() -> None:
    assert "<skipped" not in junit_xml(stray_write_report())


def test_odd_text_is_still_xml() -> None:
    root = ElementTree.fromstring(junit_xml(odd_text_report()).encode())
    (contract, comparison) = root.iter("testcase")
    assert contract.get("name") == comparison.get("name")
    assert "</script>" in str(contract.get("name"))
    assert "\\x1b[31m" in str(contract.get("name"))

"""JUnit XML of a run: a test case for each contract and for each comparison with the prediction.

JUnit has no third verdict. UNKNOWN becomes a failure of the type `UNKNOWN` and not `skipped`: a
contract that could not be judged must not turn a pipeline green, and `verify` ends with 3 for it.
A comparison that is only informative never fails.
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from msgspec import Struct

from iowitness.report.printable import printable
from iowitness.report.quantities import figure_text
from iowitness.report.run_report import RunFacts
from iowitness.specs.agreement import Comparison
from iowitness.specs.verdict import Outcome, Verdict


class _Case(Struct, frozen=True):
    """One test case; `failure` is its type, empty where it passed."""

    name: str
    failure: str
    message: str
    text: str


def junit_xml(facts: RunFacts) -> str:
    """The document. Times are left out: contracts are judged after the run, not timed."""
    suites = [("contracts", [_contract_case(verdict) for verdict in facts.verdicts])]
    if facts.agreement is not None:
        comparisons = facts.agreement.comparisons
        suites.append(("prediction", [_comparison_case(each) for each in comparisons]))
    every_case = [case for _, cases in suites for case in cases]
    root = Element("testsuites", _counts(f"iowitness {facts.suite}", every_case))
    for name, cases in suites:
        suite = SubElement(root, "testsuite", _counts(f"{facts.suite}.{name}", cases))
        suite.set("timestamp", printable(facts.started_at))
        for case in cases:
            _add_case(suite, f"{facts.suite}.{name}", case)
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _counts(name: str, cases: Sequence[_Case]) -> dict[str, str]:
    failures = sum(bool(case.failure) for case in cases)
    return {
        "name": printable(name),
        "tests": str(len(cases)),
        "failures": str(failures),
        "errors": "0",
        "skipped": "0",
    }


def _add_case(suite: Element, class_name: str, case: _Case) -> None:
    names = {"classname": printable(class_name), "name": printable(case.name)}
    element = SubElement(suite, "testcase", names)
    if case.failure:
        failure = {"type": case.failure, "message": printable(case.message)}
        SubElement(element, "failure", failure).text = printable(case.text)
    else:
        SubElement(element, "system-out").text = printable(case.text)


def _contract_case(verdict: Verdict) -> _Case:
    details = [verdict.summary]
    details += [witness.message for witness in verdict.witnesses]
    if verdict.witness_count > len(verdict.witnesses):
        details.append(f"{verdict.witness_count:,} in all")
    if verdict.hint:
        details.append(f"hint: {verdict.hint}")
    details += [f"{f.name} = {figure_text(f.value, f.unit)}" for f in verdict.figures]
    failed = verdict.outcome is not Outcome.HOLDS
    return _Case(
        verdict.contract,
        verdict.outcome.value if failed else "",
        f"{verdict.outcome.value} {verdict.contract}: {verdict.summary}",
        "\n".join(details),
    )


def _comparison_case(comparison: Comparison) -> _Case:
    predicted = figure_text(comparison.predicted, comparison.unit)
    observed = figure_text(comparison.observed, comparison.unit)
    summary = f"predicted {predicted}, observed {observed} ({comparison.rule})"
    details = [summary, f"{comparison.compared_count:,} events compared"]
    details += [
        f"{d.place}: predicted {d.predicted}, observed {d.observed}" for d in comparison.differences
    ]
    return _Case(
        comparison.figure,
        "" if comparison.agrees else "DISAGREES",
        f"{comparison.figure}: {summary}",
        "\n".join(details),
    )

"""SARIF of a run: what code hosts show as annotations, one result for each witness.

A contract is a rule; VIOLATED is a `fail` with level error, UNKNOWN `open`, HOLDS `pass`. Places
are lines of the raw trace, because that is what was judged. Source: OASIS SARIF 2.1.0, sections
3.13 (log), 3.19 (tool component), 3.27 (result), 3.28 (location).
"""

import json
import shlex
from typing import Any
from urllib.parse import quote

from iowitness.report.printable import printable
from iowitness.report.run_report import RunFacts
from iowitness.specs.verdict import Outcome, Verdict, Witness
from iowitness.traces.events import AnyEvent

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_KINDS = {Outcome.VIOLATED: "fail", Outcome.UNKNOWN: "open", Outcome.HOLDS: "pass"}


def sarif_json(facts: RunFacts, raw_trace: str) -> bytes:
    """The log, indented; `raw_trace` is the path of the trace whose lines the events name."""
    rules = [_rule(verdict) for verdict in facts.verdicts]
    results = [
        result
        for index, verdict in enumerate(facts.verdicts)
        for result in _results(verdict, index, raw_trace)
    ]
    driver = {"name": "iowitness", "version": facts.environment.iowitness, "rules": rules}
    invocation = {
        "commandLine": printable(shlex.join(facts.command_line)),
        "executionSuccessful": True,
        "startTimeUtc": facts.started_at.replace("+00:00", "Z"),
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "properties": {"suite": facts.suite, "outcome": facts.outcome.value},
        "results": results,
    }
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(log, indent=2).encode() + b"\n"


def _rule(verdict: Verdict) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": verdict.contract,
        "name": verdict.claim,
        "shortDescription": {"text": f"I/O contract {verdict.contract} ({verdict.claim})"},
        "properties": {key: printable(value) for key, value in verdict.parameters.items()},
    }
    if verdict.hint:
        rule["help"] = {"text": verdict.hint}
    return rule


def _results(verdict: Verdict, index: int, raw_trace: str) -> list[dict[str, Any]]:
    if verdict.outcome is Outcome.HOLDS or not verdict.witnesses:
        return [_result(verdict, index, verdict.summary, [])]
    return [
        _result(verdict, index, witness.message, _locations(witness, raw_trace))
        for witness in verdict.witnesses
    ]


def _result(
    verdict: Verdict, index: int, text: str, locations: list[dict[str, Any]]
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ruleId": verdict.contract,
        "ruleIndex": index,
        "kind": _KINDS[verdict.outcome],
        # What is no failure has no level: section 3.27.10.
        "level": "error" if verdict.outcome is Outcome.VIOLATED else "none",
        "message": {"text": printable(text)},
    }
    if locations:
        found["locations"] = locations[:1]
        found["relatedLocations"] = locations[1:]
    return found


def _locations(witness: Witness, raw_trace: str) -> list[dict[str, Any]]:
    return [_location(event, raw_trace) for event in witness.events if event.line]


def _location(event: AnyEvent, raw_trace: str) -> dict[str, Any]:
    end = max(event.line, event.resumed_line or 0)
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(printable(raw_trace))},
            "region": {"startLine": event.line, "endLine": end},
        }
    }

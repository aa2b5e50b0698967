"""The JSON Schema of suites says the same as the reader, on good and on broken suites."""

import json
from importlib import resources
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from iowitness.check_commands import check
from iowitness.specs.suite import SuiteError, load_suite, ready_suite_names
from iowitness.specs.suite_schema import suite_schema
from iowitness.specs.suite_yaml import read_suite

_SCHEMA = suite_schema()
_VALIDATOR = jsonschema.Draft202012Validator(_SCHEMA)
_LOG = "claim: append-only, files: '**/*.log'"

_GOOD = [
    f"contracts: [{{{_LOG}}}]",
    "contracts: [{claim: append-only, files: ['a', 'b'], not_files: c, nothing_is_fine: true}]",
    "contracts: [{claim: synced-before-acknowledged, files: '*.aof', local_ports: [6379, 1-9]}]",
    "contracts: [{claim: call-budget, maximum: 3, calls: Synced}]",
    "variables: {n: 3}\ncontracts: [{claim: call-budget, maximum: '${n}'}]",
    "variables: {c: gzip}\ncontracts: [{claim: compression, files: x, codec: '${c}'}]",
    f"contracts: [{{claim: not, of: {{{_LOG}}}}}, {{claim: all, of: [{{{_LOG}}}]}}]",
    "contracts: [{claim: order, every: {kinds: Written}, preceded_by: {kinds: [Opened, Sized]}}]",
]
_BROKEN = [
    "",
    "contracts: {}",
    f"contract: [{{{_LOG}}}]",
    "contracts: [{files: '**/*.log'}]",
    "contracts: [{claim: append-onely, files: '**/*.log'}]",
    "contracts: [{claim: append-only}]",
    f"contracts: [{{{_LOG}, fils: x}}]",
    f"contracts: [{{{_LOG}, nothing_is_fine: perhaps}}]",
    "contracts: [{claim: append-only, files: ['**/*.log', 3]}]",
    "contracts: [{claim: append-only, files: x, first_write: sometimes}]",
    "contracts: [{claim: synced-before-acknowledged, files: x, local_ports: ssh}]",
    "contracts: [{claim: synced-before-acknowledged, files: x, local_ports: 0}]",
    "contracts: [{claim: zero-copy-reads, files: x, head_bytes: -1}]",
    "contracts: [{claim: zero-copy-reads, files: x, head_bytes: some}]",
    "contracts: [{claim: call-budget}]",
    "contracts: [{claim: call-budget, maximum: 3, calls: Writen}]",
    "contracts: [{claim: no-reads-of, files: x, ways: [pipe]}]",
    "contracts: [{claim: device-sequential, minimum_share: 2}]",
    "contracts: [{claim: order, every: {kinds: Written}}]",
    "contracts: [{claim: order, every: {}, preceded_by: {kinds: Opened}}]",
    "contracts: [{claim: all, of: []}]",
    "contracts: [{claim: not, of: [{claim: append-only, files: x}]}]",
    f"contracts: [{{{_LOG}}}]\nagreement: {{default: {{rule: roughly}}}}",
    f"contracts: [{{{_LOG}}}]\nworkload: {{steps: [{{step: dance}}]}}",
    f"contracts: [{{{_LOG}}}]\ncontent_byte_count: -1",
]


def _complaints(text: str) -> list[str]:
    content: Any = yaml.safe_load(text)
    return [error.message for error in _VALIDATOR.iter_errors({} if content is None else content)]


def test_it_is_a_schema_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(_SCHEMA)


@pytest.mark.parametrize("name", ready_suite_names())
def test_every_ready_suite_fits(name: str) -> None:
    text = (resources.files("iowitness.specs") / f"{name}.yaml").read_text()
    assert _complaints(text) == []
    variables = yaml.safe_load(text).get("variables", {})
    assert load_suite(name, {key: "/r" for key, value in variables.items() if value is None})


@pytest.mark.parametrize("text", _GOOD)
def test_what_the_reader_takes_fits(text: str) -> None:
    assert read_suite(text, "good.yaml").contracts
    assert _complaints(text) == []


@pytest.mark.parametrize("text", _BROKEN)
def test_what_the_reader_refuses_does_not_fit(text: str) -> None:
    with pytest.raises(SuiteError):
        read_suite(text, "broken.yaml")
    assert _complaints(text) != []


def test_the_package_has_it_as_a_file_and_the_command_prints_it() -> None:
    """Made anew by: iowitness check --schema > specs/suite.schema.json."""
    of_file = json.loads((resources.files("iowitness.specs") / "suite.schema.json").read_text())
    assert of_file == _SCHEMA
    printed = CliRunner().invoke(check, ["--schema"])
    assert printed.exit_code == 0
    assert json.loads(printed.output) == _SCHEMA

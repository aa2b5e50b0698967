"""docs/suites.md tells the ready suites with their variables, and its example can be read."""

import re
from importlib import resources
from pathlib import Path

import pytest
import yaml

from iowitness.specs.suite import ready_suite_names
from iowitness.specs.suite_yaml import read_suite

_PAGE = (Path(__file__).parents[2] / "docs/suites.md").read_text()
_ROWS = {
    row[0]: row[1] for row in re.findall(r"^\| `([\w-]+)` \|[^|]*\|(.*)\|$", _PAGE, re.MULTILINE)
}


def test_every_ready_suite_is_in_the_table() -> None:
    assert sorted(_ROWS) == sorted(ready_suite_names())


@pytest.mark.parametrize("name", ready_suite_names())
def test_a_suites_variables_are_told_with_their_defaults(name: str) -> None:
    content = yaml.safe_load((resources.files("iowitness.specs") / f"{name}.yaml").read_text())
    variables = {key: value for key, value in content.get("variables", {}).items() if key != "root"}
    told = _ROWS[name]
    assert set(re.findall(r"`(\w+)`(?=[ ,]|$)", told)) >= set(variables)
    for value in variables.values():
        assert value is None or f"(`{value}`)" in told or f"({value})" in told


def test_the_example_is_a_suite() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)
    suite = read_suite(text, "mine.yaml", {"journal": "**/j"})
    assert [one.claim for one in suite.contracts] == [
        "append-only",
        "atomic-replace",
        "never-synced-in",
    ]

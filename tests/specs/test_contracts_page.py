"""docs/contracts.md: every claim with its keys, and examples that are the same in two languages."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

import iowitness.specs as language
from iowitness.specs import AppendOnly, judge
from iowitness.specs.claims import AllOf, AnyClaim, AnyOf, Not, claim_names
from iowitness.specs.suite_yaml import read_suite
from iowitness.traces.history import constructed

_PAGE = (Path(__file__).parents[2] / "docs/contracts.md").read_text()
_SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", _PAGE, re.MULTILINE | re.DOTALL))
_CLAIMS = {one.model_fields["claim"].default: one for one in get_args(get_args(AnyClaim)[0])}
_SELECTING = {"files", "not_files", "roles", "programs", "threads", "phases"}
_EVERYWHERE = _SELECTING | {"local_ports", "remote_ports", "claim", "name"}
_COMPOSITES = {"all", "any", "not"}
_WITH_EXAMPLES = [name for name in _SECTIONS if "```python" in _SECTIONS[name]]


def _block(section: str, name: str) -> str:
    (found,) = re.findall(rf"```{name}\n(.*?)```", section, re.DOTALL)
    return str(found)


def _suite(text: str) -> tuple[AnyClaim, ...]:
    indented = "".join(f"  {line}\n" for line in text.splitlines())
    return read_suite(f"contracts:\n{indented}", "contracts.md").contracts


def test_there_is_a_section_for_every_claim() -> None:
    assert set(claim_names()) - _COMPOSITES <= set(_SECTIONS)
    assert "Composition" in _SECTIONS


@pytest.mark.parametrize("claim", sorted(set(_CLAIMS) - _COMPOSITES))
def test_a_section_names_every_key_and_says_what_cannot_be_seen(claim: str) -> None:
    fields = _CLAIMS[claim].model_fields
    keys = {field.alias or name for name, field in fields.items()} - _EVERYWHERE
    general = {"nothing_is_fine", "only_with_workload"}
    assert [key for key in sorted(keys - general) if f"`{key}`" not in _SECTIONS[claim]] == []
    assert "*Cannot see:*" in _SECTIONS[claim]


def test_keys_that_all_claims_have_are_told_once() -> None:
    before = _PAGE.partition("## sequential-writes")[0]
    for key in (*_SELECTING, "local_ports", "nothing_is_fine", "only_with_workload", "name"):
        assert f"`{key}`" in before


@pytest.mark.parametrize("section", _WITH_EXAMPLES)
def test_the_example_is_the_same_in_yaml_and_in_python(section: str) -> None:
    text = _SECTIONS[section]
    names = {name: getattr(language, name) for name in language.__all__}
    of_python = eval(_block(text, "python"), names)
    of_python = tuple(of_python) if isinstance(of_python, list) else (of_python,)
    of_yaml = _suite(_block(text, "yaml"))
    assert of_python == of_yaml
    told = {one.claim for one in of_yaml}
    assert told == ({"any", "all"} if section == "Composition" else {section})


def test_the_examples_use_every_key_that_a_claim_has_of_its_own() -> None:
    used: dict[str, set[str]] = {}
    for section in _WITH_EXAMPLES:
        for one in _suite(_block(_SECTIONS[section], "yaml")):
            used.setdefault(one.claim, set()).update(one.model_fields_set)
    for name, claim in _CLAIMS.items():
        own = set(claim.model_fields) - _EVERYWHERE - {"given_name"}
        own -= {"nothing_is_fine", "only_with_workload"}
        own -= {"rewritten_block_byte_count"}  # two ways to begin again: the example has the other
        assert own <= used.get(name, own), name


@pytest.mark.parametrize("name", sorted(_CLAIMS))
def test_the_schemas_name_and_the_class_are_found_in_the_package(name: str) -> None:
    claim = _CLAIMS[name]
    assert getattr(language, claim.__name__) is claim
    if name not in _COMPOSITES:
        assert claim.__name__ == "".join(part.capitalize() for part in name.split("-"))


def test_the_language_has_no_other_names() -> None:
    assert all(hasattr(language, name) for name in language.__all__)
    with pytest.raises(AttributeError, match="SequentialRites"):
        language.SequentialRites  # noqa: B018  # the access is the test


def test_the_example_at_the_top_judges() -> None:
    verdict = judge(AppendOnly(files="**/*.log"), constructed(()))
    assert verdict.outcome == "UNKNOWN"
    assert (AllOf, AnyOf, Not) == (language.AllOf, language.AnyOf, language.Not)


def test_yaml_examples_are_yaml_for_other_readers_too() -> None:
    for section in _WITH_EXAMPLES:
        assert isinstance(yaml.safe_load(_block(_SECTIONS[section], "yaml")), list)

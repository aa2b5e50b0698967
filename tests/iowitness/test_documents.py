"""The documents are true: links lead somewhere, names exist, tables agree with the code."""

import re
from pathlib import Path

import pytest

from iowitness.real_run.sabotage import SABOTAGES
from iowitness.specs.suite import load_suite
from iowitness.traces.events import EVENT_KINDS
from iowitness.what_if.ready import ready_names

_ROOT = Path(__file__).parents[2]
_PAGES = sorted([_ROOT / "README.md", *_ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_readme_tells_every_fault_and_the_contract_that_catches_it() -> None:
    told = dict(re.findall(r"--sabotage (\S+) +# [^:]*: (\S+)", _readme()))
    assert told == {name: one.caught_by for name, one in SABOTAGES.items()}


def test_the_readme_counts_the_records_of_the_default_suite() -> None:
    workload = load_suite("kafka").workload
    assert workload is not None
    assert f"{workload.record_count:,} records" in _readme()


def test_the_contracts_page_describes_every_claim_of_the_default_suite() -> None:
    page = (_ROOT / "docs/contracts.md").read_text()
    claims = {contract.claim for contract in load_suite("kafka").contracts}
    assert [claim for claim in sorted(claims) if f"\n## {claim}\n" not in page] == []


def test_the_traces_page_names_only_events_that_exist() -> None:
    table = (_ROOT / "docs/traces.md").read_text().partition("## Calls and events")[2]
    first_columns = re.findall(r"^\| (`[^|]*)\|", table, re.MULTILINE)
    named = {name for column in first_columns for name in re.findall(r"`(\w+)`", column)}
    assert named <= EVENT_KINDS.keys()
    assert len(named) > 20


def _readme() -> str:
    return (_ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_every_benchmark_that_a_page_names_is_there(page: Path) -> None:
    named = set(re.findall(r"bench/(\w+\.py)", page.read_text()))
    assert [name for name in sorted(named) if not (_ROOT / "bench" / name).exists()] == []


def test_the_readme_names_only_ready_what_ifs() -> None:
    named = set(re.findall(r"^iowitness simulate (\S+) ", _readme(), re.MULTILINE))
    assert named
    assert named <= set(ready_names())

import importlib
import pkgutil

import iowitness.specs
from iowitness.report.claim_words import claim_sentence
from iowitness.report.unseen_words import claim_limit
from iowitness.specs.claim import Claim


def _claim_names() -> set[str]:
    for module in pkgutil.iter_modules(iowitness.specs.__path__):
        importlib.import_module(f"iowitness.specs.{module.name}")
    kinds, names = [Claim], set[str]()
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if isinstance(default := kind.model_fields["claim"].default, str):
            names.add(default)
    return names


def test_every_kind_of_claim_has_a_sentence() -> None:
    names = _claim_names()
    assert "sequential-writes" in names
    assert {name for name in names if claim_sentence(name) == name} == set()


def test_an_unknown_kind_is_named_as_it_is() -> None:
    assert claim_sentence("of-my-own") == "of-my-own"


def test_every_kind_of_claim_but_the_composite_ones_says_what_it_cannot_see() -> None:
    blind = {name for name in _claim_names() if not claim_limit(name)}
    assert blind == {"all", "any", "not"}

"""A strict reader of Prometheus's text format, written from its description."""

import re
from collections.abc import Mapping

from msgspec import Struct

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)?\}})? (\S+)")
_SUFFIXES = ("_bucket", "_sum", "_count")
_KINDS = {"counter", "gauge", "histogram", "summary", "untyped"}

Labels = frozenset[tuple[str, str]]


class Family(Struct):
    """One family as it was read: kind, help, and samples by (name, labels)."""

    kind: str
    explained: str
    samples: dict[tuple[str, Labels], float]


def parsed_page(text: str) -> Mapping[str, Family]:
    """The families of a page; fails on anything that the format does not allow."""
    assert text.endswith("\n")
    families: dict[str, Family] = {}
    explained: dict[str, str] = {}
    current = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, told = line.split(" ", 3)
            assert name not in explained, f"{name} is explained twice"
            explained[name] = told
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in families, f"the samples of {name} are not together"
            assert kind in _KINDS
            assert re.fullmatch(_NAME, name)
            families[name] = Family(kind, explained[name], {})
            current = name
        else:
            _take_sample(families[current], current, line)
    for name, family in families.items():
        _check(name, family)
    return families


def _take_sample(family: Family, name: str, line: str) -> None:
    match = _SAMPLE.fullmatch(line)
    assert match is not None, line
    sample_name, labels_text, value = match.groups()
    allowed = {name + s for s in _SUFFIXES} if family.kind == "histogram" else {name}
    assert sample_name in allowed, line
    labels = frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels_text or ""))
    assert (sample_name, labels) not in family.samples, f"{line} stands twice"
    family.samples[sample_name, labels] = float(value)


def _check(name: str, family: Family) -> None:
    if family.kind == "counter":
        assert name.endswith("_total")
        assert all(value >= 0 for value in family.samples.values())
    if family.kind == "histogram":
        for (sample_name, labels), count in family.samples.items():
            if sample_name == f"{name}_count":
                _check_buckets(name, family, labels, count)


def _check_buckets(name: str, family: Family, labels: Labels, count: float) -> None:
    buckets = sorted(
        (float(dict(found)["le"]), value)
        for (sample_name, found), value in family.samples.items()
        if sample_name == f"{name}_bucket"
        and frozenset(pair for pair in found if pair[0] != "le") == labels
    )
    values = [value for _, value in buckets]
    assert values == sorted(values), "buckets are cumulative"
    assert buckets[-1] == (float("inf"), count)
    assert (f"{name}_sum", labels) in family.samples

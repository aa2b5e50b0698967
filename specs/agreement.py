"""Agreement: the comparison of a prediction with an observation, figure by figure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct, field

from iowitness.specs.canonical_operations import (
    CanonicalOperations,
    Operation,
    canonical_operations,
)
from iowitness.traces.events import AnyEvent
from iowitness.traces.history import History

RuleName: TypeAlias = Literal["exact", "band", "informative"]

FIGURES = (
    "segment operations",
    "segment files",
    "rolls",
    "bytes written",
    "produce requests",
    "fetches by sendfile",
    "bytes by sendfile",
    "bytes read into buffers",
    "segment syncs",
)
"""What is compared, in the order in which it is told."""


class Difference(Struct, frozen=True, kw_only=True):
    """The first place where two sequences part: what each has there, with the observed event."""

    place: str
    predicted: str
    observed: str
    event: AnyEvent | None = None


class Comparison(Struct, frozen=True, kw_only=True):
    """One figure in both worlds.

    `rule` says how far they may lie apart: `exact`, `band` (relative tolerance `tolerance`), or
    `informative` (never fails). Values are None where a world does not have the figure.
    `compared_count` says how many events stand behind it.
    """

    figure: str
    unit: str
    predicted: float | None
    observed: float | None
    rule: RuleName
    tolerance: float = 0.0
    agrees: bool
    compared_count: int = 0
    differences: tuple[Difference, ...] = ()


class Agreement(Struct, frozen=True, kw_only=True):
    """All comparisons of one run with its prediction."""

    comparisons: Sequence[Comparison]

    @property
    def agrees(self) -> bool:
        """True if no comparison failed."""
        return all(comparison.agrees for comparison in self.comparisons)

    @property
    def compared_count(self) -> int:
        """Events that stood side by side."""
        return sum(comparison.compared_count for comparison in self.comparisons)


class Rule(Struct, frozen=True, kw_only=True):
    """How far one figure may lie apart; `tolerance` is relative to the prediction, for a band."""

    rule: RuleName = "exact"
    tolerance: float = 0.0

    def agrees(self, predicted: float, observed: float) -> bool:
        """True if the two lie close enough together."""
        if self.rule == "informative":
            return True
        allowed = self.tolerance * abs(predicted) if self.rule == "band" else 0.0
        return abs(observed - predicted) <= allowed


class AgreementRules(Struct, frozen=True, kw_only=True):
    """The rule of each figure by its name; what is not named follows `default`.

    `segments` are the globs of the files whose operations are compared.
    """

    default: Rule = Rule()
    figures: Mapping[str, Rule] = field(default_factory=dict)
    segments: tuple[str, ...] = ("**/*.log",)

    def of(self, figure: str) -> Rule:
        """The rule of one figure."""
        return self.figures.get(figure, self.default)


EXACT = AgreementRules()
"""Everything is the same in both worlds."""


def compare(
    predicted: History,
    observed: History,
    rules: AgreementRules = EXACT,
    *,
    observed_root: str = "",
    predicted_root: str = "",
) -> Agreement:
    """Two histories of the same workload, side by side.

    Paths are taken below their roots; a prediction's are relative already.
    """
    expected = canonical_operations(predicted.events, predicted_root, rules.segments)
    found = canonical_operations(observed.events, observed_root, rules.segments)
    sequences = _compare_sequences(expected, found, rules.of("segment operations"))
    files = _compare_files(expected, found, rules.of("segment files"))
    others = [
        _compare_numbers(name, unit, rules.of(name), of_predicted, of_observed)
        for name, unit, of_predicted, of_observed in _numbers(expected, found)
    ]
    return Agreement(comparisons=(sequences, files, *others))


def _numbers(
    expected: CanonicalOperations, found: CanonicalOperations
) -> list[tuple[str, str, float, float]]:
    def both(name: str, unit: str, figure: "_Figure") -> tuple[str, str, float, float]:
        return name, unit, figure(expected), figure(found)

    return [
        both("rolls", "", lambda one: sum(len(names) - 1 for names in one.segments.values())),
        both("bytes written", "B", lambda one: one.byte_count("write")),
        both("produce requests", "", lambda one: one.produce_request_count),
        both("fetches by sendfile", "", lambda one: one.fetch_count),
        both("bytes by sendfile", "B", lambda one: one.byte_count("transfer")),
        both("bytes read into buffers", "B", lambda one: one.byte_count("read")),
        both("segment syncs", "", _sync_count),
    ]


_Figure: TypeAlias = Callable[[CanonicalOperations], float]


def _sync_count(one: CanonicalOperations) -> float:
    return sum(
        operation.name.startswith("sync") for file in one.by_file.values() for operation in file
    )


def _compare_numbers(
    name: str, unit: str, rule: Rule, predicted: float, observed: float
) -> Comparison:
    return Comparison(
        figure=name,
        unit=unit,
        predicted=predicted,
        observed=observed,
        rule=rule.rule,
        tolerance=rule.tolerance,
        agrees=rule.agrees(predicted, observed),
    )


def _compare_sequences(
    expected: CanonicalOperations, found: CanonicalOperations, rule: Rule
) -> Comparison:
    """Every operation of every segment, in order; a band or no rule compares their numbers."""
    paths = sorted(expected.by_file.keys() | found.by_file.keys())
    differences = []
    compared_count = 0
    for path in paths:
        ours, theirs = expected.by_file.get(path, []), found.by_file.get(path, [])
        compared_count += min(len(ours), len(theirs))
        difference = _first_difference(path, ours, theirs)
        if difference is not None:
            differences.append(difference)
    predicted = float(sum(map(len, expected.by_file.values())))
    observed = float(sum(map(len, found.by_file.values())))
    if compared_count == 0:
        nothing = Difference(
            place="all segments",
            predicted=f"{predicted:.0f} operations",
            observed=f"{observed:.0f} operations, so nothing was compared",
        )
        differences.insert(0, nothing)
    exact = rule.rule == "exact"
    return Comparison(
        figure="segment operations",
        unit="",
        predicted=predicted,
        observed=observed,
        rule=rule.rule,
        tolerance=rule.tolerance,
        agrees=not differences if exact else rule.agrees(predicted, observed),
        compared_count=compared_count,
        differences=tuple(differences[:KEPT_DIFFERENCE_COUNT]) if exact else (),
    )


KEPT_DIFFERENCE_COUNT = 10
"""First differences that are kept, one a file."""


def _first_difference(
    path: str, predicted: Sequence[Operation], observed: Sequence[Operation]
) -> Difference | None:
    for index in range(max(len(predicted), len(observed))):
        ours = predicted[index] if index < len(predicted) else None
        theirs = observed[index] if index < len(observed) else None
        if ours is None or theirs is None or not ours.same_as(theirs):
            return Difference(
                place=f"{path}, operation {index + 1}",
                predicted=str(ours) if ours is not None else "nothing more",
                observed=str(theirs) if theirs is not None else "nothing more",
                event=theirs.event if theirs is not None else None,
            )
    return None


def _compare_files(
    expected: CanonicalOperations, found: CanonicalOperations, rule: Rule
) -> Comparison:
    """The segment files of each partition, in the order in which they came."""
    differences = tuple(
        Difference(
            place=folder,
            predicted=", ".join(expected.segments.get(folder, [])) or "no segment",
            observed=", ".join(found.segments.get(folder, [])) or "no segment",
        )
        for folder in sorted(expected.segments.keys() | found.segments.keys())
        if expected.segments.get(folder) != found.segments.get(folder)
    )
    predicted = float(sum(map(len, expected.segments.values())))
    observed = float(sum(map(len, found.segments.values())))
    exact = rule.rule == "exact"
    return Comparison(
        figure="segment files",
        unit="",
        predicted=predicted,
        observed=observed,
        rule=rule.rule,
        tolerance=rule.tolerance,
        agrees=not differences if exact else rule.agrees(predicted, observed),
        compared_count=int(min(predicted, observed)),
        differences=differences if exact else (),
    )

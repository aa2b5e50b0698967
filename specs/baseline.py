"""Baselines: the verdicts and figures of one run, kept in a file to hold later runs against."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from iowitness.specs.agreement import Agreement, AgreementRules, Comparison, Difference, Rule
from iowitness.specs.verdict import Outcome, Verdict

FORMAT = "iowitness-baseline"
VERSION = 1


class BaselineError(Exception):
    """A file that is no baseline, or not one that this version reads."""


class KeptFigure(Struct, frozen=True, kw_only=True):
    """One figure of one contract, with its unit."""

    value: float
    unit: str = ""


class KeptVerdict(Struct, frozen=True, kw_only=True):
    """One contract's outcome and its figures by name."""

    outcome: Outcome
    figures: Mapping[str, KeptFigure]


class Baseline(Struct, frozen=True, kw_only=True):
    """What a suite found in one run: verdicts by the name of their contract."""

    format: str = FORMAT
    version: int = VERSION
    suite: str
    verdicts: Mapping[str, KeptVerdict]


def baseline_of(suite_name: str, verdicts: Iterable[Verdict]) -> Baseline:
    """The baseline that a run makes."""
    return Baseline(
        suite=suite_name,
        verdicts={
            verdict.contract: KeptVerdict(
                outcome=verdict.outcome,
                figures={
                    figure.name: KeptFigure(value=figure.value, unit=figure.unit)
                    for figure in verdict.figures
                },
            )
            for verdict in verdicts
        },
    )


def baseline_text(baseline: Baseline) -> bytes:
    """The baseline as JSON in a stable order, so that a diff shows what changed."""
    return msgspec.json.format(msgspec.json.encode(baseline, order="deterministic")) + b"\n"


def read_baseline(text: bytes, source_name: str) -> Baseline:
    """The baseline in a file's text; raises `BaselineError`, naming the file."""
    try:
        found = msgspec.json.decode(text, type=Baseline)
    except msgspec.DecodeError as error:
        raise BaselineError(f"{source_name}: {error}, expected a baseline in JSON") from None
    if found.format != FORMAT or found.version != VERSION:
        raise BaselineError(
            f"{source_name}: format={found.format!r} version={found.version}, "
            f"expected {FORMAT!r} version {VERSION}"
        )
    return found


def compare_with_baseline(
    baseline: Baseline, verdicts: Sequence[Verdict], rules: AgreementRules
) -> Agreement:
    """Every verdict and every figure against those that were kept.

    The rule of a figure goes by `contract/figure`. A contract that only one of them has differs,
    so that a contract which was taken out of a suite is noticed.
    """
    now = baseline_of(baseline.suite, verdicts).verdicts
    comparisons: list[Comparison] = []
    for contract in dict.fromkeys((*baseline.verdicts, *now)):
        before, after = baseline.verdicts.get(contract), now.get(contract)
        comparisons.append(_compare_outcomes(contract, before, after))
        if before is not None and after is not None:
            names = dict.fromkeys((*before.figures, *after.figures))
            comparisons += (
                _compare_figures(
                    f"{contract}/{name}",
                    before.figures.get(name),
                    after.figures.get(name),
                    rules.of(f"{contract}/{name}"),
                )
                for name in names
            )
    return Agreement(comparisons=tuple(comparisons))


def _compare_outcomes(
    contract: str, before: KeptVerdict | None, after: KeptVerdict | None
) -> Comparison:
    told = [str(one.outcome) if one is not None else "not judged" for one in (before, after)]
    same = told[0] == told[1]
    difference = Difference(place=contract, predicted=told[0], observed=told[1])
    return Comparison(
        figure=f"{contract}/verdict",
        unit="",
        predicted=None,
        observed=None,
        rule="exact",
        agrees=same,
        compared_count=1,
        differences=() if same else (difference,),
    )


def _compare_figures(
    name: str, before: KeptFigure | None, after: KeptFigure | None, rule: Rule
) -> Comparison:
    return Comparison(
        figure=name,
        unit=next((one.unit for one in (after, before) if one is not None), ""),
        predicted=before.value if before is not None else None,
        observed=after.value if after is not None else None,
        rule=rule.rule,
        tolerance=rule.tolerance,
        agrees=(
            rule.agrees(before.value, after.value)
            if before is not None and after is not None
            else rule.rule == "informative"
        ),
        compared_count=1,
    )

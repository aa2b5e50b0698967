"""A run's result in a line or two, said alike by every form of the report."""

from iowitness.report.quantities import count_text, figure_text
from iowitness.report.run_report import RunFacts
from iowitness.specs.agreement import Comparison
from iowitness.specs.verdict import Figure, Outcome

SYMBOLS = {Outcome.HOLDS: "✓", Outcome.VIOLATED: "✗", Outcome.UNKNOWN: "?"}
"""A sign for each verdict, so that none is told by its colour alone."""


def contracts_sentence(facts: RunFacts) -> str:
    """How many contracts hold, and the names of those that do not."""
    if not facts.verdicts:
        return "No contract was judged."
    total = len(facts.verdicts)
    parts = [
        f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} {outcome.value.lower()}"
        for outcome in (Outcome.VIOLATED, Outcome.UNKNOWN)
        if (names := [each.contract for each in facts.verdicts if each.outcome is outcome])
    ]
    if not parts:
        return f"All {total} contracts hold." if total > 1 else "The contract holds."
    holding = sum(verdict.outcome is Outcome.HOLDS for verdict in facts.verdicts)
    return f"{'; '.join(parts)}; {holding} of {total} contracts hold."


def agreement_sentence(facts: RunFacts) -> str:
    """Whether the prediction held, and over how many events."""
    agreement = facts.agreement
    if agreement is None:
        return "Nothing was predicted for this run."
    compared = f"{count_text(agreement.compared_count)} events compared"
    failed = [each.figure for each in agreement.comparisons if not each.agrees]
    if failed:
        return f"The prediction differs in {', '.join(failed)}; {compared}."
    rules = {each.rule for each in agreement.comparisons} - {"informative"}
    if rules == {"exact"}:
        return f"The prediction is exact; {compared}."
    return f"The prediction is within its tolerances; {compared}."


def figure_words(figure: Figure) -> str:
    """`calls per MiB: 4.2 calls/MiB (at most 20)`, `strays: 3 (expected 0)`."""
    bound = ""
    if figure.expected:
        is_bare = figure.expected[0].isdigit()
        bound = f" (expected {figure.expected})" if is_bare else f" ({figure.expected})"
    return f"{figure.name}: {figure_text(figure.value, figure.unit)}{bound}"


def rule_words(comparison: Comparison) -> str:
    """`exact`, `within ±20 %`, or `for information`."""
    if comparison.rule == "band":
        return f"within ±{100 * comparison.tolerance:.3g} %"
    return "exact" if comparison.rule == "exact" else "for information"


def deviation_words(comparison: Comparison) -> str:
    """How far the observation lies off: `=`, `+3.1 %`, `12 times`; a dash if unknown."""
    predicted, observed = comparison.predicted, comparison.observed
    if predicted is None or observed is None:
        return "-"
    if predicted == observed:
        return "="
    if predicted == 0:
        return f"{observed:+,.4g}"
    ratio = observed / predicted
    return f"{ratio:.3g} times" if ratio >= 2 or ratio < 0 else f"{100 * (ratio - 1):+.2g} %"


def agreement_mark(comparison: Comparison) -> str:
    """`agrees`, `differs`, or a dash for a comparison that only informs."""
    if not comparison.agrees:
        return "differs"
    return "-" if comparison.rule == "informative" else "agrees"

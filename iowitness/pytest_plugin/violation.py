"""A contract that does not hold, told as pytest tells a failed assertion."""

import re
from collections.abc import Iterable, Iterator

from iowitness.report.printable import shortened_in_the_middle
from iowitness.report.quantities import count_text
from iowitness.report.trace_quotes import NEAR_LINE_COUNT, TraceQuotes, lines_of
from iowitness.specs.verdict import Outcome, Verdict, Witness

_EXPECTED = re.compile(r"(?P<found>.*?), (?:but )?expected (?P<expected>.*)", re.DOTALL)
_SHOWN_WITNESS_COUNT = 2
_LINE_CHARACTER_COUNT = 200
_LABEL_WIDTH = 10


class ContractViolated(AssertionError):
    """A contract of a test does not hold, or cannot be shown; `verdicts` are those to blame."""

    def __init__(self, text: str, verdicts: tuple[Verdict, ...]) -> None:
        super().__init__(text)
        self.verdicts = verdicts


ContractViolated.__module__ = "iowitness"  # what a reader of the test's output needs to know


def violation_text(
    verdicts: Iterable[Verdict], suite_name: str, quotes: TraceQuotes, artifacts: str
) -> str:
    """All verdicts that are not HOLDS: claim, found, expected, trace lines, what to do."""
    lines: list[str] = []
    for verdict in verdicts:
        if verdict.outcome is not Outcome.HOLDS:
            lines += _verdict_lines(verdict, suite_name, quotes)
    if artifacts:
        lines += [_row("report", artifacts)]
    return "\n".join(lines)


def _verdict_lines(verdict: Verdict, suite_name: str, quotes: TraceQuotes) -> Iterator[str]:
    yield f"{verdict.contract} is {verdict.outcome.value}"
    parameters = ", ".join(f"{key}={value}" for key, value in verdict.parameters.items())
    yield _row("claim", f"{verdict.claim}({parameters}), {suite_name}")
    for witness in verdict.witnesses[:_SHOWN_WITNESS_COUNT]:
        yield from _witness_lines(witness, verdict.outcome, quotes)
    if not verdict.witnesses:
        yield _row(_found_label(verdict.outcome), verdict.summary)
    more = verdict.witness_count - min(len(verdict.witnesses), _SHOWN_WITNESS_COUNT)
    if more > 0:
        yield _row("and", f"{count_text(more)} more")
    if verdict.hint:
        yield _row("hint", verdict.hint)


def _witness_lines(witness: Witness, outcome: Outcome, quotes: TraceQuotes) -> Iterator[str]:
    split = _EXPECTED.fullmatch(witness.message)
    if split is None:
        yield _row(_found_label(outcome), witness.message)
    else:
        yield _row(_found_label(outcome), split["found"])
        yield _row("expected", split["expected"])
    marked = frozenset(line for event in witness.events for line in lines_of(event))
    for run in quotes.stretch(marked, NEAR_LINE_COUNT):
        yield _row("trace", quotes.file_name)
        for number in run:
            sign = ">" if number in marked else " "
            text = shortened_in_the_middle(quotes.texts[number], _LINE_CHARACTER_COUNT)
            yield f"    {sign} {number}: {text}"


def _found_label(outcome: Outcome) -> str:
    return "because" if outcome is Outcome.UNKNOWN else "found"


def _row(label: str, text: str) -> str:
    return f"  {label + ':':{_LABEL_WIDTH}}{text}"

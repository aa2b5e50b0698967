"""The lines of a raw trace that a report quotes: which, and their text."""

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from iowitness.report.printable import printable, shortened_in_the_middle
from iowitness.report.run_report import RunFacts
from iowitness.specs.verdict import Outcome
from iowitness.traces.events import AnyEvent

NEAR_LINE_COUNT = 2
"""Lines before and after an offending one that a finding quotes."""

WIDE_LINE_COUNT = 10
"""Lines before and after an offending one that the excerpt of the raw trace has."""

_SHOWN_CHARACTER_COUNT = 1_000
_STRING_CHARACTER_COUNT = 32
_CHARACTER = re.compile(r"\\x[0-9a-f]{2}|\\[0-7]{1,3}|\\?.")
_LONG_STRING = re.compile(r'"((?:[^"\\]|\\.){48,})"')
"""A buffer that strace printed at length: what follows it, offset and result, matters more."""


class TraceQuotes(Struct, frozen=True, kw_only=True):
    """Lines of one raw trace by their 1-based number, and which of them show a finding.

    Text is as it stands in the trace but for long buffers, of which the beginning is left with the
    number of characters that were cut, and not yet escaped.
    """

    file_name: str = ""
    texts: Mapping[int, str] = {}
    offending: frozenset[int] = frozenset()

    def stretch(self, numbers: Iterable[int], context: int) -> tuple[tuple[int, ...], ...]:
        """The numbers with so many neighbours, where there is text, in runs without a gap."""
        runs: list[list[int]] = []
        for number in sorted(surrounded(numbers, context) & self.texts.keys()):
            if runs and runs[-1][-1] == number - 1:
                runs[-1].append(number)
            else:
                runs.append([number])
        return tuple(tuple(run) for run in runs)


NO_QUOTES = TraceQuotes()
"""For a report whose raw trace is not at hand."""


def _string_start(match: re.Match[str]) -> str:
    """The beginning of a printed buffer, which does not end within an escape."""
    kept = 0
    for character in _CHARACTER.finditer(match[1]):
        if character.end() > _STRING_CHARACTER_COUNT:
            break
        kept = character.end()
    return f'"{match[1][:kept]}…(+{len(match[1]) - kept:,} characters)"'


def evidence(facts: RunFacts) -> Iterator[AnyEvent]:
    """The events behind every violation, doubt and difference."""
    for verdict in facts.verdicts:
        if verdict.outcome is not Outcome.HOLDS:
            for witness in verdict.witnesses:
                yield from witness.events
    for comparison in facts.agreement.comparisons if facts.agreement else ():
        for difference in comparison.differences:
            if difference.event is not None:
                yield difference.event


def lines_of(event: AnyEvent) -> tuple[int, ...]:
    """The lines of one event: where it begins, and where it ends if that is another."""
    return tuple(line for line in (event.line, event.resumed_line) if line)


def surrounded(numbers: Iterable[int], context: int) -> set[int]:
    """Line numbers with so many neighbours on either side, none below 1."""
    return {
        near for number in numbers for near in range(max(1, number - context), number + context + 1)
    }


def quotes(facts: RunFacts, file_name: str, raw_lines: Iterable[bytes]) -> TraceQuotes:
    """What the report quotes of one raw trace; `raw_lines` is read to the last line needed."""
    offending = frozenset(line for event in evidence(facts) for line in lines_of(event))
    wanted = surrounded(offending, WIDE_LINE_COUNT)
    if not wanted:
        return TraceQuotes(file_name=file_name)
    texts: dict[int, str] = {}
    last = max(wanted)
    for number, raw in enumerate(raw_lines, start=1):
        if number in wanted:
            line = raw.rstrip(b"\n").decode("utf-8", "surrogateescape")
            texts[number] = shortened_in_the_middle(
                _LONG_STRING.sub(_string_start, printable(line)), _SHOWN_CHARACTER_COUNT
            )
        if number >= last:
            break
    return TraceQuotes(file_name=file_name, texts=texts, offending=offending & frozenset(texts))

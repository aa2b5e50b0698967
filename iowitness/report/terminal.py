"""The report on a terminal: two tables, and what was found; plain text where there is no terminal.

Plain means columns of fixed width, no colour and no lines drawn: it is read by `grep` and in logs.
"""

from collections.abc import Sequence
from typing import Literal, TextIO

from msgspec import Struct

from iowitness.report.event_words import event_place, event_words
from iowitness.report.printable import one_line, shortened_in_the_middle
from iowitness.report.quantities import count_text, figure_text
from iowitness.report.run_report import RunReport
from iowitness.report.trace_quotes import NO_QUOTES, TraceQuotes, lines_of
from iowitness.report.verdict_words import (
    agreement_mark,
    agreement_sentence,
    contracts_sentence,
    deviation_words,
    figure_words,
    rule_words,
)
from iowitness.specs.verdict import Outcome, Witness

_STYLES = {
    "HOLDS": "bold green",
    "agrees": "green",
    "VIOLATED": "bold red",
    "differs": "bold red",
    "UNKNOWN": "bold yellow",
}
_FIGURES_SHOWN = 3
_QUOTED_WITNESS_COUNT = 2
_LINE_CHARACTER_COUNT = 200


class Table(Struct, frozen=True, kw_only=True):
    """A table of text. `right` are the columns of numbers, by index."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()


def print_report(report: RunReport, stream: TextIO, quotes: TraceQuotes = NO_QUOTES) -> None:
    """Print the tables and findings to a stream, with colours if it is a terminal."""
    if stream.isatty():
        _print_rich(report, stream, quotes)
    else:
        stream.write(plain_text(report, quotes))


def plain_text(report: RunReport, quotes: TraceQuotes = NO_QUOTES) -> str:
    """Tables and findings as lines of plain text, with a newline at the end."""
    blocks = ["\n".join(_plain_lines(table)) for table in tables(report)]
    findings = finding_lines(report, quotes)
    if findings:
        blocks.append("\n".join(findings))
    blocks.append("\n".join(closing_lines(report)))
    return "\n\n".join(blocks) + "\n"


def tables(report: RunReport) -> tuple[Table, ...]:
    """The contracts, and the comparison with the prediction if there is one."""
    contracts = Table(
        title="CONTRACTS",
        head=("contract", "verdict", "found", "figures"),
        rows=tuple(
            (
                one_line(verdict.contract),
                verdict.outcome.value,
                one_line(verdict.summary),
                one_line("; ".join(figure_words(f) for f in verdict.figures[:_FIGURES_SHOWN])),
            )
            for verdict in report.verdicts
        ),
    )
    if report.agreement is None:
        return (contracts,)
    return (
        contracts,
        Table(
            title="PREDICTED AGAINST OBSERVED",
            head=("figure", "predicted", "observed", "observed is", "rule", "compared", "result"),
            rows=tuple(
                (
                    one_line(comparison.figure),
                    one_line(figure_text(comparison.predicted, comparison.unit)),
                    one_line(figure_text(comparison.observed, comparison.unit)),
                    deviation_words(comparison),
                    rule_words(comparison),
                    count_text(comparison.compared_count),
                    agreement_mark(comparison),
                )
                for comparison in report.agreement.comparisons
            ),
            right=frozenset({1, 2, 3, 5}),
        ),
    )


def finding_lines(report: RunReport, quotes: TraceQuotes = NO_QUOTES) -> Sequence[str]:
    """Each violation, doubt and difference with its place, then the run's own remarks.

    The first witnesses of each are followed by the lines of the raw trace, where they are given.
    """
    lines: list[str] = []
    for verdict in report.verdicts:
        if verdict.outcome is Outcome.HOLDS:
            continue
        for number, witness in enumerate(verdict.witnesses):
            lines.append(f"{verdict.outcome.value} {verdict.contract}: {witness.message}")
            lines += [
                f"  {event_place(event, _trace_name(report))}: "
                f"{event_words(event, report.data_root)}"
                for event in witness.events
            ]
            if number < _QUOTED_WITNESS_COUNT:
                lines += _quoted_lines(witness, quotes)
        if not verdict.witnesses:
            lines.append(f"{verdict.outcome.value} {verdict.contract}: {verdict.summary}")
        left_out = verdict.witness_count - len(verdict.witnesses)
        if left_out > 0:
            lines.append(f"  counted but not shown: {count_text(left_out)}")
        if verdict.hint:
            lines.append(f"  what to do: {verdict.hint}")
    for comparison in report.agreement.comparisons if report.agreement else ():
        lines += [
            f"DIFFERS {comparison.figure}, {difference.place}: "
            f"predicted {difference.predicted}, observed {difference.observed}"
            for difference in (comparison.differences if not comparison.agrees else ())
        ]
    return [one_line(line) for line in (*lines, *report.findings)]


def _quoted_lines(witness: Witness, quotes: TraceQuotes) -> Sequence[str]:
    marked = frozenset(line for event in witness.events for line in lines_of(event))
    return [
        f"    {'>' if number in marked else ' '} {number}: "
        f"{shortened_in_the_middle(quotes.texts[number], _LINE_CHARACTER_COUNT)}"
        for run in quotes.stretch(marked, 1)
        for number in run
    ]


def closing_lines(report: RunReport) -> Sequence[str]:
    """The result in a sentence, and for a workload of ours whether the prediction held."""
    result = one_line(f"{report.outcome.value}: {contracts_sentence(report)}")
    if report.workload is None and report.agreement is None:
        return (result,)
    return result, one_line(agreement_sentence(report))


def _trace_name(report: RunReport) -> str:
    names = report.observed.provenance.raw_files
    return names[0].rpartition("/")[2] if names else "line"


def _plain_lines(table: Table) -> Sequence[str]:
    widths = [max(map(len, column)) for column in zip(table.head, *table.rows, strict=True)]
    lines = [table.title]
    for row in (table.head, *table.rows):
        cells = [
            cell.rjust(width) if index in table.right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _print_rich(report: RunReport, stream: TextIO, quotes: TraceQuotes) -> None:
    # Imported late: rich takes 40 ms, which a run without a terminal need not pay.
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(file=stream, highlight=False)
    for table in tables(report):
        title = Text(table.title.capitalize(), style="bold")
        shown = RichTable(title=title, title_justify="left", box=box.SIMPLE_HEAD)
        for index, name in enumerate(table.head):
            side: Literal["left", "right"] = "right" if index in table.right else "left"
            shown.add_column(name, justify=side, overflow="fold")
        for row in table.rows:
            shown.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
        console.print(shown)
    for line in finding_lines(report, quotes):
        console.print(Text(line))
    outcome, *agreement = closing_lines(report)
    console.print(Text(outcome, style=_STYLES[report.outcome.value]))
    for line in agreement:
        console.print(Text(line))

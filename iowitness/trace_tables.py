"""The figures of a trace as tables for the terminal, plain where it is none."""

import sys

from rich.console import Console
from rich.table import Table

from iowitness.traces.history import Provenance
from iowitness.traces.summary import Summary

_MOST_ROWS = 20
_MOST_GAPS = 5
_PLAIN_WIDTH = 240


def print_tables(summary: Summary, provenance: Provenance) -> None:
    """Files and threads by bytes, phases, calls by number, and what was missed."""
    console = Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH)
    console.print(_files(summary))
    console.print(_threads(summary))
    if summary.phases.figures:
        console.print(_phases(summary))
    lines = sum(provenance.line_counts.values())
    calls = sum(provenance.call_counts.values())
    console.print(f"{lines} lines, {calls} calls, {len(provenance.gaps)} gaps", highlight=False)
    for gap in provenance.gaps[:_MOST_GAPS]:
        console.print(f"  gap: line {gap.line}: {gap.reason}", markup=False, highlight=False)
    for note in provenance.notes:
        console.print(f"  note: {note}", markup=False, highlight=False)


def _table(title: str, *columns: str) -> Table:
    """A table without lines where no terminal shows it, so that other programs can read it."""
    table = Table(title=title, title_justify="left")
    if not sys.stdout.isatty():
        table.box = None
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _files(summary: Summary) -> Table:
    table = _table("Files", "file")
    for name in (
        "reads",
        "read B",
        "writes",
        "written B",
        "sequential",
        "sent by kernel B",
        "syncs",
    ):
        table.add_column(name, justify="right")
    by_bytes = sorted(
        summary.files.values(),
        key=lambda each: (
            -(each.read_byte_count + each.written_byte_count + each.transferred_byte_count)
        ),
    )
    for each in by_bytes[:_MOST_ROWS]:
        share = each.sequential_share
        table.add_row(
            each.path,
            str(each.reads),
            str(each.read_byte_count),
            str(each.writes),
            str(each.written_byte_count),
            "" if share is None else f"{share:.1%}",
            str(each.transferred_byte_count),
            str(each.syncs),
        )
    if len(by_bytes) > _MOST_ROWS:
        table.caption = f"and {len(by_bytes) - _MOST_ROWS} more files"
    return table


def _phases(summary: Summary) -> Table:
    table = _table("Phases", "phase")
    for name in ("times", "ms", "calls", "errors", "read B", "written B", "received B", "sent B",
                 "by kernel B"):  # fmt: skip
        table.add_column(name, justify="right")
    for each in summary.phases.figures.values():
        table.add_row(
            each.name,
            str(each.times),
            f"{each.lasted_ns / 1e6:.1f}",
            str(each.calls),
            str(each.errors),
            str(each.read_byte_count),
            str(each.written_byte_count),
            str(each.received_byte_count),
            str(each.sent_byte_count),
            str(each.transferred_byte_count),
        )
    return table


def _threads(summary: Summary) -> Table:
    table = _table("Threads", "thread", "name")
    for name in ("calls", "errors", "read B", "written B", "received B", "sent B",
                 "by kernel B", "in calls ms"):  # fmt: skip
        table.add_column(name, justify="right")
    by_calls = sorted(summary.threads.values(), key=lambda each: -each.calls)
    for each in by_calls[:_MOST_ROWS]:
        table.add_row(
            f"{each.process_id}/{each.thread_id}",
            each.name,
            str(each.calls),
            str(each.errors),
            str(each.read_byte_count),
            str(each.written_byte_count),
            str(each.received_byte_count),
            str(each.sent_byte_count),
            str(each.transferred_byte_count),
            f"{each.in_calls_ns / 1e6:.1f}",
        )
    if len(by_calls) > _MOST_ROWS:
        table.caption = f"and {len(by_calls) - _MOST_ROWS} more threads"
    return table

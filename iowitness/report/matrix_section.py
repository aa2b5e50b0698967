"""The page's matrix of threads and classes of calls."""

import math
from collections.abc import Mapping

from iowitness.report.call_classes import CallClass, Cell, call_matrix
from iowitness.report.markup import Markup, joined, table, tag
from iowitness.report.quantities import bytes_text, count_text
from iowitness.report.run_report import RunReport
from iowitness.report.thread_labels import ThreadLabel, thread_labels

ROW_LIMIT = 40
"""Threads with a row, the busiest first."""


def matrix_section(report: RunReport) -> Markup:
    """Who made which calls. Darker is more often, on a logarithmic scale over the whole table."""
    matrix = call_matrix(report.observed)
    if not matrix:
        return tag("p", "The history has no calls.")
    busiest = sorted(matrix, key=lambda thread_id: -_call_count(matrix[thread_id]))[:ROW_LIMIT]
    shown = {thread_id: matrix[thread_id] for thread_id in matrix if thread_id in set(busiest)}
    columns = [each for each in CallClass if any(each in row for row in shown.values())]
    most = max(cell.call_count for row in shown.values() for cell in row.values())
    labels = thread_labels(report.observed)
    rows = [
        tag(
            "tr",
            tag("th", _name(labels[thread_id]), scope="row"),
            [_cell(row.get(column), most) for column in columns],
        )
        for thread_id, row in shown.items()
    ]
    left_out = len(matrix) - len(shown)
    return joined(
        tag("p", "Calls, and below them the bytes they moved. Darker is more calls."),
        table(("thread", *columns), rows, class_="matrix", caption="Threads and classes of calls"),
        tag("p", f"{count_text(left_out)} threads with fewer calls are left out.")
        if left_out
        else None,
    )


def _call_count(row: Mapping[CallClass, Cell]) -> int:
    return sum(cell.call_count for cell in row.values())


def _name(label: ThreadLabel) -> Markup:
    return joined(label.text, " ", tag("small", str(label.thread_id)))


def _cell(cell: Cell | None, most: int) -> Markup:
    if cell is None:
        return tag("td", "·", class_="zero")
    heat = math.log1p(cell.call_count) / math.log1p(most)
    size = bytes_text(cell.byte_count) if cell.byte_count else None
    failed = f"{count_text(cell.failed_count)} failed" if cell.failed_count else None
    return tag(
        "td",
        count_text(cell.call_count),
        [tag("small", text) for text in (size, failed) if text],
        style=f"--heat:{heat:.2f}",
    )

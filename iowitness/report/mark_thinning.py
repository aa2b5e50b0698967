"""Fewer marks where there are too many to draw, and never fewer of those that matter."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from iowitness.report.offset_marks import Chart, Mark

MARK_LIMIT = 100_000
"""Marks of a page. With sequential calls they take 1.3 MB of it, and 0.4 s to draw."""


class Thinned(Struct, frozen=True):
    """Charts with few enough marks.

    Each mark stands for at most `calls_per_mark` calls that continue each other; `left_out_count`
    marks are not drawn at all.
    """

    charts: tuple[Chart, ...]
    calls_per_mark: int
    left_out_count: int


def thinned(charts: Sequence[Chart], limit: int, kept_lines: frozenset[int]) -> Thinned:
    """Charts with at most about `limit` marks.

    Calls that continue each other are merged first, which changes no shape. Where that is not
    enough, because they jump about, every so many marks one is kept. Marks of `kept_lines` of the
    raw trace are neither merged nor left out.
    """
    count = _mark_count(charts)
    if count <= limit:
        return Thinned(tuple(charts), 1, 0)
    calls_per_mark = -(-count // limit)
    fewer = tuple(
        _with_marks(chart, [merged(s.marks, calls_per_mark, kept_lines) for s in chart.series])
        for chart in charts
    )
    merged_count = _mark_count(fewer)
    stride = -(-merged_count // limit)
    if stride > 1:
        fewer = tuple(
            _with_marks(chart, [_sampled(s.marks, stride, kept_lines) for s in chart.series])
            for chart in fewer
        )
    return Thinned(fewer, calls_per_mark, merged_count - _mark_count(fewer))


def merged(
    marks: Iterable[Mark], calls_per_mark: int, kept_lines: frozenset[int]
) -> tuple[Mark, ...]:
    """Marks with runs of calls that continue each other drawn as one, at most so many in each.

    A call that does not start where the one before it ended is never merged: what stands out
    still stands out.
    """
    found: list[Mark] = []
    for mark in marks:
        last = found[-1] if found else None
        if (
            last is not None
            and last.call_count < calls_per_mark
            and mark.position == last.position + last.byte_count
            and not kept_lines & {mark.line, last.line}
        ):
            found[-1] = Mark(
                last.start_ns,
                last.position,
                last.byte_count + mark.byte_count,
                last.call_count + 1,
                last.line,
            )
        else:
            found.append(mark)
    return tuple(found)


def _sampled(marks: Sequence[Mark], stride: int, kept_lines: frozenset[int]) -> tuple[Mark, ...]:
    return tuple(
        mark for index, mark in enumerate(marks) if index % stride == 0 or mark.line in kept_lines
    )


def _with_marks(chart: Chart, marks: Sequence[tuple[Mark, ...]]) -> Chart:
    series = tuple(
        msgspec.structs.replace(each, marks=new)
        for each, new in zip(chart.series, marks, strict=True)
    )
    return msgspec.structs.replace(chart, series=series)


def _mark_count(charts: Iterable[Chart]) -> int:
    return sum(len(series.marks) for chart in charts for series in chart.series)

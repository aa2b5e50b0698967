import pytest

from iowitness.report.mark_thinning import merged, thinned
from iowitness.report.offset_marks import Band, Chart, Mark, Series

_NONE: frozenset[int] = frozenset()


def _chart(marks: list[Mark]) -> Chart:
    series = Series(world="observed", operation="write", thread_id=1, marks=tuple(marks))
    return Chart(
        title="t-0",
        bands=(Band("0.log", 0, 1 << 40),),
        series=(series,),
        has_segments=True,
        stray_write_count=0,
    )


def _consecutive(count: int) -> list[Mark]:
    return [Mark(index, 10 * index, 10, 1, index + 1) for index in range(count)]


def _jumping(count: int) -> list[Mark]:
    return [Mark(index, 1_000 * (index * 7919 % count), 10, 1, index + 1) for index in range(count)]


def test_calls_that_continue_each_other_merge_up_to_the_limit() -> None:
    assert merged(_consecutive(5), 2, _NONE) == (
        Mark(0, 0, 20, 2, 1),
        Mark(2, 20, 20, 2, 3),
        Mark(4, 40, 10, 1, 5),
    )


def test_a_call_that_stands_out_is_never_merged() -> None:
    marks = [Mark(0, 0, 10, 1, 1), Mark(1, 500, 10, 1, 2), Mark(2, 10, 10, 1, 3)]
    assert merged(marks, 100, _NONE) == tuple(marks)


@pytest.mark.parametrize("calls_per_mark", [1, 3, 1000])
def test_merging_keeps_calls_and_bytes(calls_per_mark: int) -> None:
    found = merged(_consecutive(50), calls_per_mark, _NONE)
    assert sum(mark.call_count for mark in found) == 50
    assert sum(mark.byte_count for mark in found) == 500


def test_few_marks_stay_as_they_are() -> None:
    chart = _chart(_jumping(10))
    found = thinned([chart], 10, _NONE)
    assert (found.charts, found.calls_per_mark, found.left_out_count) == ((chart,), 1, 0)


def test_consecutive_calls_are_merged_and_none_is_left_out() -> None:
    found = thinned([_chart(_consecutive(1_000))], 100, _NONE)
    assert found.left_out_count == 0
    assert found.charts[0].call_count("observed", "write") == 1_000
    assert len(found.charts[0].series[0].marks) == 100


def test_jumping_calls_are_sampled_and_counted() -> None:
    found = thinned([_chart(_jumping(1_009))], 100, _NONE)
    kept = len(found.charts[0].series[0].marks)
    assert kept <= 101
    assert found.left_out_count == 1_009 - kept


@pytest.mark.parametrize("marks", [_consecutive(1_000), _jumping(1_009)])
def test_what_a_finding_names_keeps_a_mark_of_its_own(marks: list[Mark]) -> None:
    found = thinned([_chart(marks)], 50, frozenset({334, 335, 777}))
    alone = {m.line for m in found.charts[0].series[0].marks if m.call_count == 1}
    assert {334, 335, 777} <= alone

from iowitness.report.offset_marks import charts
from iowitness.traces.events import File, Read, Written
from iowitness.traces.history import History, constructed
from tests.strategies.report_histories import (
    BATCH_BYTE_COUNT,
    DATA_ROOT,
    Conduct,
    observed_history,
    predicted_history,
)

_LOG = File(1, "/data/t-2/00000000000000000000.log")
_NEXT = File(2, "/data/t-2/00000000000000000142.log")
_TENTH = File(3, "/data/t-10/00000000000000000000.log")
_INDEX = File(4, "/data/t-2/00000000000000000000.index")


def _write(file: File, offset: int, at_ns: int, *, error: str | None = None) -> Written:
    return Written(
        start_ns=at_ns,
        end_ns=at_ns + 1,
        process_id=1,
        thread_id=1,
        call="write",
        file=file,
        offset=offset,
        byte_count=100,
        requested_byte_count=100,
        error=error,
    )


def _history(*events: Written | Read) -> History:
    return constructed(events)


def test_segments_are_stacked_in_the_order_of_their_names() -> None:
    history = _history(_write(_NEXT, 0, 5), _write(_LOG, 0, 1), _write(_LOG, 100, 2))
    (chart,) = charts(history, None, "/data", "")
    bands = [(band.label, band.start, band.end) for band in chart.bands]
    assert bands == [("0.log", 0, 200), ("142.log", 200, 300)]
    (series,) = chart.series
    assert [mark.position for mark in series.marks] == [0, 100, 200]


def test_partition_2_comes_before_partition_10() -> None:
    history = _history(_write(_TENTH, 0, 1), _write(_LOG, 0, 2))
    assert [chart.title for chart in charts(history, None, "/data", "")] == ["t-2", "t-10"]


def test_only_segments_are_drawn_where_there_are_any() -> None:
    history = _history(_write(_LOG, 0, 1), _write(_INDEX, 0, 2))
    (chart,) = charts(history, None, "/data", "")
    assert [band.label for band in chart.bands] == ["0.log"]


def test_other_files_are_drawn_where_there_is_no_segment() -> None:
    (chart,) = charts(_history(_write(_INDEX, 0, 2)), None, "/data", "")
    assert [band.label for band in chart.bands] == ["0.index"]


def test_files_outside_the_root_are_not_drawn() -> None:
    assert charts(_history(_write(_LOG, 0, 1)), None, "/elsewhere", "") == ()


def test_a_failed_call_leaves_no_mark() -> None:
    assert charts(_history(_write(_LOG, 0, 1, error="EIO")), None, "/data", "") == ()


def test_a_write_that_does_not_start_where_the_last_one_ended_is_counted() -> None:
    history = _history(_write(_LOG, 0, 1), _write(_LOG, 100, 2), _write(_LOG, 50, 3))
    (chart,) = charts(history, None, "/data", "")
    assert chart.stray_write_count == 1


def test_a_first_write_may_start_anywhere() -> None:
    (chart,) = charts(_history(_write(_LOG, 700, 1)), None, "/data", "")
    assert chart.stray_write_count == 0


def test_both_worlds_meet_in_one_chart_whatever_their_roots_are() -> None:
    predicted = Conduct(data_root="/simulated")
    found = charts(
        observed_history(Conduct()), predicted_history(predicted), DATA_ROOT, "/simulated"
    )
    assert [chart.title for chart in found] == ["plain-0", "plain-1"]
    for chart in found:
        for operation in ("write", "transfer", "read"):
            assert chart.call_count("observed", operation) > 0
            assert chart.call_count("predicted", operation) == chart.call_count(
                "observed", operation
            )
        assert chart.byte_count("observed", "write") == 70 * BATCH_BYTE_COUNT


def test_a_text_log_is_no_segment_and_a_programs_own_files_are_not_drawn() -> None:
    access = File(5, "/srv/logs/access.log")
    library = File(6, "/srv/v/lib/python3.11/x.py")
    history = _history(_write(access, 0, 1), _write(library, 0, 2))
    (chart,) = charts(history, None, "", "")
    assert [band.label for band in chart.bands] == ["access.log"]
    assert not chart.has_segments

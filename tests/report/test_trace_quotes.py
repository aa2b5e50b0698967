import pytest

from iowitness.report.trace_quotes import WIDE_LINE_COUNT, quotes
from tests.strategies.report_histories import RAW_TRACE_NAME, Conduct, observed_script
from tests.strategies.run_reports import holding_report, stray_write_report

_STRAY_LINE = 628


def _texts_with(stray_line: bytes) -> dict[int, str]:
    lines = [f"{line}\n".encode() for line in observed_script(Conduct(strays=True)).lines]
    lines[_STRAY_LINE - 1] = stray_line
    return dict(quotes(stray_write_report(), RAW_TRACE_NAME, lines).texts)


def test_lines_around_an_offending_one_are_kept_and_no_others() -> None:
    texts = _texts_with(b"x\n")
    near = set(range(_STRAY_LINE - WIDE_LINE_COUNT, _STRAY_LINE + WIDE_LINE_COUNT + 1))
    assert near <= set(texts)
    assert 1 not in texts
    assert texts[_STRAY_LINE] == "x"


def test_a_report_without_findings_reads_no_line() -> None:
    def never_read() -> object:
        pytest.fail("the trace was read")
        yield b""

    found = quotes(holding_report(), RAW_TRACE_NAME, never_read())  # type: ignore[arg-type]  # it never yields
    assert found.texts == {}


def test_a_long_buffer_is_cut_so_that_offset_and_result_are_seen() -> None:
    line = b'4104 1.0 pwrite64(22</d/0.log>, "' + b"\\0" * 8_000 + b'", 16352, 130816) = 16352\n'
    text = _texts_with(line)[_STRAY_LINE]
    assert text.startswith('4104 1.0 pwrite64(22</d/0.log>, "\\0\\0')
    assert text.endswith('…(+15,968 characters)", 16352, 130816) = 16352')


@pytest.mark.parametrize("escape", ["\\000", "\\x1b", '\\"', "\\\\", "a"])
@pytest.mark.parametrize("shift", range(5))
def test_a_cut_never_falls_within_an_escape(escape: str, shift: int) -> None:
    line = f'4104 1.0 write(3, "{"b" * shift}{escape * 100}", 400) = 400\n'
    text = _texts_with(line.encode())[_STRAY_LINE]
    start = text.partition('write(3, "')[2].partition("…(+")[0].lstrip("b")
    assert start == escape * (len(start) // len(escape))
    assert text.endswith('characters)", 400) = 400')


def test_short_buffers_stay_as_they_are() -> None:
    assert (
        _texts_with(b'1 1.0 write(3, "abc", 3) = 3\n')[_STRAY_LINE]
        == '1 1.0 write(3, "abc", 3) = 3'
    )


def test_a_line_of_any_length_is_bounded() -> None:
    text = _texts_with(b"x" * 1_000_000 + b") = 7\n")[_STRAY_LINE]
    assert len(text) < 1_100
    assert text.endswith("x) = 7")

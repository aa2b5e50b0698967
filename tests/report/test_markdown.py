import pytest

from iowitness.report.markdown import fenced, markdown, plain, table
from iowitness.report.trace_quotes import TraceQuotes, quotes
from tests.strategies.report_histories import RAW_TRACE_NAME, Conduct, observed_script
from tests.strategies.run_reports import holding_report, odd_text_report, stray_write_report


def test_a_report_that_holds_says_so_first_and_has_no_findings() -> None:
    text = markdown(holding_report(), TraceQuotes())
    assert text.startswith("# ✓ HOLDS: kafka\n\nAll 6 contracts hold. The prediction is exact;")
    assert "## Findings" not in text
    assert "| rolls | 10 rolls | 10 rolls |" in text


def test_the_offending_line_is_marked_among_its_neighbours() -> None:
    report = stray_write_report()
    lines = (f"{line}\n".encode() for line in observed_script(Conduct(strays=True)).lines)
    text = markdown(report, quotes(report, RAW_TRACE_NAME, lines))
    quoted = [line for line in text.splitlines() if line.startswith("> ")]
    assert any("pwrite64(22<" in line and ", 16352, 130816) = 16352" in line for line in quoted)
    assert "run.strace:628: pwrite64 of 16,352 B at 130,816" in text
    assert "## Predicted against observed" in text


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    text = markdown(odd_text_report(), TraceQuotes())
    for block in text.split("\n\n"):
        rows = block.splitlines()
        if rows and rows[0].startswith("|"):
            counts = {row.replace("\\|", "").count("|") for row in rows}
            assert len(counts) == 1, block


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", "a\\|b"),
        ("<img>", "\\<img\\>"),
        ("# head", "\\# head"),
        ("1. one", "1\\. one"),
        ("- item", "\\- item"),
        ("sequential-writes", "sequential-writes"),
        ("two\nlines", "two\\\\nlines"),
        ("`x`", "\\`x\\`"),
    ],
)
def test_text_keeps_its_meaning_and_gets_none(text: str, shown: str) -> None:
    assert plain(text).replace("\\\\n", "\\\\n") == shown


def test_a_fence_is_longer_than_any_run_of_backticks_in_it() -> None:
    block = fenced(["a ``` b", "c ```` d"], "text")
    assert block.startswith("`````text\n")
    assert block.endswith("\n`````")


def test_a_table_escapes_its_cells() -> None:
    assert table(("a", "b"), [("x|y", "z")]) == "| a | b |\n|---|---|\n| x\\|y | z |"

import io
import re

from iowitness.report.terminal import plain_text, print_report
from tests.strategies.run_reports import (
    copying_report,
    holding_report,
    odd_text_report,
    stray_write_report,
)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_text_has_fixed_columns_and_no_decoration() -> None:
    text = plain_text(holding_report())
    assert text.isascii()
    lines = text.splitlines()
    head = next(line for line in lines if line.startswith("contract"))
    column = head.index("verdict")
    for row in lines[2:8]:
        assert row[column:].startswith("HOLDS")
    assert lines[-1] == "The prediction is exact; 362 events compared."


def test_a_violation_names_its_line_and_what_to_do() -> None:
    text = plain_text(stray_write_report())
    assert "VIOLATED sequential-writes: write of 16352 B at 130816, expected 179872" in text
    assert "  run.strace:628: pwrite64 of 16,352 B at 130,816 in plain-0/" in text
    assert "what to do: look for a seek" in text
    assert "UNKNOWN zero-copy-reads: mmap of a segment" in text
    assert "DIFFERS writes to plain-0" in text


def test_a_run_without_a_prediction_has_one_table() -> None:
    text = plain_text(copying_report())
    assert "PREDICTED AGAINST OBSERVED" not in text
    assert text.endswith("Nothing was predicted for this run.\n")


def test_no_terminal_gets_plain_text() -> None:
    stream = io.StringIO()
    print_report(stray_write_report(), stream)
    assert stream.getvalue() == plain_text(stray_write_report())


def test_a_terminal_gets_colours_and_the_same_words() -> None:
    stream = _Terminal()
    print_report(stray_write_report(), stream)
    shown = stream.getvalue()
    assert "\x1b[" in shown
    words = re.sub(r"\x1b\[[0-9;]*m|\s+", " ", shown)
    for word in ("sequential-writes", "VIOLATED", "UNKNOWN", "stored-as-sent"):
        assert word in words


def test_odd_text_sends_no_escape_sequence_to_a_terminal() -> None:
    stream = _Terminal()
    print_report(odd_text_report(), stream)
    assert "\x1b[31m" not in plain_text(odd_text_report())
    assert "\u202e" not in stream.getvalue()
    assert "\\x1b[31m" in plain_text(odd_text_report())

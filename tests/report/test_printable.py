import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.report.markup import escaped, joined, tag
from iowitness.report.printable import one_line, printable, shortened_in_the_middle
from iowitness.report.quantities import (
    bytes_text,
    figure_text,
    number_text,
    percent_text,
    seconds_text,
)


@given(st.text())
def test_printable_text_can_be_encoded_and_moves_no_cursor(text: str) -> None:
    shown = printable(text)
    shown.encode("utf-8")
    assert not any(ord(character) < 32 and character not in "\n\t" for character in shown)


@given(st.text())
def test_escaped_text_has_no_markup(text: str) -> None:
    assert not set(escaped(text)) & set("<>\"'")


def test_odd_characters_are_shown_as_escapes() -> None:
    assert printable("a\x1b\udcff\u202e\ud800z") == "a\\x1b\\xff\\u202e\\ud800z"
    assert one_line("a\nb\tc") == "a\\nb\\tc"


def test_what_is_cut_off_is_counted() -> None:
    assert shortened_in_the_middle("abcdefg", 4) == "ab…(3 characters)…fg"
    assert shortened_in_the_middle("abcd", 4) == "abcd"


def test_only_markup_is_taken_as_it_is() -> None:
    inner = tag("b", "<i>", class_="x", title='"')
    assert inner == '<b class="x" title="&quot;">&lt;i&gt;</b>'
    assert joined(inner, None, 5, ["&", [inner]]) == f"{inner}5&amp;{inner}"


@pytest.mark.parametrize(
    ("byte_count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (2_289_280, "2.18 MiB"),
        (300 << 20, "300 MiB"),
        (5 << 50, "5120 TiB"),
    ],
)
def test_sizes_are_in_binary_units(byte_count: int, text: str) -> None:
    assert bytes_text(byte_count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (1.234, "1.23 s"), (0.0456, "45.6 ms"), (12e-6, "12.0 µs"), (3e-8, "30.0 ns")],
)
def test_times_are_in_the_unit_that_fits(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_numbers_are_exact_where_they_are_whole() -> None:
    assert number_text(2_289_280.0) == "2,289,280"
    assert number_text(12.3456) == "12.35"
    assert number_text(12345.678) == "12,345.7"
    assert number_text(float("inf")) == "inf"
    assert figure_text(None, "B") == "-"
    assert figure_text(0.55, "s") == "550 ms"
    assert figure_text(3.0, "") == "3"


def test_small_shares_keep_their_digits() -> None:
    assert [percent_text(share) for share in (0, 0.00027, 0.05, 1)] == [
        "0 %",
        "0.027 %",
        "5 %",
        "100 %",
    ]

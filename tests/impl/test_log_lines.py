"""What peers said cannot make log lines of its own."""

from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl.log_lines import MOST_CHARACTERS, one_line


@given(text=st.text(max_size=2_000))
def test_any_text_becomes_one_printable_line_that_can_be_read(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= MOST_CHARACTERS + 40


def test_what_can_be_printed_stays_and_the_rest_is_escaped() -> None:
    assert one_line("topic=größe, fine") == "topic=größe, fine"
    assert one_line("a\nb\x1b[31m\u2028") == r"a\nb\x1b[31m\u2028"
    assert one_line("x" * 600) == "x" * 500 + "…(100 more characters)"

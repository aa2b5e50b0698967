"""Names as text and back."""

from hypothesis import given
from hypothesis import strategies as st

from iowitness.traces.name_text import name_bytes, name_text

NAMES = st.lists(
    st.sampled_from([b"\\", b"x", b"ff", b"5c", b"\xff", b"\xc3\xa4", b"a", b"\xed\xa0\x80"])
).map(b"".join) | st.binary(max_size=20)


@given(NAMES)
def test_a_name_comes_back_from_its_text(name: bytes) -> None:
    text = name_text(name)
    text.encode("utf-8")
    assert name_bytes(text) == name


def test_a_name_that_is_utf_8_is_its_own_text() -> None:
    assert name_text("/d/ä\\b x".encode()) == "/d/ä\\b x"
    assert name_text(b"\xff") == "\\xff"
    assert name_text(b"\\xff") == "\\x5cxff"

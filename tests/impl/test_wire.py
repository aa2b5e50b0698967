"""Primitive types: what is read is what was written, and nothing past the frame's end is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl import wire
from iowitness.impl.wire import Cursor
from iowitness.impl.wire_errors import ProtocolViolation


@given(value=st.integers(0, 2**32 - 1))
def test_an_unsigned_varint_reads_back(value: int) -> None:
    out = bytearray()
    wire.write_unsigned_varint(out, value)
    assert Cursor(out).unsigned_varint() == value
    assert len(out) == max(1, (value.bit_length() + 6) // 7)


def test_a_varint_that_never_ends_is_a_violation() -> None:
    with pytest.raises(ProtocolViolation, match="varint longer than 5 B"):
        Cursor(b"\x80" * 20).unsigned_varint()


@given(text=st.none() | st.text(max_size=300), compact=st.booleans())
def test_text_reads_back_and_null_is_no_empty_text(text: str | None, compact: bool) -> None:
    out = bytearray()
    wire.write_string(out, text, compact=compact)
    cursor = Cursor(out)
    assert cursor.nullable_string(compact=compact) == text
    assert cursor.left == 0


@given(content=st.none() | st.binary(max_size=300), compact=st.booleans())
def test_bytes_read_back_as_a_view(content: bytes | None, compact: bool) -> None:
    out = bytearray()
    wire.write_bytes(out, content, compact=compact)
    view = Cursor(out).nullable_bytes(compact=compact)
    assert (None if view is None else bytes(view)) == content


@given(value=st.integers(-(2**63), 2**63 - 1))
def test_integers_read_back_at_every_width(value: int) -> None:
    out = bytearray()
    wire.write_int64(out, value)
    assert Cursor(out).int64() == value
    small = value % 2**7 - 2**6
    out = bytearray()
    wire.write_int8(out, small)
    wire.write_int16(out, small)
    wire.write_int32(out, small)
    cursor = Cursor(out)
    assert (cursor.int8(), cursor.int16(), cursor.int32()) == (small, small, small)


@pytest.mark.parametrize(
    ("hexadecimal", "read", "expected"),
    [
        ("7fffffff", lambda c: c.count(compact=False), "array count=2147483647, expected 0 to"),
        ("fffffffe", lambda c: c.count(compact=False), "array count=-2"),
        ("ffffffff0f", lambda c: c.count(compact=True), "array count=4294967294"),
        ("7fff", lambda c: c.string(compact=False), "length=32767 B"),
        ("fffe", lambda c: c.string(compact=False), "length=-2 B"),
        ("ffff", lambda c: c.string(compact=False), "null, expected a string"),
        ("0002c328", lambda c: c.string(compact=False), "expected UTF-8"),
        ("80ade204", lambda c: c.tagged_fields(), "10000000 tagged fields, expected at most 64"),
        ("010500", lambda c: c.take(4), "length=4 B, expected 0 to 3 B"),
        ("0000", lambda c: c.int32(), "2 B left, expected 4 B"),
    ],
)
def test_nonsense_is_refused_before_anything_is_allocated(
    hexadecimal: str, read: object, expected: str
) -> None:
    with pytest.raises(ProtocolViolation, match=expected):
        read(Cursor(bytes.fromhex(hexadecimal)))  # type: ignore[operator]


def test_tagged_fields_are_given_by_tag() -> None:
    fields = Cursor(bytes.fromhex("02 01 02abcd 07 00")).tagged_fields()
    assert {tag: bytes(view) for tag, view in fields.items()} == {1: b"\xab\xcd", 7: b""}

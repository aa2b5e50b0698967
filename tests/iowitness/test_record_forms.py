"""Records come back from each form as they went in, whatever pieces the bytes come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.transfer.record_forms import (
    GivenRecord,
    PlacedRecord,
    RecordFormError,
    given_json,
    given_lines,
    given_sized,
    json_of,
    line_of,
    sized_of,
)

_FIELDS = st.none() | st.binary(max_size=20) | st.text(max_size=9).map(str.encode)
_RECORDS = st.lists(
    st.builds(
        PlacedRecord,
        _FIELDS,
        _FIELDS,
        st.lists(st.tuples(st.text(max_size=3), _FIELDS), max_size=2).map(tuple),
        st.integers(-1, 2**40),
        topic=st.just("t"),
        partition=st.integers(0, 9),
        offset=st.integers(0, 2**40),
    ),
    max_size=8,
)


class _Pieces:
    """A source that gives so many bytes at a time."""

    def __init__(self, content: bytes, size: int) -> None:
        self._content = content
        self._size = size

    def read1(self, size: int, /) -> bytes:
        size = min(size, self._size)
        piece, self._content = self._content[:size], self._content[size:]
        return piece


@given(records=_RECORDS, size=st.integers(1, 50))
def test_json_brings_back_everything(records: list[PlacedRecord], size: int) -> None:
    source = _Pieces(b"".join(map(json_of, records)), size)
    came = [record for some in given_json(source, "f") for record in some]
    assert came == [GivenRecord(r.value, r.key, r.headers, r.timestamp_ms) for r in records]


@given(records=_RECORDS, size=st.integers(1, 50))
def test_sized_fields_bring_back_key_and_value(records: list[PlacedRecord], size: int) -> None:
    source = _Pieces(b"".join(map(sized_of, records)), size)
    came = [record for some in given_sized(source, "f") for record in some]
    assert came == [GivenRecord(record.value, record.key) for record in records]


@given(
    lines=st.lists(st.binary(max_size=9).map(lambda one: one.replace(b"\n", b"")), max_size=9),
    size=st.integers(1, 50),
)
def test_lines_bring_back_values_without_line_ends(lines: list[bytes], size: int) -> None:
    written = [line_of(PlacedRecord(v, topic="t", partition=0, offset=0), None) for v in lines]
    came = [r for some in given_lines(_Pieces(b"".join(written), size), "f", None) for r in some]
    assert came == [GivenRecord(line) for line in lines]


def test_a_last_line_needs_no_end_and_a_line_without_separator_has_no_key() -> None:
    (came,) = given_lines(_Pieces(b"k=v=w", 9), "f", b"=")
    assert came == [GivenRecord(b"v=w", b"k")]
    (came,) = given_lines(_Pieces(b"alone", 9), "f", b"=")
    assert came == [GivenRecord(b"alone")]
    record = PlacedRecord(b"v", b"k", topic="t", partition=0, offset=0)
    assert line_of(record, b"=") == b"k=v\n"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "f:2: "),
        (b'{"key": "k"}', "f:2: .*value"),
        (b'{"value": 1}', "f:2: "),
        (b'{"value": {"base64": "?"}}', "f:2: "),
        (b'{"value": {"hex": "00"}}', "f:2: .*base64"),
        (b'{"value": "v", "timestamp_ms": "now"}', "f:2: .*timestamp_ms"),
    ],
)
def test_ill_formed_json_is_refused_with_its_line(line: bytes, why: str) -> None:
    with pytest.raises(RecordFormError, match=why):
        list(given_json(_Pieces(b'{"value": "v"}\n' + line + b"\n", 99), "f"))


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (b"\xff\xff\xff\xfe", "f at byte 0: length=-2 B"),
        (b"\xff\xff\xff\xff\x7f\xff\xff\xff", "f at byte 4: length=2147483647 B"),
        (b"\xff\xff\xff\xff\x00\x00\x00\x02a", "f at byte 0: 9 B are left over"),
    ],
)
def test_ill_formed_sizes_are_refused_with_their_place(stored: bytes, why: str) -> None:
    with pytest.raises(RecordFormError, match=why):
        list(given_sized(_Pieces(stored, 99), "f"))

"""Headers of requests and responses at the versions where their form changes."""

from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl.api_table import APIS, ApiKey
from iowitness.impl.request_header import (
    RequestHeader,
    finished,
    read_request_header,
    request_frame,
    response_frame,
    skip_response_header,
)
from iowitness.impl.wire import Cursor

_HEADERS = st.sampled_from(sorted(APIS)).flatmap(
    lambda key: st.builds(
        RequestHeader,
        st.just(int(key)),
        st.integers(APIS[key].first, APIS[key].last),
        st.integers(-(2**31), 2**31 - 1),
        st.none() | st.text(max_size=10),
    )
)


@given(header=_HEADERS)
def test_a_request_header_reads_back(header: RequestHeader) -> None:
    frame = finished(request_frame(header))
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    cursor = Cursor(frame, 4)
    assert read_request_header(cursor) == header
    assert cursor.left == 0


@given(header=_HEADERS)
def test_a_response_header_carries_the_number_of_its_request(header: RequestHeader) -> None:
    cursor = Cursor(response_frame(header), 4)
    assert skip_response_header(cursor, header) == header.correlation_id
    assert cursor.left == 0


def test_api_versions_is_answered_with_the_plain_header_at_every_version() -> None:
    assert len(response_frame(RequestHeader(ApiKey.API_VERSIONS, 4, 1, None))) == 8
    assert len(response_frame(RequestHeader(ApiKey.METADATA, 9, 1, None))) == 9


def test_the_client_id_keeps_its_short_length_in_flexible_headers() -> None:
    frame = request_frame(RequestHeader(ApiKey.METADATA, 9, 7, "me"))
    assert frame[4:].hex() == "0003" + "0009" + "00000007" + "00026d65" + "00"

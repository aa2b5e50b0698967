"""Requests of every API and version with bytes changed: answered or closed, and never a bug."""

import contextlib
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iowitness.impl.api_table import APIS
from iowitness.impl.message_codec import codec_of
from tests.doubles.broker_process import BrokerProcess, broker_process, until
from tests.doubles.raw_client import (
    FETCH,
    METADATA,
    PRODUCE,
    RawClient,
    fetch_body,
    produce_body,
    request,
)
from tests.strategies.messages import messages

_DECLARED = [
    (api, version)
    for api in APIS.values()
    if api.request is not None
    for version in range(api.first, api.last + 1)
]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with broker_process(tmp_path_factory.mktemp("broker")) as process:
        with RawClient(process.port) as client:
            client.send(request(METADATA, 1, b"\0\0\0\1\0\1t"))
            client.answer()
        yield process


@st.composite
def _requests(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from(["declared", "produce", "fetch"]))
    if kind == "produce":
        frame = bytearray(request(PRODUCE, 3, produce_body("t", 0, draw(st.binary(max_size=90)))))
    elif kind == "fetch":
        offset = draw(st.integers(-3, 2**63 - 1))
        frame = bytearray(request(FETCH, 4, fetch_body("t", offset, 1_000)))
    else:
        api, version = draw(st.sampled_from(_DECLARED))
        assert api.request is not None
        body = bytearray()
        message = draw(messages(api.request, version))
        codec_of(api.request, version, flexible=api.flexible(version)).write(body, message)
        frame = bytearray(request(api.key, version, bytes(body)))
    places = st.tuples(st.integers(4, len(frame) - 1), st.integers(0, 255))
    for place, byte in draw(st.lists(places, max_size=3)):
        frame[place] = byte
    return bytes(frame)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(frame=_requests())
def test_a_changed_request_is_answered_or_closed_and_never_a_bug(
    broker: BrokerProcess, frame: bytes
) -> None:
    with RawClient(broker.port) as client:
        client.send(frame)
        with contextlib.suppress(OSError):  # closed by then
            client.socket.shutdown(socket.SHUT_WR)
        client.wait_closed()
    assert "a bug" not in broker.log_path.read_text()


def test_after_all_of_them_the_broker_serves_and_holds_nothing(broker: BrokerProcess) -> None:
    until(broker.is_alone)
    with RawClient(broker.port) as client:
        assert client.is_served()

"""Every declared message at every version, against another implementation of the protocol."""

import contextlib
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from iowitness.impl.api_table import APIS, Api
from iowitness.impl.message_codec import Int32, codec_of, tagged
from iowitness.impl.wire import Cursor
from iowitness.impl.wire_errors import ProtocolViolation
from tests.doubles.kio_messages import plain, read_request, read_response
from tests.strategies.messages import messages

_DECLARED = [
    pytest.param(api, version, id=f"{api.key.name}-{version}")
    for api in APIS.values()
    if api.request is not None
    for version in range(api.first, api.last + 1)
]
_LEFT_OUT = {"supported_features", "finalized_features", "zk_migration_ready"}
"""Tagged fields of ApiVersions that every client works without."""

_ERROR_CODES = {"error_code", "topic_config_error_code"}


def _shared(ours: Any, theirs: Any) -> Any:
    """Our value cut down to the fields that the other side has; error codes as they are."""
    if isinstance(theirs, dict):
        missing = set(theirs) - set(ours) - _LEFT_OUT
        assert not missing, f"not declared: {missing}"
        return {name: _shared(ours.get(name, value), value) for name, value in theirs.items()}
    if isinstance(theirs, tuple):
        assert len(ours) == len(theirs)
        return tuple(_shared(a, b) for a, b in zip(ours, theirs, strict=True))
    return ours


def _sane(value: Any) -> Any:
    """Error codes that exist: the other implementation knows them as an enumeration."""
    if isinstance(value, Struct):
        return type(value)(
            **{
                name: abs(getattr(value, name)) % 100
                if name in _ERROR_CODES
                else _sane(getattr(value, name))
                for name in value.__struct_fields__
            }
        )
    return tuple(map(_sane, value)) if isinstance(value, tuple) else value


def _encoded(message: Struct, api: Api, version: int) -> bytes:
    out = bytearray()
    codec_of(type(message), version, flexible=api.flexible(version)).write(out, message)
    return bytes(out)


@pytest.mark.parametrize(("api", "version"), _DECLARED)
@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_another_implementation_reads_what_is_written(
    api: Api, version: int, data: st.DataObject
) -> None:
    assert api.request is not None
    assert api.response is not None
    for kind, read in ((api.request, read_request), (api.response, read_response)):
        message = _sane(data.draw(messages(kind, version, nulls=False)))
        body = _encoded(message, api, version)
        theirs, size = read(api.key, version, body)
        assert size == len(body)
        assert _shared(plain(message), theirs) == theirs


@pytest.mark.parametrize(("api", "version"), _DECLARED)
@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_written_reads_back_the_same(api: Api, version: int, data: st.DataObject) -> None:
    assert api.request is not None
    assert api.response is not None
    for kind in (api.request, api.response):
        message = data.draw(messages(kind, version))
        cursor = Cursor(_encoded(message, api, version))
        codec = codec_of(kind, version, flexible=api.flexible(version))
        assert codec.read(cursor) == message
        assert cursor.left == 0


@pytest.mark.parametrize(("api", "version"), _DECLARED)
@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_message_cut_anywhere_is_a_violation_and_nothing_else(
    api: Api, version: int, data: st.DataObject
) -> None:
    assert api.request is not None
    body = _encoded(data.draw(messages(api.request, version)), api, version)
    codec = codec_of(api.request, version, flexible=api.flexible(version))
    for end in range(len(body)):
        with pytest.raises(ProtocolViolation):
            codec.read(Cursor(body[:end]))


@given(body=st.binary(max_size=64), data=st.data())
def test_any_bytes_give_a_message_or_a_violation(body: bytes, data: st.DataObject) -> None:
    api = data.draw(st.sampled_from([api for api in APIS.values() if api.request]))
    version = data.draw(st.integers(api.first, api.last))
    assert api.request is not None
    codec = codec_of(api.request, version, flexible=api.flexible(version))
    with contextlib.suppress(ProtocolViolation):
        codec.read(Cursor(body))


_TaggedInt = Annotated[Int32, tagged(5, 0)]


class _Tagged(Struct, frozen=True, kw_only=True):
    plain: Int32
    late: _TaggedInt = -1


def test_unknown_tagged_fields_are_skipped() -> None:
    body = bytes.fromhex("0000000a 02 03 02ffff 05 04 00000007")
    assert codec_of(_Tagged, 0, flexible=True).read(Cursor(body)) == _Tagged(plain=10, late=7)


def test_a_tagged_field_at_its_default_is_not_written() -> None:
    out = bytearray()
    codec_of(_Tagged, 0, flexible=True).write(out, _Tagged(plain=1))
    assert out.hex() == "00000001" + "00"

"""Request and response headers.

A request begins with key, version, correlation id and client id, whose length stays an int16 even
where the rest is flexible; a response with the correlation id. Frames are written with four bytes
of room in front for their size. Source: Kafka 4.3, RequestHeader.json, ResponseHeader.json.
"""

from msgspec import Struct

from iowitness.impl import wire
from iowitness.impl.api_table import APIS, ApiKey
from iowitness.impl.wire import Cursor

_SIZE_ROOM = bytes(4)


class RequestHeader(Struct, frozen=True, gc=False):
    """Who asks what, and the number that the answer has to carry."""

    api_key: int
    version: int
    correlation_id: int
    client_id: str | None


def read_request_header(cursor: Cursor) -> RequestHeader:
    """The header up to the body, of any API and version. Raises ProtocolViolation.

    Tagged fields are skipped only where the API is known: an unknown one is the caller's to refuse.
    """
    api_key, version, correlation_id = cursor.int16(), cursor.int16(), cursor.int32()
    client_id = cursor.nullable_string(compact=False)
    api = APIS.get(api_key)
    if api is not None and api.first <= version <= api.last and api.flexible(version):
        cursor.tagged_fields()
    return RequestHeader(api_key, version, correlation_id, client_id)


def request_frame(header: RequestHeader) -> bytearray:
    """The start of a request frame: room for the size, and the header."""
    frame = bytearray(_SIZE_ROOM)
    wire.write_int16(frame, header.api_key)
    wire.write_int16(frame, header.version)
    wire.write_int32(frame, header.correlation_id)
    wire.write_string(frame, header.client_id, compact=False)
    if APIS[header.api_key].flexible(header.version):
        wire.write_no_tagged_fields(frame)
    return frame


def response_frame(header: RequestHeader) -> bytearray:
    """The start of the response frame to a request: room for the size, and the header.

    ApiVersions is answered with the plain header at every version, so that a client of any age
    can read it.
    """
    frame = bytearray(_SIZE_ROOM)
    wire.write_int32(frame, header.correlation_id)
    api = APIS.get(header.api_key)
    flexible = api is not None and api.flexible(header.version)
    if flexible and header.api_key != ApiKey.API_VERSIONS:
        wire.write_no_tagged_fields(frame)
    return frame


def skip_response_header(cursor: Cursor, header: RequestHeader) -> int:
    """Move past a response's header; returns its correlation id. Raises ProtocolViolation."""
    correlation_id = cursor.int32()
    if APIS[header.api_key].flexible(header.version) and header.api_key != ApiKey.API_VERSIONS:
        cursor.tagged_fields()
    return correlation_id


def finished(frame: bytearray) -> bytearray:
    """The frame with its size stamped in front."""
    wire.stamp_size(frame, len(frame) - len(_SIZE_ROOM))
    return frame

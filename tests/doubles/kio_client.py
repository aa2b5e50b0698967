"""A client whose requests kio has encoded and whose answers kio has to understand."""

import io
import socket
import struct
from typing import Any

import kio.serial
from kio.index import load_request_schema
from msgspec import Struct

from iowitness.impl.api_table import APIS, ApiKey
from iowitness.impl.message_codec import codec_of
from iowitness.impl.request_header import RequestHeader, request_frame
from tests.doubles.kio_messages import read_response


def encoded(key: ApiKey, version: int, request: Struct) -> bytes:
    """The request's body as kio writes it."""
    ours = bytearray()
    codec: Any = codec_of(type(request), version, flexible=APIS[key].flexible(version))
    codec.write(ours, request)
    schema = load_request_schema(key, version)
    entity, _ = kio.serial.entity_reader(schema)(bytes(ours), 0)
    out = io.BytesIO()
    kio.serial.entity_writer(schema)(out, entity)
    return out.getvalue()


class KioClient:
    """One connection, one request at a time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        self._next_id = 0

    def ask(self, key: ApiKey, version: int, request: Struct) -> dict[str, Any]:
        """The fields of the answer, which kio has read to its last byte."""
        self._next_id += 1
        header = RequestHeader(key, version, self._next_id, "kio")
        frame = request_frame(header)[4:] + encoded(key, version, request)
        self._socket.sendall(struct.pack(">i", len(frame)) + frame)
        (size,) = struct.unpack(">i", self._exactly(4))
        answer = self._exactly(size)
        head = 5 if APIS[key].flexible(version) and key != ApiKey.API_VERSIONS else 4
        assert answer[:4] == struct.pack(">i", self._next_id)
        assert answer[4:head] == bytes(head - 4), "no tagged fields in the header"
        fields, byte_count = read_response(key, version, answer[head:])
        assert byte_count == size - head
        return fields

    def _exactly(self, byte_count: int) -> bytes:
        pieces = b""
        while len(pieces) < byte_count:
            piece = self._socket.recv(byte_count - len(pieces))
            assert piece, "the broker closed the connection"
            pieces += piece
        return pieces

    def close(self) -> None:
        self._socket.close()

"""What a broker acknowledged, out of the bytes on its sockets: produce responses, as they left."""

import struct
from collections.abc import Iterator

from iowitness.crash.operations import Heard, Said
from iowitness.impl.api_table import ApiKey
from iowitness.impl.produce_wire import read_produce_response
from iowitness.impl.request_header import (
    RequestHeader,
    read_request_header,
    skip_response_header,
)
from iowitness.impl.wire import Cursor
from iowitness.impl.wire_errors import ErrorCode, ProtocolViolation

_SIZE = struct.Struct(">i")


class Acknowledgements:
    """Follows all connections of a broker. Requests and responses of one come in order."""

    def __init__(self) -> None:
        self._requests: dict[str, _Frames] = {}
        self._responses: dict[str, _Frames] = {}
        self._produces: dict[str, dict[int, RequestHeader]] = {}

    def hear(self, heard: Heard) -> None:
        """Bytes of requests."""
        frames = self._requests.setdefault(heard.channel, _Frames())
        for frame in frames.taken(heard.data, heard.byte_count):
            try:
                header = read_request_header(Cursor(frame))
            except ProtocolViolation:
                continue  # the broker's to refuse
            if header.api_key == ApiKey.PRODUCE:
                self._produces.setdefault(heard.channel, {})[header.correlation_id] = header

    def say(self, said: Said) -> list[tuple[str, int, int]]:
        """Bytes of responses; the (topic, partition, base offset) that they acknowledge."""
        if said.channel not in self._requests:
            return []
        frames = self._responses.setdefault(said.channel, _Frames())
        found: list[tuple[str, int, int]] = []
        for frame in frames.taken(said.data, said.byte_count):
            (correlation_id,) = _SIZE.unpack_from(frame)
            header = self._produces.get(said.channel, {}).pop(correlation_id, None)
            if header is not None:
                found += _acknowledged(frame, header)
        return found


def _acknowledged(frame: bytes, header: RequestHeader) -> Iterator[tuple[str, int, int]]:
    cursor = Cursor(frame)
    skip_response_header(cursor, header)
    for topic in read_produce_response(cursor, header.version).topics:
        for partition in topic.partitions:
            if partition.error_code == ErrorCode.NONE:
                yield topic.topic, partition.partition, partition.base_offset


class _Frames:
    """Cuts a stream into frames. What was not kept of it (a file that was sent) counts as zeros."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def taken(self, data: bytes, byte_count: int) -> Iterator[bytes]:
        """The frames that are whole by now, without their sizes."""
        self._buffer += data
        self._buffer += bytes(byte_count - len(data))
        while len(self._buffer) >= _SIZE.size:
            (size,) = _SIZE.unpack_from(self._buffer)
            end = _SIZE.size + size
            if size < 0 or len(self._buffer) < end:
                return
            frame = bytes(self._buffer[_SIZE.size : end])
            del self._buffer[:end]
            yield frame

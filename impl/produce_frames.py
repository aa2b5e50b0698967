"""Produce requests of one batch, and their answers, ready-made but for what changes. Pure.

A request of one batch differs from the last one to the same partition in three numbers: sizes and
correlation id. Its answer has one layout as long as nothing went wrong. Both cost a tenth of what
`produce_wire` takes to write and to read them field by field; the bytes are the same.
"""

import struct
from typing import ClassVar, Final

from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.produce_wire import FLEXIBLE_FROM, PartitionAppended, write_produce_request
from iowitness.impl.request_header import RequestHeader, request_frame
from iowitness.impl.wire import Buffer, write_bytes_length

_SIZE_AND_HEADER: Final = struct.Struct(">ihhi")
_HEADER_BYTE_COUNT: Final = _SIZE_AND_HEADER.size - 4


class OneBatchFrames:
    """Requests to one partition on one connection. `header` says version and client."""

    __slots__ = ("_after", "_api_key", "_before", "_is_compact", "_version")

    def __init__(
        self, header: RequestHeader, partition: TopicPartition, acks: int, timeout_ms: int
    ) -> None:
        self._api_key, self._version = header.api_key, header.version
        self._is_compact = header.version >= FLEXIBLE_FROM
        head, _, *after = write_produce_request(
            request_frame(header),
            header.version,
            acks=acks,
            timeout_ms=timeout_ms,
            batches=[(*partition, b"")],
        )
        length_byte_count = 1 if self._is_compact else 4
        self._before = bytes(head[_SIZE_AND_HEADER.size : -length_byte_count])
        self._after = tuple(after)

    def request(self, correlation_id: int, batch: Buffer) -> tuple[Buffer, ...]:
        """A whole frame as buffers, of which the batch is one."""
        length = bytearray()
        write_bytes_length(length, len(batch), compact=self._is_compact)
        byte_count = _HEADER_BYTE_COUNT + len(self._before) + len(length) + len(batch)
        byte_count += sum(map(len, self._after))
        head = _SIZE_AND_HEADER.pack(byte_count, self._api_key, self._version, correlation_id)
        return (head + self._before + length, batch, *self._after)


class OneBatchAnswers:
    """Answers of versions 8 to 12 to requests of one batch to one partition."""

    FIRST_VERSION: ClassVar = 8

    __slots__ = ("_ends", "_expected", "_layout")

    def __init__(self, version: int, partition: TopicPartition) -> None:
        topic, number = partition.topic.encode(), partition.partition
        # Topics, name, partitions | number, error, offset, time, start | no faults, no message,
        # ends of structs | throttle time | the response's end
        if version >= FLEXIBLE_FROM:
            self._layout = struct.Struct(f">BB{len(topic)}sBihqqq4s4xs")
            self._expected = (2, len(topic) + 1, topic, 2, number, 0)
            self._ends = (b"\1\0\0\0", b"\0")
        else:
            self._layout = struct.Struct(f">ih{len(topic)}siihqqq6s4x0s")
            self._expected = (1, len(topic), topic, 1, number, 0)
            self._ends = (b"\0\0\0\0\xff\xff", b"")

    def read(self, frame: memoryview, position: int) -> PartitionAppended | None:
        """What became of the batch, from the body's place on; None if it takes a closer look."""
        if len(frame) - position != self._layout.size:
            return None
        fields = self._layout.unpack_from(frame, position)
        if fields[:6] != self._expected or fields[9:] != self._ends:
            return None
        return PartitionAppended(fields[4], 0, fields[6], fields[7], fields[8])

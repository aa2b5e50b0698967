"""The text of Kafka's checkpoint files: a version, a count, and that many lines. Pure.

Raises `CheckpointError`, with the file and the line, for anything else.
Source: docs/formats/log-directory.md; Kafka's CheckpointFile.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from iowitness.impl.errors import CheckpointError
from iowitness.impl.leader_epochs import EpochStart

VERSION: Final = "0"

TopicPartition: TypeAlias = tuple[str, int]


def encode_offsets(offsets: Mapping[TopicPartition, int]) -> bytes:
    """`topic partition offset` lines, as in `recovery-point-offset-checkpoint`."""
    return _encode([f"{topic} {number} {offset}" for (topic, number), offset in offsets.items()])


def read_offsets(text: bytes, file: str) -> dict[TopicPartition, int]:
    """Offsets by partition; empty for an empty file, which Kafka makes at first start."""
    offsets: dict[TopicPartition, int] = {}
    for number, fields in _lines(text, file, 3):
        topic, partition, offset = fields
        offsets[topic, _number(partition, file, number)] = _number(offset, file, number)
    return offsets


def encode_epochs(starts: Sequence[EpochStart]) -> bytes:
    """`epoch startOffset` lines, as in `leader-epoch-checkpoint`."""
    return _encode([f"{start.epoch} {start.start_offset}" for start in starts])


def read_epochs(text: bytes, file: str) -> list[EpochStart]:
    """Epochs, oldest first."""
    return [
        EpochStart(_number(epoch, file, number), _number(start, file, number))
        for number, (epoch, start) in _lines(text, file, 2)
    ]


def encode_next_producer_id(producer_id: int) -> bytes:
    """One line: the first producer id that no block has reserved."""
    return _encode([str(producer_id)])


def read_next_producer_id(text: bytes, file: str) -> int:
    """The first id that no block has reserved; 0 for an empty file."""
    return max(
        (_number(fields[0], file, number) for number, fields in _lines(text, file, 1)), default=0
    )


def encode_clean_shutdown(broker_epoch: int) -> bytes:
    """The marker that a clean stop leaves."""
    return json.dumps({"version": 0, "brokerEpoch": broker_epoch}, separators=(",", ":")).encode()


def encode_topic_id(topic_id: str) -> bytes:
    """`partition.metadata`: the topic's id in 22 characters of base64url."""
    return f"version: 0\ntopic_id: {topic_id}".encode()


def read_topic_id(text: bytes, file: str) -> str:
    """The topic's id."""
    lines = _decoded(text, file).split("\n")
    if lines[0] != "version: 0" or len(lines) < 2 or not lines[1].startswith("topic_id: "):
        raise CheckpointError(f"{file}: {text!r}, expected 'version: 0' and 'topic_id: ID'")
    return lines[1].removeprefix("topic_id: ")


def _encode(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in [VERSION, str(len(lines)), *lines]).encode()


def _lines(text: bytes, file: str, field_count: int) -> list[tuple[int, list[str]]]:
    if not text:
        return []
    lines = _decoded(text, file).split("\n")
    if lines[0] != VERSION:
        raise CheckpointError(f"{file}:1: version={lines[0]!r}, expected {VERSION!r}")
    count = _number(lines[1] if len(lines) > 1 else "", file, 2)
    rest = [line for line in lines[2:] if line]
    if count != len(rest):
        raise CheckpointError(f"{file}:2: count={count}, expected {len(rest)}, as lines follow")
    split = [(number, line.split()) for number, line in enumerate(rest, 3)]
    for number, fields in split:
        if len(fields) != field_count:
            raise CheckpointError(
                f"{file}:{number}: {' '.join(fields)!r}, expected {field_count} fields"
            )
    return split


def _number(text: str, file: str, line: int) -> int:
    try:
        return int(text)
    except ValueError:
        raise CheckpointError(f"{file}:{line}: {text!r}, expected a whole number") from None


def _decoded(text: bytes, file: str) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{file}: byte {error.start} is no UTF-8") from None

"""The topics of a data folder: one folder `topic-partition` for each partition, with its log.

A folder's topic and number are all that is needed to find it again. `partition.metadata` carries
the topic's id, as Kafka writes it. Source: Kafka 4.3, PartitionMetadataFile.
"""

import base64
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from iowitness.impl.errors import CheckpointError
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_files import LogFiles

_LEGAL_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_FOLDER = re.compile(r"(?P<topic>[a-zA-Z0-9._-]{1,249})-(?P<partition>0|[1-9][0-9]*)")
_METADATA = re.compile(rb"version: 0\ntopic_id: (?P<text>[A-Za-z0-9_-]{22})\n?")
_METADATA_NAME = "partition.metadata"


class Partition:
    """One partition: its log, and whether writing to it has failed.

    A fenced partition answers every request with a storage error: after a failed write nobody
    knows what is on the disk, and a retry could acknowledge what is not.
    """

    __slots__ = ("fault", "log", "number", "topic")

    def __init__(self, topic: str, number: int, log: Log) -> None:
        self.topic = topic
        self.number = number
        self.log = log
        self.fault: str | None = None


class Topic:
    """A topic: its id and its partitions, by number."""

    __slots__ = ("name", "partitions", "topic_id")

    def __init__(self, name: str, topic_id: bytes, partitions: tuple[Partition, ...]) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partitions = partitions


def is_legal_name(name: str) -> bool:
    """True for what Kafka takes as a topic's name. Source: Topic.validate."""
    return name not in {".", ".."} and _LEGAL_NAME.fullmatch(name) is not None


class Topics:
    """All topics of one data folder, open."""

    def __init__(self, directory: str, config: LogConfig, files: LogFiles) -> None:
        self._directory = directory
        self._config = config
        self._files = files
        self._topics: dict[str, Topic] = {}

    @classmethod
    def open(cls, directory: str, config: LogConfig, files: LogFiles, *, now_ms: int) -> "Topics":
        """The topics found in a folder, which is made if it is missing.

        Raises what opening a log raises, and `CheckpointError` for an ill-formed
        `partition.metadata` or a topic that lacks one of its partitions.
        """
        topics = cls(directory, config, files)
        files.make_directory(directory)
        found: dict[str, list[int]] = {}
        for name in files.names(directory):
            match = _FOLDER.fullmatch(name)
            if match is not None and Path(directory, name).is_dir():
                found.setdefault(match["topic"], []).append(int(match["partition"]))
        for name, numbers in sorted(found.items()):
            numbers.sort()
            if numbers != list(range(len(numbers))):
                raise CheckpointError(
                    f"{directory}: topic {name} has partitions {numbers}, "
                    f"expected 0..{numbers[-1]} without a gap"
                )
            topics._open_topic(name, len(numbers), now_ms)
        return topics

    @property
    def by_name(self) -> Mapping[str, Topic]:
        """All topics."""
        return self._topics

    def partition(self, topic: str, number: int) -> Partition | None:
        """One partition, or None if there is no such topic or number."""
        found = self._topics.get(topic)
        if found is None or not 0 <= number < len(found.partitions):
            return None
        return found.partitions[number]

    def create(self, name: str, partition_count: int, *, now_ms: int) -> Topic:
        """A new topic with empty logs. The name must be legal and new. Raises `OSError`."""
        assert name not in self._topics
        assert is_legal_name(name)
        return self._open_topic(name, partition_count, now_ms)

    def close(self) -> None:
        """Close every log, in order of topic and partition, even if one of them fails.

        Raises the first `OSError` after all had their turn.
        """
        errors: list[OSError] = []
        for _, topic in sorted(self._topics.items()):
            for partition in topic.partitions:
                try:
                    partition.log.close()
                except OSError as error:
                    errors.append(error)
        self._topics.clear()
        if errors:
            raise errors[0]

    def _open_topic(self, name: str, partition_count: int, now_ms: int) -> Topic:
        partitions = []
        topic_id = secrets.token_bytes(16)
        for number in range(partition_count):
            folder = os.path.join(self._directory, f"{name}-{number}")
            log = Log.open(folder, self._config, self._files, now_ms=now_ms)
            topic_id = self._topic_id(folder, topic_id)
            partitions.append(Partition(name, number, log))
        topic = Topic(name, topic_id, tuple(partitions))
        self._topics[name] = topic
        return topic

    def _topic_id(self, folder: str, wanted: bytes) -> bytes:
        """The id that a partition's folder carries; `wanted` is written where there is none."""
        path = os.path.join(folder, _METADATA_NAME)
        if not self._files.exists(path):
            text = base64.urlsafe_b64encode(wanted).rstrip(b"=")
            file = self._files.create(path)
            file.write_at(b"version: 0\ntopic_id: " + text, 0)
            file.close()
            return wanted
        file = self._files.open(path)
        content = file.read_at(256, 0)
        file.close()
        match = _METADATA.fullmatch(content)
        if match is None:
            raise CheckpointError(f"{path}: {content!r}, expected version 0 and a topic id")
        return base64.urlsafe_b64decode(match["text"] + b"==")

"""The topics of a data folder: one folder `topic-partition` for each partition, with its log.

A folder's topic and number are all that is needed to find it again. `partition.metadata` carries
the topic's id, as Kafka writes it. Source: Kafka 4.3, PartitionMetadataFile.
"""

import base64
import logging
import re
import secrets
from collections.abc import Mapping

from iowitness.impl.errors import CheckpointError
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_directory import LogDirectory
from iowitness.impl.log_files import LogFiles

_log = logging.getLogger(__name__)

_LEGAL_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")


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

    def fence(self, error: OSError) -> None:
        """Take no more requests: a write has failed."""
        self.fault = (
            f"{self.topic}-{self.number} is fenced: a write failed with {error}; "
            "make room or mend the disk, then restart the broker"
        )
        _log.error("%s", self.fault)


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

    def __init__(self, directory: LogDirectory) -> None:
        self._directory = directory
        self._topics: dict[str, Topic] = {}

    @classmethod
    def open(cls, directory: str, config: LogConfig, files: LogFiles, *, now_ms: int) -> "Topics":
        """The topics found in a folder, which is made if it is missing.

        Raises what opening a log directory raises, and `CheckpointError` for a topic that lacks one
        of its partitions.
        """
        opened = LogDirectory.open(directory, config, files, now_ms=now_ms)
        topics = cls(opened)
        try:
            topics._find(directory)
        except BaseException:
            opened.close()
            raise
        return topics

    def _find(self, path: str) -> None:
        logs = self._directory.logs
        found: dict[str, list[int]] = {}
        for name, number in sorted(logs):
            found.setdefault(name, []).append(number)
        for name, numbers in found.items():
            if numbers != list(range(len(numbers))):
                raise CheckpointError(
                    f"{path}: topic {name} has partitions {numbers}, "
                    f"expected 0..{numbers[-1]} without a gap"
                )
            text = self._directory.topic_id(name, 0)
            topic_id = secrets.token_bytes(16) if text is None else _from_text(text)
            self._keep(name, topic_id, len(numbers))

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
        topic_id = secrets.token_bytes(16)
        for number in range(partition_count):
            self._directory.create(name, number, topic_id=_as_text(topic_id), now_ms=now_ms)
        return self._keep(name, topic_id, partition_count)

    def next_producer_id(self) -> int:
        """An id that no producer of this folder ever had. Raises `OSError`."""
        return self._directory.next_producer_id()

    def close(self) -> None:
        """The clean stop of the whole folder. Raises the first `OSError`."""
        self._topics.clear()
        self._directory.close()

    def _keep(self, name: str, topic_id: bytes, partition_count: int) -> Topic:
        partitions = tuple(
            Partition(name, number, self._directory.logs[name, number])
            for number in range(partition_count)
        )
        topic = self._topics[name] = Topic(name, topic_id, partitions)
        return topic


def _as_text(topic_id: bytes) -> str:
    """16 bytes as the 22 characters that Kafka writes."""
    return base64.urlsafe_b64encode(topic_id).rstrip(b"=").decode()


def _from_text(text: str) -> bytes:
    return base64.urlsafe_b64decode(f"{text}==")

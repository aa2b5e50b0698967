"""The topics of a data folder: one folder `topic-partition` for each partition, with its log.

A folder's topic and number are all that is needed to find it again. `partition.metadata` carries
the topic's id, as Kafka writes it; what else a topic has is in `topics_file`. Source: Kafka 4.3,
PartitionMetadataFile.
"""

import base64
import contextlib
import logging
import re
import secrets
from collections.abc import Iterator, Mapping

from iowitness.impl.cluster_identity import cluster_id
from iowitness.impl.errors import CheckpointError
from iowitness.impl.log import Log
from iowitness.impl.log_config import Cleanup, LogConfig
from iowitness.impl.log_directory import LogDirectory
from iowitness.impl.log_files import LogFiles
from iowitness.impl.log_retention import delete_old_segments
from iowitness.impl.replaced_file import read_file, replace_file
from iowitness.impl.topic_settings import SettingRefused, TopicConfig, topic_config
from iowitness.impl.topics_file import (
    NO_TOPICS,
    TOPICS_FILE,
    TopicsOnFile,
    encode_topics,
    read_topics,
)

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

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Work on the log that nobody waits for: where it fails, the partition is fenced."""
        try:
            yield
        except OSError as error:
            self.fence(error)


class Topic:
    """A topic: its id, its partitions by number, its own settings and how it behaves by them."""

    __slots__ = ("config", "name", "partitions", "settings", "topic_id")

    def __init__(
        self,
        name: str,
        topic_id: bytes,
        partitions: tuple[Partition, ...],
        settings: Mapping[str, str],
        config: TopicConfig,
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partitions = partitions
        self.settings = settings
        self.config = config


def is_legal_name(name: str) -> bool:
    """True for what Kafka takes as a topic's name. Source: Topic.validate."""
    return name not in {".", ".."} and _LEGAL_NAME.fullmatch(name) is not None


class Topics:
    """All topics of one data folder, open."""

    def __init__(
        self, directory: LogDirectory, files: LogFiles, path: str, default: LogConfig
    ) -> None:
        """An empty one; see `open`."""
        self._directory = directory
        self._files = files
        self._path = path
        self._default = default
        self._topics: dict[str, Topic] = {}
        self._doomed: set[str] = set()
        self._on_file: set[str] = set()

    @classmethod
    def open(cls, directory: str, config: LogConfig, files: LogFiles, *, now_ms: int) -> "Topics":
        """The topics found in a folder, which is made if it is missing.

        Raises what opening a log directory raises, and `CheckpointError` for a topic that lacks one
        of its partitions and for settings that cannot be read.
        """
        file = f"{directory}/{TOPICS_FILE}"
        on_file = read_topics(read_file(files, file), file)
        try:
            configs = {
                name: topic_config(settings, config) for name, settings in on_file.settings.items()
            }
        except SettingRefused as error:
            raise CheckpointError(f"{file}: {error}") from error
        opened = LogDirectory.open(
            directory,
            config,
            files,
            now_ms=now_ms,
            topic_configs={name: own.log for name, own in configs.items()},
        )
        if on_file is not NO_TOPICS:
            # It may have been renamed by a process that stopped before it synced the folder: what
            # is gone by now must not come back after a crash.
            files.sync_directory(directory)
        topics = cls(opened, files, directory, config)
        topics._on_file = set(on_file.settings)
        try:
            for name in on_file.doomed:
                opened.delete(name)
            topics._find(on_file)
            if on_file.doomed:
                topics._save()
        except BaseException:
            opened.close()
            raise
        return topics

    def _find(self, on_file: TopicsOnFile) -> None:
        found: dict[str, list[int]] = {}
        for name, number in sorted(self._directory.logs):
            found.setdefault(name, []).append(number)
        for name, numbers in found.items():
            if numbers != list(range(len(numbers))):
                raise CheckpointError(
                    f"{self._path}: topic {name} has partitions {numbers}, "
                    f"expected 0..{numbers[-1]} without a gap"
                )
            topic_id = self._known_id(name, len(numbers))
            self._keep(name, topic_id, len(numbers), on_file.settings.get(name, {}))

    def _known_id(self, name: str, partition_count: int) -> bytes:
        """The id in the folders of a topic; where a stop came before it was written, it is now."""
        texts = [self._directory.topic_id(name, number) for number in range(partition_count)]
        known = next((text for text in texts if text is not None), None)
        topic_id = secrets.token_bytes(16) if known is None else _from_text(known)
        for number, text in enumerate(texts):
            if text is None:
                self._directory.write_topic_id(name, number, _as_text(topic_id))
        return topic_id

    @property
    def by_name(self) -> Mapping[str, Topic]:
        """All topics."""
        return self._topics

    def by_id(self, topic_id: bytes) -> Topic | None:
        """The topic of that id."""
        return next((one for one in self._topics.values() if one.topic_id == topic_id), None)

    def partition(self, topic: str, number: int) -> Partition | None:
        """One partition, or None if there is no such topic or number."""
        found = self._topics.get(topic)
        if found is None or not 0 <= number < len(found.partitions):
            return None
        return found.partitions[number]

    def sound_partitions(self) -> Iterator[Partition]:
        """All partitions that are not fenced."""
        for topic in self._topics.values():
            for partition in topic.partitions:
                if partition.fault is None:
                    yield partition

    def config_with(self, settings: Mapping[str, str]) -> TopicConfig:
        """How a topic of such settings behaves. Raises `SettingRefused`."""
        return topic_config(settings, self._default)

    def create(
        self,
        name: str,
        partition_count: int,
        *,
        now_ms: int,
        settings: Mapping[str, str] | None = None,
    ) -> Topic:
        """A new topic with empty logs. The name must be legal and new.

        Raises `OSError`, with nothing left behind, and `SettingRefused`.
        """
        assert name not in self._topics
        assert is_legal_name(name)
        if name in self._doomed:
            raise OSError(f"{self._path}: topic {name} could not be removed whole; restart")
        settings = settings or {}
        config = self.config_with(settings)
        topic_id = secrets.token_bytes(16)
        changed = {name: settings}
        # Until the last of several partitions is there, a stop is to leave none of them. Settings
        # on file may be of a topic that a stop kept from being made.
        if partition_count > 1:
            self._doomed.add(name)
        try:
            if settings or name in self._on_file or name in self._doomed:
                self._save(changed)
            for number in range(partition_count):
                self._create_log(name, number, topic_id, config, now_ms)
            if name in self._doomed:
                self._doomed.discard(name)
                self._save(changed)
        except OSError:
            with contextlib.suppress(OSError):
                self._directory.delete(name)
            self._doomed.discard(name)
            raise
        return self._keep(name, topic_id, partition_count, settings)

    def grow(self, topic: Topic, partition_count: int, *, now_ms: int) -> None:
        """More partitions for a topic. Raises `OSError`; those made by then stay."""
        for number in range(len(topic.partitions), partition_count):
            self._create_log(topic.name, number, topic.topic_id, topic.config, now_ms)
            log = self._directory.logs[topic.name, number]
            topic.partitions += (Partition(topic.name, number, log),)

    def delete(self, topic: Topic) -> None:
        """A topic goes, and its files. Once this has begun, a stop in between only puts it off.

        Raises `OSError`; if it was begun, the topic is gone for clients.
        """
        self._doomed.add(topic.name)
        try:
            self._save()
        except OSError:
            self._doomed.discard(topic.name)
            raise
        del self._topics[topic.name]
        self._directory.delete(topic.name)
        self._doomed.discard(topic.name)
        self._save()

    def configure(self, topic: Topic, settings: Mapping[str, str]) -> None:
        """Other settings for a topic, from now on. Raises `OSError` and `SettingRefused`."""
        config = self.config_with(settings)
        self._save({topic.name: settings})
        topic.settings, topic.config = settings, config
        self._directory.reconfigure(topic.name, config.log)

    def advance_start(self, partition: Partition, offset: int) -> None:
        """Records below an offset are gone, also after a restart. Raises `OffsetOutOfRange`."""
        partition.log.advance_start_offset(offset)
        self._directory.checkpoint()

    def tick(self, *, now_ms: int) -> None:
        """What time makes due in any log: flushes, the removal of deleted files."""
        for partition in self.sound_partitions():
            with partition.guarded():
                partition.log.tick(now_ms=now_ms)

    def retain(self, *, now_ms: int) -> None:
        """Old segments go where their topic's cleanup.policy is to delete them."""
        for partition in self.sound_partitions():
            if partition.log.config.cleanup is not Cleanup.COMPACT:
                with partition.guarded():
                    delete_old_segments(partition.log, now_ms=now_ms)

    def cluster_id(self) -> str:
        """The id of the cluster that the folder belongs to; made at the first start."""
        return cluster_id(self._files, self._path)

    def next_producer_id(self) -> int:
        """An id that no producer of this folder ever had. Raises `OSError`."""
        return self._directory.next_producer_id()

    def close(self) -> None:
        """The clean stop of the whole folder. Raises the first `OSError`."""
        self._topics.clear()
        self._directory.close()

    def _create_log(
        self, name: str, number: int, topic_id: bytes, config: TopicConfig, now_ms: int
    ) -> None:
        self._directory.create(
            name, number, topic_id=_as_text(topic_id), now_ms=now_ms, config=config.log
        )

    def _save(self, changed: Mapping[str, Mapping[str, str]] | None = None) -> None:
        settings = {topic.name: topic.settings for topic in self._topics.values()}
        settings |= changed or {}
        content = encode_topics(TopicsOnFile(settings, frozenset(self._doomed)))
        replace_file(self._files, self._path, TOPICS_FILE, content)
        self._on_file = set(settings)

    def _keep(
        self, name: str, topic_id: bytes, partition_count: int, settings: Mapping[str, str]
    ) -> Topic:
        config = self.config_with(settings)
        partitions = tuple(
            Partition(name, number, self._directory.logs[name, number])
            for number in range(partition_count)
        )
        topic = self._topics[name] = Topic(name, topic_id, partitions, settings, config)
        return topic


def _as_text(topic_id: bytes) -> str:
    """16 bytes as the 22 characters that Kafka writes."""
    return base64.urlsafe_b64encode(topic_id).rstrip(b"=").decode()


def _from_text(text: str) -> bytes:
    return base64.urlsafe_b64decode(f"{text}==")

"""A whole log directory: one folder a partition, checkpoints, the clean-shutdown marker, the lock.

Laid out as Kafka's, so that Kafka and iowitness can open what the other one closed.
Source: docs/formats/log-directory.md.
"""

import re
import uuid
from collections.abc import Mapping
from typing import Final

from iowitness.impl.checkpoint_format import (
    TopicPartition,
    encode_clean_shutdown,
    encode_offsets,
    encode_topic_id,
    read_offsets,
    read_topic_id,
)
from iowitness.impl.errors import StorageError
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_files import LogFiles
from iowitness.impl.log_loading import LogStart
from iowitness.impl.producer_ids import ProducerIds
from iowitness.impl.recovery import OnDamage
from iowitness.impl.replaced_file import read_file, replace_file

RECOVERY_POINTS: Final = "recovery-point-offset-checkpoint"
START_OFFSETS: Final = "log-start-offset-checkpoint"
HIGH_WATERMARKS: Final = "replication-offset-checkpoint"
CLEAN_SHUTDOWN: Final = ".kafka_cleanshutdown"
LOCK: Final = ".lock"
PARTITION_METADATA: Final = "partition.metadata"
DOOMED_FOLDER: Final = "-delete"
CONTROLLER_TOPIC: Final = "__cluster_metadata"
"""A KRaft controller's own log, which is not the broker's to open."""

_FOLDER: Final = re.compile(r"(?P<topic>[a-zA-Z0-9._-]{1,249})-(?P<number>0|[1-9][0-9]{0,9})")
_LONGEST_NAME: Final = 255
_DOOMED: Final = re.compile(rf"{_FOLDER.pattern}\.[0-9a-f]{{32}}{DOOMED_FOLDER}")


def partition_of(folder: str) -> TopicPartition | None:
    """The topic and number that a folder is named after; None for other folders."""
    match = _FOLDER.fullmatch(folder)
    return None if match is None else (match["topic"], int(match["number"]))


def _doomed_name(topic: str, number: int) -> str:
    """A new name for a folder that is being removed, cut to what file systems take."""
    end = f"-{number}.{uuid.uuid4().hex}{DOOMED_FOLDER}"
    return f"{topic[: _LONGEST_NAME - len(end)]}{end}"


class LogDirectory:
    """All logs below one folder, open from the start. One thread, one process at a time."""

    def __init__(
        self, path: str, files: LogFiles, configs: Mapping[str, LogConfig], default: LogConfig
    ) -> None:
        """`configs` are per topic; see `open`, which takes the lock first."""
        self._path = path
        self._files = files
        self._configs = dict(configs)
        self._default = default
        self._logs: dict[TopicPartition, Log] = {}
        self._lock = files.lock(f"{path}/{LOCK}")
        self._was_clean = files.exists(f"{path}/{CLEAN_SHUTDOWN}")
        self._producer_ids: ProducerIds | None = None
        self._is_closed = False

    @classmethod
    def open(
        cls,
        path: str,
        config: LogConfig,
        files: LogFiles,
        *,
        now_ms: int,
        topic_configs: Mapping[str, LogConfig] | None = None,
        on_damage: OnDamage = OnDamage.REFUSE,
    ) -> "LogDirectory":
        """Opens every log, recovering them all if the last stop was not clean.

        Raises `DirectoryLocked`, `CheckpointError`, or `DamagedLog`; nothing stays open then.
        """
        files.make_directory(path)
        directory = cls(path, files, topic_configs or {}, config)
        try:
            directory._open_logs(now_ms, on_damage)
            directory._open_producer_ids()
            directory._forget_clean_stop()
        except BaseException:
            directory._release()
            raise
        return directory

    @property
    def logs(self) -> Mapping[TopicPartition, Log]:
        """Every open log by topic and number."""
        return self._logs

    @property
    def was_clean(self) -> bool:
        """Whether the stop before was clean."""
        return self._was_clean

    def next_producer_id(self) -> int:
        """An id that no producer of this folder ever had. Raises `OSError`."""
        assert self._producer_ids is not None
        return self._producer_ids.take()

    def topic_id(self, topic: str, number: int) -> str | None:
        """The topic's id in the partition's folder, 22 characters; None if it has none."""
        path = f"{self._folder(topic, number)}/{PARTITION_METADATA}"
        stored = read_file(self._files, path)
        return None if stored is None else read_topic_id(stored, path)

    def write_topic_id(self, topic: str, number: int, topic_id: str) -> None:
        """Writes the topic's id into the partition's folder."""
        content = encode_topic_id(topic_id)
        replace_file(self._files, self._folder(topic, number), PARTITION_METADATA, content)

    def create(
        self,
        topic: str,
        number: int,
        *,
        topic_id: str,
        now_ms: int,
        config: LogConfig | None = None,
    ) -> Log:
        """A new, empty log. Raises `StorageError` if there is one, or for a name that is none."""
        folder = f"{topic}-{number}"
        if partition_of(folder) != (topic, number):
            raise StorageError(
                f"topic={topic!r} partition={number}, expected [a-zA-Z0-9._-]{{1,249}}"
            )
        if (topic, number) in self._logs:
            raise StorageError(f"{folder} exists in {self._path}")
        if config is not None:
            self._configs[topic] = config
        start = LogStart(is_clean=True)
        log = Log.open(
            self._folder(topic, number),
            self._config(topic),
            self._files,
            now_ms=now_ms,
            start=start,
        )
        self.write_topic_id(topic, number, topic_id)
        self._files.sync_directory(self._path)
        self._logs[topic, number] = log
        return log

    def delete(self, topic: str) -> None:
        """Removes all logs of a topic; what is being sent of them is still sent.

        Their offsets leave the checkpoints first, or a later topic of that name would take them
        over; their folders get names that opening knows for leftovers.
        """
        numbers = sorted((number for name, number in self._logs if name == topic), reverse=True)
        doomed = [self._logs.pop((topic, number)) for number in numbers]
        self._configs.pop(topic, None)
        self.checkpoint()
        folders = [f"{self._path}/{_doomed_name(topic, number)}" for number in numbers]
        for log, folder in zip(doomed, folders, strict=True):
            self._files.rename(log.directory, folder)
        self._files.sync_directory(self._path)
        for folder in folders:
            self._remove_folder(folder)

    def reconfigure(self, topic: str, config: LogConfig) -> None:
        """All logs of a topic behave by other settings from now on."""
        self._configs[topic] = config
        for (name, _), log in self._logs.items():
            if name == topic:
                log.reconfigure(config)

    def truncate(self, topic: str, number: int, offset: int, *, now_ms: int) -> None:
        """Drops a log's records from an offset on, as `Log.truncate_to` does.

        The lower recovery point is saved first: after a crash, what is appended later must not be
        taken for bytes that were synced.
        """
        log = self._logs[topic, number]
        log.recovery_point = min(log.recovery_point, offset, log.batch_start(offset))
        self.checkpoint()
        log.truncate_to(offset, now_ms=now_ms)

    def checkpoint(self) -> None:
        """Saves recovery points, log starts and high watermarks of all logs."""
        logs = self._logs
        points = {name: log.recovery_point for name, log in logs.items()}
        starts = {
            name: log.start_offset
            for name, log in logs.items()
            if log.start_offset > log.segments[0].base_offset
        }
        ends = {name: log.end_offset for name, log in logs.items()}
        for name, offsets in (
            (RECOVERY_POINTS, points),
            (START_OFFSETS, starts),
            (HIGH_WATERMARKS, ends),
        ):
            replace_file(self._files, self._path, name, encode_offsets(offsets))

    def tick(self, *, now_ms: int) -> None:
        """What time makes due in any of the logs."""
        for log in self._logs.values():
            log.tick(now_ms=now_ms)

    def close(self) -> None:
        """The clean stop: logs, checkpoints, marker, lock. A second call does nothing.

        With a fenced log among them it is none: the marker is left out, so that the next opening
        reads what is on the disk. Raises the first `OSError`, with everything given back.
        """
        if self._is_closed:
            return
        self._is_closed = True
        faults: list[OSError] = []
        for log in self._logs.values():
            try:
                log.close()
            except OSError as error:
                faults.append(error)
        try:
            self.checkpoint()
            if not any(log.is_fenced for log in self._logs.values()):
                marker = encode_clean_shutdown(-1)
                replace_file(self._files, self._path, CLEAN_SHUTDOWN, marker)
        finally:
            self._lock.release()
        if faults:
            raise faults[0]

    def _open_logs(self, now_ms: int, on_damage: OnDamage) -> None:
        points = self._offsets(RECOVERY_POINTS)
        starts = self._offsets(START_OFFSETS)
        for name in self._files.names(self._path):
            folder = f"{self._path}/{name}"
            if not self._files.is_directory(folder):
                continue
            if _DOOMED.fullmatch(name):
                self._remove_folder(folder)
                continue
            partition = partition_of(name)
            if partition is None or partition[0] == CONTROLLER_TOPIC:
                continue
            start = LogStart(
                start_offset=starts.get(partition, 0),
                recovery_point=points.get(partition, 0),
                is_clean=self._was_clean,
                on_damage=on_damage,
            )
            config = self._config(partition[0])
            self._logs[partition] = Log.open(
                folder, config, self._files, now_ms=now_ms, start=start
            )

    def _open_producer_ids(self) -> None:
        known = (one.producer_id for log in self._logs.values() for one in log.producers)
        self._producer_ids = ProducerIds(self._files, self._path, max(known, default=-1) + 1)

    def _forget_clean_stop(self) -> None:
        if self._was_clean:
            self._files.remove(f"{self._path}/{CLEAN_SHUTDOWN}")
            self._files.sync_directory(self._path)

    def _offsets(self, name: str) -> dict[TopicPartition, int]:
        path = f"{self._path}/{name}"
        return read_offsets(read_file(self._files, path) or b"", path)

    def _config(self, topic: str) -> LogConfig:
        return self._configs.get(topic, self._default)

    def _folder(self, topic: str, number: int) -> str:
        return f"{self._path}/{topic}-{number}"

    def _remove_folder(self, path: str) -> None:
        for name in self._files.names(path):
            self._files.remove(f"{path}/{name}")
        self._files.remove_directory(path)

    def _release(self) -> None:
        """Gives back what is open, without the marks of a clean stop."""
        for log in self._logs.values():
            log.abandon()
        self._lock.release()

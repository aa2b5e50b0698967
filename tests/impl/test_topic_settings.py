"""Kafka's names for settings, what they mean to a log, and the file that they are kept in."""

from typing import Any

import pytest

from iowitness.impl.batch_format import Codec
from iowitness.impl.errors import CheckpointError
from iowitness.impl.log_config import Cleanup, LogConfig
from iowitness.impl.topic_settings import SETTINGS, SettingRefused, TopicConfig, topic_config
from iowitness.impl.topics import Topics
from iowitness.impl.topics_file import (
    NO_TOPICS,
    TOPICS_FILE,
    TopicsOnFile,
    encode_topics,
    read_topics,
)
from tests.doubles.forgetting_files import ForgettingFiles

LARGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("cleanup.policy", "compact", "cleanup", Cleanup.COMPACT),
        ("cleanup.policy", "delete, compact", "cleanup", Cleanup.COMPACT_AND_DELETE),
        ("delete.retention.ms", "5", "delete_retention_ms", 5),
        ("file.delete.delay.ms", "5", "file_delete_delay_ms", 5),
        ("flush.messages", "5", "flush_record_count", 5),
        ("flush.messages", str(LARGEST), "flush_record_count", None),
        ("flush.ms", "5", "flush_ms", 5),
        ("index.interval.bytes", "5", "index_interval_byte_count", 5),
        ("max.message.bytes", "500", "max_batch_byte_count", 500),
        ("preallocate", "TRUE", "is_preallocated", True),
        ("preallocate", "false", "is_preallocated", False),
        ("retention.bytes", "5", "retention_byte_count", 5),
        ("retention.bytes", "-1", "retention_byte_count", None),
        ("retention.ms", "5", "retention_ms", 5),
        ("retention.ms", "-1", "retention_ms", None),
        ("segment.bytes", "500", "segment_byte_count", 500),
        ("segment.index.bytes", "500", "index_byte_count", 500),
        ("segment.jitter.ms", "5", "segment_jitter_ms", 5),
        ("segment.ms", "5", "segment_ms", 5),
    ],
)
def test_a_setting_reaches_the_log(name: str, text: str, field: str, value: object) -> None:
    config = topic_config({name: text}, LogConfig())
    assert getattr(config.log, field) == value


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("compression.type", "producer", "codec", None),
        ("compression.type", "uncompressed", "codec", Codec.NONE),
        ("compression.type", "zstd", "codec", Codec.ZSTD),
        ("message.timestamp.type", "LogAppendTime", "stamps_append_time", True),
        ("message.timestamp.type", "CreateTime", "stamps_append_time", False),
    ],
)
def test_a_setting_reaches_the_topic(name: str, text: str, field: str, value: object) -> None:
    config = topic_config({name: text}, LogConfig())
    assert getattr(config, field) == value
    assert SETTINGS[name].told(config) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cleanup.policy", ""),
        ("cleanup.policy", "compact,forget"),
        ("compression.type", "brotli"),
        ("message.timestamp.type", "Now"),
        ("preallocate", "maybe"),
        ("retention.ms", "-2"),
        ("retention.ms", "soon"),
        ("segment.bytes", str(2**31)),
        ("segment.ms", "0"),
        ("min.cleanable.dirty.ratio", "0.1"),
        ("remote.storage.enable", "true"),
        ("local.retention.ms", "5"),
    ],
)
def test_what_has_no_effect_here_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(SettingRefused, match=name):
        topic_config({name: text}, LogConfig())


def test_every_setting_takes_its_own_default_and_tells_it_again() -> None:
    for name, setting in SETTINGS.items():
        config = topic_config({name: setting.default}, LogConfig(retention_ms=7))
        assert setting.told(config) == setting.default
    told = {name: setting.told(TopicConfig()) for name, setting in SETTINGS.items()}
    differing = {name for name, setting in SETTINGS.items() if told[name] != setting.default}
    assert differing == {"retention.ms"}, "a log of old timestamps would delete itself"


class TestFile:
    def test_it_comes_back(self) -> None:
        topics = TopicsOnFile({"t": {"retention.ms": "5"}}, frozenset({"u", "v"}))
        assert read_topics(encode_topics(topics), "f") == topics
        assert read_topics(None, "f") == NO_TOPICS

    @pytest.mark.parametrize(
        "stored",
        [
            b"",
            b"{",
            b"[]",
            b'{"version": 2, "settings": {}, "doomed": []}',
            b'{"version": 1, "settings": []}',
            b'{"version": 1, "settings": {"t": 5}, "doomed": []}',
            b"\xff",
        ],
    )
    def test_anything_else_is_refused_with_its_name(self, stored: bytes) -> None:
        with pytest.raises(CheckpointError, match="topics-file"):
            read_topics(stored, "topics-file")

    def open(self, files: ForgettingFiles) -> Any:
        return Topics.open("/data", LogConfig(), files, now_ms=1)

    def test_settings_that_cannot_be_taken_stop_the_start_with_the_files_name(self) -> None:
        files = ForgettingFiles()
        stored = encode_topics(TopicsOnFile({"t": {"segment.bytes": "many"}}))
        files.put(f"/data/{TOPICS_FILE}", stored)
        with pytest.raises(CheckpointError, match=f"{TOPICS_FILE}: .*segment.bytes"):
            self.open(files)

    @pytest.mark.parametrize("doomed", [frozenset(), frozenset({"gone"})])
    def test_settings_of_topics_that_are_not_there_are_forgotten(
        self, doomed: frozenset[str]
    ) -> None:
        files = ForgettingFiles()
        stored = encode_topics(TopicsOnFile({"gone": {"retention.ms": "5"}}, doomed))
        files.put(f"/data/{TOPICS_FILE}", stored)
        topics = self.open(files)
        assert not topics.by_name
        topics.create("gone", 1, now_ms=1)
        topics.close()
        assert dict(self.open(files).by_name["gone"].settings) == {}

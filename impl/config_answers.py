"""Settings as clients are told them: name, value, and where the value comes from. Pure."""

from collections.abc import Mapping
from enum import IntEnum

from iowitness.impl.group_config import GroupConfig
from iowitness.impl.log_config import LogConfig
from iowitness.impl.messages.admin import ConfigSynonym, DescribedConfig
from iowitness.impl.server_config import ServerConfig
from iowitness.impl.topic_settings import SETTINGS, SettingKind, TopicConfig


class ConfigSource(IntEnum):
    """Where a value comes from. Source: DescribeConfigsResponse, ConfigSource."""

    TOPIC = 1
    BROKER = 4
    DEFAULT = 5


def topic_settings_told(
    settings: Mapping[str, str], config: TopicConfig, default: LogConfig
) -> tuple[DescribedConfig, ...]:
    """All settings of a topic: its own, the broker's where that differs from Kafka's default."""
    broker = TopicConfig(log=default)
    told = []
    for setting in SETTINGS.values():
        synonyms = []
        if setting.name in settings:
            own = ConfigSynonym(
                name=setting.name, value=settings[setting.name], source=ConfigSource.TOPIC
            )
            synonyms.append(own)
        broker_value = setting.told(broker)
        if setting.broker_name and broker_value != setting.default:
            synonyms.append(
                ConfigSynonym(
                    name=setting.broker_name, value=broker_value, source=ConfigSource.BROKER
                )
            )
        if setting.broker_name:
            synonyms.append(
                ConfigSynonym(
                    name=setting.broker_name, value=setting.default, source=ConfigSource.DEFAULT
                )
            )
        is_own = setting.name in settings
        told.append(
            DescribedConfig(
                name=setting.name,
                value=settings[setting.name] if is_own else setting.told(config),
                config_source=synonyms[0].source if synonyms else ConfigSource.DEFAULT,
                synonyms=tuple(synonyms),
                config_type=setting.kind,
            )
        )
    return tuple(told)


def broker_settings_told(config: ServerConfig) -> tuple[DescribedConfig, ...]:
    """The broker's settings by Kafka's names; they are given at start, and read-only."""
    values: dict[str, tuple[str, str, SettingKind]] = {
        "auto.create.topics.enable": (_boolean(config.auto_create_topics), "true", _BOOLEAN),
        "default.replication.factor": ("1", "1", _INT),
        "fetch.max.bytes": (str(config.max_fetch_byte_count), "57671680", _INT),
        "log.cleaner.backoff.ms": (str(config.cleaner_backoff_ms), "15000", _LONG),
        "log.retention.check.interval.ms": (
            str(config.retention_check_interval_ms),
            "300000",
            _LONG,
        ),
        "node.id": (str(config.node_id), "", _INT),
        "num.partitions": (str(config.default_partition_count), "1", _INT),
        "socket.request.max.bytes": (
            str(config.frame_limits.produce_byte_count),
            "104857600",
            _INT,
        ),
        **_group_values(config.groups),
    }
    broker = TopicConfig(log=config.log)
    for setting in SETTINGS.values():
        if setting.broker_name:
            values[setting.broker_name] = (setting.told(broker), setting.default, setting.kind)
    return tuple(
        DescribedConfig(
            name=name,
            value=value,
            read_only=True,
            config_source=ConfigSource.DEFAULT if value == default else ConfigSource.BROKER,
            config_type=kind,
        )
        for name, (value, default, kind) in sorted(values.items())
    )


_INT = SettingKind.INT
_LONG = SettingKind.LONG
_BOOLEAN = SettingKind.BOOLEAN


def _boolean(value: bool) -> str:  # noqa: FBT001 - the value itself, told
    return "true" if value else "false"


def _group_values(config: GroupConfig) -> dict[str, tuple[str, str, SettingKind]]:
    minutes = config.offset_retention_ms // 60_000
    return {
        "group.initial.rebalance.delay.ms": (
            str(config.initial_rebalance_delay_ms),
            "3000",
            _INT,
        ),
        "group.max.session.timeout.ms": (str(config.most_session_timeout_ms), "1800000", _INT),
        "group.max.size": (str(config.most_member_count), "2147483647", _INT),
        "group.min.session.timeout.ms": (str(config.least_session_timeout_ms), "6000", _INT),
        "offset.metadata.max.bytes": (
            str(config.most_offset_metadata_byte_count),
            "4096",
            _INT,
        ),
        "offsets.retention.check.interval.ms": (
            str(config.offset_check_interval_ms),
            "600000",
            _LONG,
        ),
        "offsets.retention.minutes": (str(minutes), "10080", _INT),
        "offsets.topic.num.partitions": ("1", "50", _INT),
    }

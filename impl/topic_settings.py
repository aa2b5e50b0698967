"""A topic's settings: Kafka's names, kinds and defaults, and what they mean to a log. Pure.

A setting is taken only if it has its effect here. Those of a cluster, which one broker without
replicas and tiers cannot give effect to, are known by name and taken at their only value.
Source: Kafka 4.3, TopicConfig and LogConfig.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from iowitness.impl.batch_format import Codec
from iowitness.impl.log_config import Cleanup, LogConfig

_LARGEST: Final = 2**63 - 1


class SettingKind(IntEnum):
    """What a value looks like. Source: DescribeConfigsResponse, ConfigType."""

    BOOLEAN = 1
    STRING = 2
    INT = 3
    LONG = 5
    DOUBLE = 6
    LIST = 7


class SettingRefused(ValueError):
    """A setting that is unknown, or whose value is not one that it may have."""


class TopicConfig(Struct, frozen=True, kw_only=True):
    """How one topic behaves. `codec` None keeps the producer's; `stamps_append_time` is
    message.timestamp.type=LogAppendTime.
    """

    log: LogConfig = LogConfig()
    codec: Codec | None = None
    stamps_append_time: bool = False


Read: TypeAlias = Callable[[str], Any]
Tell: TypeAlias = Callable[[Any], str]


class Setting(Struct, frozen=True, kw_only=True):
    """One setting. `default` is Kafka's own, as text; `broker_name` is where a broker sets it.

    `field` is the log's, or the topic's own if `is_topic_field`; None where there is nothing to
    set, and the value stays what it is by default.
    """

    name: str
    kind: SettingKind
    default: str
    read: Read
    tell: Tell = str
    field: str | None = None
    is_topic_field: bool = False
    broker_name: str = ""

    def told(self, config: TopicConfig) -> str:
        """The value in a config, as text."""
        if self.field is None:
            return self.default
        return self.tell(getattr(config if self.is_topic_field else config.log, self.field))

    def put(self, config: TopicConfig, text: str) -> TopicConfig:
        """The config with this setting. Raises `SettingRefused`."""
        try:
            value = self.read(text)
            if self.field is None:
                return config
            if self.is_topic_field:
                return msgspec.structs.replace(config, **{self.field: value})
            return msgspec.structs.replace(
                config, log=msgspec.structs.replace(config.log, **{self.field: value})
            )
        except ValueError as error:
            raise SettingRefused(
                f"Invalid value {text} for configuration {self.name}: {error}"
            ) from None


def _integer(most: int) -> Read:
    def read(text: str) -> int:
        value = int(text)
        if not -1 <= value <= most:
            raise ValueError(f"expected -1..{most}")
        return value

    return read


def _unlimited(sentinel: int, most: int) -> tuple[Read, Tell]:
    """An integer of which one value means without limit, None in our own config."""
    integer = _integer(most)

    def read(text: str) -> int | None:
        value = integer(text)
        return None if value == sentinel else value

    return read, lambda value: str(sentinel if value is None else value)


def _boolean(text: str) -> bool:
    try:
        return {"true": True, "false": False}[text.strip().lower()]
    except KeyError:
        raise ValueError("expected true or false") from None


def _told_boolean(value: bool) -> str:  # noqa: FBT001 - the value itself, told
    return "true" if value else "false"


def _cleanup(text: str) -> Cleanup:
    words = {word.strip() for word in text.split(",") if word.strip()}
    for policy in Cleanup:
        if words == set(policy.value.split(",")):
            return policy
    raise ValueError("expected delete, compact, or both with a comma")


_CODECS: Final[Mapping[str, Codec | None]] = {
    "producer": None,
    "uncompressed": Codec.NONE,
    **{codec.name.lower(): codec for codec in Codec if codec is not Codec.NONE},
}


def _codec(text: str) -> Codec | None:
    if text not in _CODECS:
        raise ValueError(f"expected one of {', '.join(_CODECS)}")
    return _CODECS[text]


def _told_codec(codec: Codec | None) -> str:
    return next(name for name, known in _CODECS.items() if known is codec)


_TIMESTAMP_TYPES: Final = ("CreateTime", "LogAppendTime")


def _is_append_time(text: str) -> bool:
    if text not in _TIMESTAMP_TYPES:
        raise ValueError(f"expected one of {', '.join(_TIMESTAMP_TYPES)}")
    return text == _TIMESTAMP_TYPES[1]


def _only(*allowed: str) -> Read:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"expected {' or '.join(allowed)}: nothing else has an effect here")
        return text

    return read


def _fixed(name: str, kind: SettingKind, default: str, *also: str) -> Setting:
    return Setting(name=name, kind=kind, default=default, read=_only(default, *also))


def _number(name: str, default: int, field: str, broker_name: str, *, most: int) -> Setting:
    kind = SettingKind.INT if most < 2**31 else SettingKind.LONG
    return Setting(
        name=name,
        kind=kind,
        default=str(default),
        read=_integer(most),
        field=field,
        broker_name=broker_name,
    )


def _limit(name: str, default: int, field: str, broker_name: str, *, sentinel: int) -> Setting:
    read, tell = _unlimited(sentinel, _LARGEST)
    return Setting(
        name=name,
        kind=SettingKind.LONG,
        default=str(default),
        read=read,
        tell=tell,
        field=field,
        broker_name=broker_name,
    )


_INT: Final = 2**31 - 1

_ALL: Final = (
    Setting(
        name="cleanup.policy",
        kind=SettingKind.LIST,
        default="delete",
        read=_cleanup,
        tell=lambda policy: str(policy.value),
        field="cleanup",
        broker_name="log.cleanup.policy",
    ),
    Setting(
        name="compression.type",
        kind=SettingKind.STRING,
        default="producer",
        read=_codec,
        tell=_told_codec,
        field="codec",
        is_topic_field=True,
        broker_name="compression.type",
    ),
    _number(
        "delete.retention.ms",
        86_400_000,
        "delete_retention_ms",
        "log.cleaner.delete.retention.ms",
        most=_LARGEST,
    ),
    _number(
        "file.delete.delay.ms",
        60_000,
        "file_delete_delay_ms",
        "log.segment.delete.delay.ms",
        most=_LARGEST,
    ),
    _limit(
        "flush.messages",
        _LARGEST,
        "flush_record_count",
        "log.flush.interval.messages",
        sentinel=_LARGEST,
    ),
    _limit("flush.ms", _LARGEST, "flush_ms", "log.flush.interval.ms", sentinel=_LARGEST),
    _number(
        "index.interval.bytes",
        4_096,
        "index_interval_byte_count",
        "log.index.interval.bytes",
        most=_INT,
    ),
    _fixed("max.compaction.lag.ms", SettingKind.LONG, str(_LARGEST)),
    _number("max.message.bytes", 1_048_588, "max_batch_byte_count", "message.max.bytes", most=_INT),
    _fixed("message.timestamp.after.max.ms", SettingKind.LONG, str(_LARGEST)),
    _fixed("message.timestamp.before.max.ms", SettingKind.LONG, str(_LARGEST)),
    Setting(
        name="message.timestamp.type",
        kind=SettingKind.STRING,
        default="CreateTime",
        read=_is_append_time,
        tell=lambda is_append_time: _TIMESTAMP_TYPES[is_append_time],
        field="stamps_append_time",
        is_topic_field=True,
        broker_name="log.message.timestamp.type",
    ),
    _fixed("min.cleanable.dirty.ratio", SettingKind.DOUBLE, "0.5"),
    _fixed("min.compaction.lag.ms", SettingKind.LONG, "0"),
    _fixed("min.insync.replicas", SettingKind.INT, "1"),
    Setting(
        name="preallocate",
        kind=SettingKind.BOOLEAN,
        default="false",
        read=_boolean,
        tell=_told_boolean,
        field="is_preallocated",
        broker_name="log.preallocate",
    ),
    _fixed("remote.storage.enable", SettingKind.BOOLEAN, "false"),
    _limit("retention.bytes", -1, "retention_byte_count", "log.retention.bytes", sentinel=-1),
    _limit("retention.ms", 604_800_000, "retention_ms", "log.retention.ms", sentinel=-1),
    _number("segment.bytes", 1_073_741_824, "segment_byte_count", "log.segment.bytes", most=_INT),
    _number(
        "segment.index.bytes",
        10_485_760,
        "index_byte_count",
        "log.index.size.max.bytes",
        most=_INT,
    ),
    _number("segment.jitter.ms", 0, "segment_jitter_ms", "log.roll.jitter.ms", most=_LARGEST),
    _number("segment.ms", 604_800_000, "segment_ms", "log.roll.ms", most=_LARGEST),
    _fixed("unclean.leader.election.enable", SettingKind.BOOLEAN, "false", "true"),
)

SETTINGS: Final[Mapping[str, Setting]] = {setting.name: setting for setting in _ALL}


def topic_config(settings: Mapping[str, str], default: LogConfig) -> TopicConfig:
    """The broker's defaults with a topic's own settings. Raises `SettingRefused`."""
    config = TopicConfig(log=default)
    for name, text in settings.items():
        setting = SETTINGS.get(name)
        if setting is None:
            raise SettingRefused(f"Unknown topic config name: {name}")
        config = setting.put(config, text)
    return config

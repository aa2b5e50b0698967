"""The broker's settings by Kafka's names: text in, configuration out. Pure.

A setting is taken only if it has its effect here. Those of ours that Kafka has no name for begin
with `iowitness.`. Source: Kafka 4.3, SocketServerConfigs, ServerLogConfigs, GroupCoordinatorConfig.
"""

import difflib
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from iowitness.impl.server_config import ServerConfig
from iowitness.impl.topic_settings import SETTINGS

Put: TypeAlias = Callable[[ServerConfig, str], ServerConfig]

_MS_PER_MINUTE: Final = 60_000
_MS_PER_HOUR: Final = 3_600_000
_MOST: Final = 2**63 - 1


def put_setting(config: ServerConfig, name: str, text: str) -> ServerConfig:
    """The configuration with one setting. Raises `ValueError`: found and expected."""
    put = _PUTS.get(name)
    if put is None:
        near = difflib.get_close_matches(name, _PUTS, 1)
        hint = f": did you mean {near[0]}?" if near else ""
        raise ValueError(f"{name}: unknown setting, expected one of docs/server.md{hint}")
    try:
        return put(config, text)
    except ValueError as error:
        raise ValueError(f"{name}={text}: {error}") from None


def setting_names() -> tuple[str, ...]:
    """All names, sorted."""
    return tuple(sorted(_PUTS))


def _put(config: Any, path: tuple[str, ...], value: object) -> Any:
    head, *rest = path
    if rest:
        value = _put(getattr(config, head), tuple(rest), value)
    return msgspec.structs.replace(config, **{head: value})


def _number(*path: str, factor: int = 1) -> Put:
    def put(config: ServerConfig, text: str) -> ServerConfig:
        try:
            value = int(text)
        except ValueError:
            raise ValueError("expected a whole number") from None
        if not 0 <= value <= _MOST // factor:
            raise ValueError(f"expected 0..{_MOST // factor}")
        changed: ServerConfig = _put(config, path, value * factor)
        return changed

    return put


def _unlimited_number(*path: str, factor: int) -> Put:
    """A number of which -1 is without limit."""
    number = _number(*path, factor=factor)

    def put(config: ServerConfig, text: str) -> ServerConfig:
        if text == "-1":
            changed: ServerConfig = _put(config, path, None)
            return changed
        return number(config, text)

    return put


def _boolean(*path: str) -> Put:
    def put(config: ServerConfig, text: str) -> ServerConfig:
        value = {"true": True, "false": False}.get(text.lower())
        if value is None:
            raise ValueError("expected true or false")
        changed: ServerConfig = _put(config, path, value)
        return changed

    return put


def _of_logs() -> Mapping[str, Put]:
    """Defaults of topics' settings, by the names that brokers have for them."""

    def put_with(read: Callable[[str], Any], field: str) -> Put:
        def put(config: ServerConfig, text: str) -> ServerConfig:
            changed: ServerConfig = _put(config, ("log", field), read(text))
            return changed

        return put

    return {
        setting.broker_name: put_with(setting.read, setting.field)
        for setting in SETTINGS.values()
        if setting.broker_name and setting.field is not None and not setting.is_topic_field
    }


_PUTS: Final[Mapping[str, Put]] = {
    **_of_logs(),
    "auto.create.topics.enable": _boolean("auto_create_topics"),
    "broker.id": _number("node_id"),
    "connections.max.idle.ms": _number("times", "idle_ms"),
    "fetch.max.bytes": _number("max_fetch_byte_count"),
    "group.initial.rebalance.delay.ms": _number("groups", "initial_rebalance_delay_ms"),
    "group.max.session.timeout.ms": _number("groups", "most_session_timeout_ms"),
    "group.max.size": _number("groups", "most_member_count"),
    "group.min.session.timeout.ms": _number("groups", "least_session_timeout_ms"),
    "iowitness.first.byte.ms": _number("times", "first_byte_ms"),
    "iowitness.frame.ms": _number("times", "frame_ms"),
    "iowitness.max.plain.bytes": _number("batch_limits", "plain_byte_count"),
    "iowitness.write.stall.ms": _number("times", "write_stall_ms"),
    "log.cleaner.backoff.ms": _number("cleaner_backoff_ms"),
    "log.retention.check.interval.ms": _number("retention_check_interval_ms"),
    "log.retention.hours": _unlimited_number("log", "retention_ms", factor=_MS_PER_HOUR),
    "log.retention.minutes": _unlimited_number("log", "retention_ms", factor=_MS_PER_MINUTE),
    "log.roll.hours": _number("log", "segment_ms", factor=_MS_PER_HOUR),
    "max.connections": _number("admission", "connection_count"),
    "max.connections.per.ip": _number("admission", "connection_count_per_address"),
    "node.id": _number("node_id"),
    "num.partitions": _number("default_partition_count"),
    "offset.metadata.max.bytes": _number("groups", "most_offset_metadata_byte_count"),
    "offsets.retention.check.interval.ms": _number("groups", "offset_check_interval_ms"),
    "offsets.retention.minutes": _number("groups", "offset_retention_ms", factor=_MS_PER_MINUTE),
    "queued.max.request.bytes": _number("admission", "held_byte_count"),
    "sasl.server.max.receive.size": _number("frame_limits", "stranger_byte_count"),
    "socket.request.max.bytes": _number("frame_limits", "produce_byte_count"),
}

"""The consumer's settings, with Kafka's names, defaults and meaning."""

from typing import Final, Literal

from msgspec import Struct

_LEAST: Final = {
    "partition_byte_count": 0,
    "fetch_byte_count": 0,
    "min_byte_count": 0,
    "max_wait_ms": 0,
    "request_timeout_ms": 1,
    "session_timeout_ms": 1,
    "heartbeat_interval_ms": 1,
    "rebalance_timeout_ms": 1,
    "auto_commit_interval_ms": 1,
}

OffsetReset = Literal["earliest", "latest"]


class ConsumerConfig(Struct, frozen=True, kw_only=True):
    """Settings of one consumer: sizes in bytes, times in ms, Kafka's defaults.

    `partition_byte_count` is max.partition.fetch.bytes, `fetch_byte_count` fetch.max.bytes,
    `min_byte_count` fetch.min.bytes, `max_wait_ms` fetch.max.wait.ms.
    """

    client_id: str = "iowitness"
    partition_byte_count: int = 1_048_576
    fetch_byte_count: int = 52_428_800
    min_byte_count: int = 1
    max_wait_ms: int = 500
    request_timeout_ms: int = 30_000

    def __post_init__(self) -> None:
        _check_least(self)


class GroupConfig(Struct, frozen=True, kw_only=True):
    """Settings of one member of a group; times in ms.

    `rebalance_timeout_ms` is max.poll.interval.ms, `auto_commit_interval_ms` None commits only by
    hand, `reset` is auto.offset.reset, `assignors` the ways of sharing that it accepts, the
    preferred one first. `instance_id` makes a static member, which may come back within the
    session timeout without a rebalance.
    """

    group_id: str
    instance_id: str | None = None
    session_timeout_ms: int = 45_000
    heartbeat_interval_ms: int = 3_000
    rebalance_timeout_ms: int = 300_000
    auto_commit_interval_ms: int | None = 5_000
    reset: OffsetReset = "latest"
    assignors: tuple[Literal["range", "sticky"], ...] = ("range", "sticky")

    def __post_init__(self) -> None:
        _check_least(self)
        if not self.group_id:
            raise ValueError("group_id='', expected a name")
        if self.heartbeat_interval_ms >= self.session_timeout_ms:
            raise ValueError(
                f"heartbeat_interval_ms={self.heartbeat_interval_ms}, expected less than "
                f"session_timeout_ms={self.session_timeout_ms}"
            )
        if not self.assignors:
            raise ValueError("assignors=(), expected at least one")


def _check_least(config: Struct) -> None:
    for name in config.__struct_fields__:
        value = getattr(config, name)
        least = _LEAST.get(name)
        if least is not None and value is not None and value < least:
            raise ValueError(f"{name}={value}, expected at least {least}")

"""How the broker treats consumer groups, with Kafka's defaults."""

from msgspec import Struct


class GroupConfig(Struct, frozen=True, kw_only=True):
    """Times in ms, sizes in bytes.

    In order: group.initial.rebalance.delay.ms, group.min.session.timeout.ms,
    group.max.session.timeout.ms, group.max.size, offset.metadata.max.bytes,
    offsets.retention.minutes, offsets.retention.check.interval.ms. Kafka has no limit like
    `most_group_count`: groups cost memory, and anybody may name a new one in every request.
    """

    initial_rebalance_delay_ms: int = 3_000
    least_session_timeout_ms: int = 6_000
    most_session_timeout_ms: int = 1_800_000
    most_member_count: int = 10_000
    most_offset_metadata_byte_count: int = 4_096
    offset_retention_ms: int = 604_800_000
    offset_check_interval_ms: int = 600_000
    most_group_count: int = 10_000

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            least = 0 if name == "initial_rebalance_delay_ms" else 1
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)}, expected >= {least}")
        if self.least_session_timeout_ms > self.most_session_timeout_ms:
            raise ValueError(
                f"least_session_timeout_ms={self.least_session_timeout_ms}, expected at most "
                f"most_session_timeout_ms={self.most_session_timeout_ms}"
            )

"""The producer's settings, with Kafka's names, defaults and meaning."""

import math
from typing import Final, Literal

from msgspec import Struct

from iowitness.impl.batch_format import Codec
from iowitness.impl.compression import Compressor
from iowitness.impl.producer_errors import ConfigConflict

CodecName = Literal["none", "gzip", "snappy", "lz4", "zstd"]

_NEVER: Final = 2**31 - 1
_MOST_IN_FLIGHT_WITH_IDEMPOTENCE: Final = 5
_LEAST: Final = {
    "batch_size": 1,
    "linger_ms": 0,
    "buffer_memory": 1,
    "max_block_ms": 0,
    "max_request_size": 1,
    "max_in_flight": 1,
    "retries": 0,
    "retry_backoff_ms": 0,
    "retry_backoff_max_ms": 0,
    "request_timeout_ms": 1,
    "delivery_timeout_ms": 1,
    "metadata_max_age_ms": 1,
    "max_batches_per_request": 1,
}


class ProducerConfig(Struct, frozen=True, kw_only=True):
    """Settings of one producer; times in ms, sizes in bytes, Kafka's defaults.

    None where Kafka tells "by default" from "by name": idempotence is on by default, and then
    gives way to `acks` other than all and to `retries` 0; asked for by name it refuses them.
    `delivery_timeout_ms` None is 120 s, raised to linger + request timeout if need be.
    `max_in_flight` is max.in.flight.requests.per.connection, `codec` compression.type.
    `max_batches_per_request` is ours: None drains one batch of every ready partition, as Kafka
    does; 1 makes the number of requests independent of timing.
    """

    client_id: str = "iowitness"
    batch_size: int = 16_384
    linger_ms: int = 5
    acks: Literal[0, 1, -1] | None = None
    buffer_memory: int = 33_554_432
    max_block_ms: int = 60_000
    max_request_size: int = 1_048_576
    max_batches_per_request: int | None = None
    max_in_flight: int = 5
    retries: int | None = None
    retry_backoff_ms: int = 100
    retry_backoff_max_ms: int = 1_000
    request_timeout_ms: int = 30_000
    delivery_timeout_ms: int | None = None
    metadata_max_age_ms: int = 300_000
    idempotence: bool | None = None
    codec: CodecName = "none"
    level: int | None = None

    def __post_init__(self) -> None:
        if self.acks not in {None, -1, 0, 1}:
            raise ValueError(f"acks={self.acks}, expected -1 (all), 0 or 1")
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name}={value}, expected at least {least}")
        self.compressor()
        self._check_idempotence()
        self._check_delivery_timeout()

    def _check_idempotence(self) -> None:
        if self.idempotence is False:
            return
        by_name = self.idempotence is True
        if by_name and self.acks not in {None, -1}:
            raise ConfigConflict(f"acks={self.acks}, expected -1 (all) with idempotence")
        if by_name and self.retries == 0:
            raise ConfigConflict("retries=0, expected more with idempotence")
        if self.is_idempotent and self.max_in_flight > _MOST_IN_FLIGHT_WITH_IDEMPOTENCE:
            raise ConfigConflict(
                f"max_in_flight={self.max_in_flight}, expected at most "
                f"{_MOST_IN_FLIGHT_WITH_IDEMPOTENCE} with idempotence; "
                "lower it or say idempotence=False"
            )

    def _check_delivery_timeout(self) -> None:
        least_ms = self.linger_ms + self.request_timeout_ms
        if self.delivery_timeout_ms is not None and self.delivery_timeout_ms < least_ms:
            raise ConfigConflict(
                f"delivery_timeout_ms={self.delivery_timeout_ms}, expected at least "
                f"linger_ms + request_timeout_ms = {least_ms}"
            )

    @property
    def is_idempotent(self) -> bool:
        """Whether batches carry a producer id and sequences."""
        if self.idempotence is None:
            return self.acks in {None, -1} and self.retries != 0
        return self.idempotence

    @property
    def effective_acks(self) -> int:
        """-1 (all) unless told otherwise."""
        return -1 if self.acks is None else self.acks

    @property
    def effective_retries(self) -> int:
        """As many as the delivery timeout allows, unless told otherwise."""
        return _NEVER if self.retries is None else self.retries

    @property
    def effective_delivery_timeout_ms(self) -> int:
        """120 s, or more where linger and request timeout need it, unless told otherwise."""
        if self.delivery_timeout_ms is not None:
            return self.delivery_timeout_ms
        return max(120_000, self.linger_ms + self.request_timeout_ms)

    def compressor(self) -> Compressor:
        """The codec and its level. Raises `ValueError` for a level that it does not have."""
        return Compressor(Codec.named(self.codec), self.level)

    def backoff_ns(self, attempt_count: int, jitter: float) -> int:
        """How long to wait before a further attempt, `jitter` from 0 to 1.

        Doubles with each attempt up to the largest, 20 % up or down. Source: KIP-580.
        """
        if self.retry_backoff_ms == 0:
            return 0
        most = max(self.retry_backoff_ms, self.retry_backoff_max_ms)
        useful_doublings = math.ceil(math.log2(most / self.retry_backoff_ms))
        doublings = min(max(0, attempt_count - 1), useful_doublings)
        base_ms = min(most, self.retry_backoff_ms << doublings)
        return round(base_ms * (0.8 + 0.4 * jitter) * 1_000_000)

"""Records as the producer's inside sees them, without threads."""

from iowitness.impl.delivery import Completions, Delivery, FullDelivery, OnDelivery

COMPLETIONS = Completions()


def bare(value: bytes, on_delivery: OnDelivery | None = None) -> Delivery:
    """A record with a value only."""
    return Delivery(COMPLETIONS, value, on_delivery)


def full(
    value: bytes | None = b"v",
    key: bytes | None = None,
    timestamp_ms: int = 1_000,
    on_delivery: OnDelivery | None = None,
) -> FullDelivery:
    """A record with a timestamp of its own."""
    return FullDelivery(
        COMPLETIONS,
        value,
        on_delivery,
        key=key,
        partition=None,
        timestamp_ms=timestamp_ms,
        headers=(),
    )

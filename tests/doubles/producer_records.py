"""Records as the producer's inside sees them, without threads."""

from iowitness.impl.delivery import (
    Completions,
    Delivery,
    FullDelivery,
    ManyDelivery,
    OnDelivery,
    gathered,
)

COMPLETIONS = Completions()


def bare(*values: bytes) -> ManyDelivery:
    """Records with values only, as the sender gathers them."""
    return gathered([Delivery(COMPLETIONS, value) for value in values])


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
        on_delivery=on_delivery,
        key=key,
        partition=None,
        timestamp_ms=timestamp_ms,
        headers=(),
    )

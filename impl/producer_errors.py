"""What a producer may tell its caller instead of an offset."""

from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.wire_errors import named


class ProducerError(Exception):
    """Anything that a producer raises on purpose."""


class ProducerClosed(ProducerError):
    """The producer was closed before the record could be sent."""


class BufferExhausted(ProducerError):
    """No memory became free within `max_block_ms`."""


class RecordTooLarge(ProducerError):
    """A record that no request or buffer of this producer could hold."""


class DeliveryTimedOut(ProducerError):
    """Not acknowledged within `delivery_timeout_ms`; the record may be in the log all the same."""


class MetadataUnavailable(ProducerError):
    """The topic or the partition could not be found out about within `max_block_ms`."""


class ProduceRefused(ProducerError):
    """The broker refused a batch for good; `error_code` says why."""

    def __init__(self, partition: TopicPartition, error_code: int, message: str | None) -> None:
        super().__init__(
            f"{partition.topic}-{partition.partition}: the broker answered {named(error_code)}"
            + (f": {message}" if message else "")
        )
        self.partition = partition
        self.error_code = error_code


class ConfigConflict(ValueError):
    """Settings that exclude one another, each asked for by name."""

"""What a producer tells its caller when a record cannot be sent, or was not stored."""

from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.wire_errors import named


class ProducerClosed(RuntimeError):
    """The producer was closed before, or while, the record waited."""


class BufferExhausted(TimeoutError):
    """No buffer memory became free within `max_block_ms`."""


class RecordTooLarge(ValueError):
    """The record alone is larger than a request, or than the whole buffer memory, may be."""


class ProduceRefused(OSError):
    """The broker refused a batch; `error_code` is Kafka's."""

    def __init__(self, partition: TopicPartition, error_code: int, told: str | None) -> None:
        because = f": {told}" if told else ""
        super().__init__(
            f"{partition.topic}-{partition.partition}: the broker answered "
            f"{named(error_code)}{because}"
        )
        self.error_code = error_code

"""One broker's stream of fetches: the next one is under way while records are worked on."""

import select
from collections.abc import Mapping, Sequence

from iowitness.impl.api_table import ApiKey
from iowitness.impl.blocking_connection import BlockingConnection
from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.consumer_config import ConsumerConfig
from iowitness.impl.fetch_wire import (
    FetchRequest,
    FetchResponse,
    PartitionWanted,
    by_topic,
    read_fetch_response,
    write_fetch_request,
)
from iowitness.impl.request_header import RequestHeader, finished


class FetchLink:
    """A connection with at most one fetch under way.

    `asked` has the offset from which each partition was asked for.
    """

    def __init__(self, connection: BlockingConnection, config: ConsumerConfig) -> None:
        self._connection = connection
        self._config = config
        self._header: RequestHeader | None = None
        self.asked: Mapping[TopicPartition, int] = {}

    @property
    def is_asked(self) -> bool:
        """Whether an answer is on its way."""
        return self._header is not None

    def fileno(self) -> int:
        """The socket's descriptor, for `select`."""
        return self._connection.fileno()

    def ask(self, positions: Mapping[TopicPartition, int]) -> None:
        """Send a fetch of these partitions from these offsets on. Raises `BrokerUnreachable`."""
        config = self._config
        wanted = [
            (one.topic, PartitionWanted(one.partition, offset, config.partition_byte_count))
            for one, offset in positions.items()
        ]
        request = FetchRequest(
            config.max_wait_ms, config.min_byte_count, config.fetch_byte_count, by_topic(wanted)
        )
        header, frame = self._connection.begin(ApiKey.FETCH)
        write_fetch_request(frame, header.version, request)
        self._connection.send_buffers([finished(frame)])
        self._header = header
        self.asked = dict(positions)

    def answer(self) -> FetchResponse:
        """Wait for the answer. Raises `BrokerUnreachable`."""
        assert self._header is not None
        header, self._header = self._header, None
        return read_fetch_response(self._connection.receive_answer(header), header.version)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def answered_first(links: Sequence[FetchLink], timeout_s: float) -> Sequence[FetchLink]:
    """Those of several links whose answers have begun to come; one alone is simply waited for."""
    if len(links) == 1:
        return links
    readable, _, _ = select.select(links, [], [], timeout_s)
    return readable

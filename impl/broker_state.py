"""What the handlers of requests share: topics, settings, and who is asking."""

import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from msgspec import Struct

from iowitness.impl.fetch_wire import FetchRequest
from iowitness.impl.file_region import FileRegion
from iowitness.impl.group_coordinator import GroupCoordinator
from iowitness.impl.group_journal import GroupJournal
from iowitness.impl.metrics import Metrics
from iowitness.impl.request_header import RequestHeader
from iowitness.impl.sasl_exchange import SaslExchange
from iowitness.impl.server_config import ServerConfig
from iowitness.impl.topics import Topics

Part: TypeAlias = bytearray | FileRegion


class ParkedFetch(Struct, frozen=True):
    """A fetch that waits for more bytes, until `wait_ms` after it came."""

    header: RequestHeader
    request: FetchRequest

    @property
    def partitions(self) -> tuple[tuple[str, int], ...]:
        """The partitions that it waits for."""
        return tuple(
            (topic.topic, wanted.partition)
            for topic in self.request.topics
            for wanted in topic.partitions
        )


class ParkedCall:
    """A request whose answer comes when others have done their part, as in a rebalance.

    It is known by its identity: `Broker.finished` gives it back with its answer.
    """

    __slots__ = ("header",)

    def __init__(self, header: RequestHeader) -> None:
        self.header = header


Answer: TypeAlias = Sequence[Part] | ParkedFetch | ParkedCall | None
"""Parts to send in order, a request that waits, or None: nothing is to be sent."""


class Session:
    """One connection as the handlers know it. `peer` is its address as text.

    `sasl` is how it becomes a user, None where everybody may come in.
    """

    __slots__ = ("peer", "sasl")

    def __init__(self, peer: str, sasl: SaslExchange | None = None) -> None:
        self.peer = peer
        self.sasl = sasl

    @property
    def is_authenticated(self) -> bool:
        """Whether it may ask for anything."""
        return self.sasl is None or self.sasl.is_done

    @property
    def host(self) -> str:
        """The address without the port."""
        return self.peer.rpartition(":")[0]


class BrokerState:
    """Everything that outlives one request. `appended` collects partitions that grew."""

    def __init__(
        self,
        config: ServerConfig,
        topics: Topics,
        cluster_id: str,
        port: int,
        *,
        wall_ms: Callable[[], int] | None = None,
        now_ns: Callable[[], int] = time.monotonic_ns,
        metrics: Metrics | None = None,
    ) -> None:
        self.config = config
        self.metrics = metrics or Metrics()
        self.topics = topics
        self.cluster_id = cluster_id
        self.port = port
        self.appended: set[tuple[str, int]] = set()
        self.wall_ms = wall_ms or _wall_ms
        self.now_ns = now_ns
        journal = GroupJournal(topics, self.appended)
        self.groups: GroupCoordinator[ParkedCall] = GroupCoordinator(
            config.groups, journal, self.wall_ms
        )
        self.groups.load(now_ns=self.now_ns())
        self.groups.forget_topics_except(topics.by_name)

    @property
    def host(self) -> str:
        """The address that clients are told."""
        return self.config.advertised_host or self.config.host


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000

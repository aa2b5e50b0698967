"""All connections of one sender: opened when needed, watched by one epoll, reopened later."""

import os
import select
import threading
import time
from collections.abc import Iterator, Sequence

from iowitness.impl.client_versions import IncompatibleBroker
from iowitness.impl.cluster_view import Node
from iowitness.impl.node_link import Exchange, LinkState, NodeLink
from iowitness.impl.wire import Cursor
from iowitness.impl.wire_errors import BrokerUnreachable, ProtocolViolation

Address = tuple[str, int]
_SHARED_BYTE_COUNT = 262_144


class NodeLinks:
    """Connections by address, and the eventfd by which other threads wake the sender.

    `lost` collects, for the sender, the requests that were under way on connections that ended.
    """

    def __init__(self, client_id: str, reconnect_pause_ns: int) -> None:
        self._client_id = client_id
        self._reconnect_pause_ns = reconnect_pause_ns
        self._links: dict[Address, NodeLink] = {}
        self._by_descriptor: dict[int, NodeLink] = {}
        self._interests: dict[int, int] = {}
        self._not_before_ns: dict[Address, int] = {}
        self._shared = memoryview(bytearray(_SHARED_BYTE_COUNT))
        self._epoll = select.epoll()
        self._wake_lock = threading.Lock()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)
        self.lost: list[tuple[Exchange, Exception]] = []

    def wake(self) -> None:
        """End the sender's sleep; any thread may call it. Does nothing once closed.

        Who asks a sender to stop may find that it has stopped already, and its descriptor's number
        given to somebody else.
        """
        with self._wake_lock:
            if self._wake >= 0:
                os.eventfd_write(self._wake, 1)

    def link(self, node: Node, now_ns: int) -> NodeLink | None:
        """A usable connection to a node, or None while it is being made or paused."""
        address = (node.host, node.port)
        found = self._links.get(address)
        if found is None:
            if now_ns < self._not_before_ns.get(address, 0):
                return None
            found = self._open(node, now_ns)
        return found if found is not None and found.is_ready else None

    def any_link(self, nodes: Sequence[Node], now_ns: int) -> NodeLink | None:
        """A usable connection to one of several nodes; else one is being made."""
        for link in self._links.values():
            if link.is_ready:
                return link
        if any(link.state is not LinkState.CLOSED for link in self._links.values()):
            return None
        for node in nodes:
            if now_ns >= self._not_before_ns.get((node.host, node.port), 0):
                return self.link(node, now_ns)
        return None

    def next_open_ns(self) -> int | None:
        """When the next paused address may be tried again."""
        paused = [ns for address, ns in self._not_before_ns.items() if address not in self._links]
        return min(paused, default=None)

    @property
    def all(self) -> Sequence[NodeLink]:
        """Every connection, made or being made."""
        return tuple(self._links.values())

    def _open(self, node: Node, now_ns: int) -> NodeLink | None:
        address = (node.host, node.port)
        self._not_before_ns[address] = now_ns + self._reconnect_pause_ns
        try:
            link = NodeLink(node, self._client_id, now_ns)
        except BrokerUnreachable:
            return None
        descriptor = link.socket.fileno()
        self._links[address] = link
        self._by_descriptor[descriptor] = link
        self._interests[descriptor] = link.interest
        self._epoll.register(descriptor, link.interest)
        return link

    def flush(self, link: NodeLink) -> None:
        """Send what a connection has queued."""
        try:
            link.flush()
        except BrokerUnreachable as error:
            self.drop(link, error)
            return
        self._watch(link)

    def _watch(self, link: NodeLink) -> None:
        descriptor = link.socket.fileno()
        if self._interests.get(descriptor) != link.interest:
            self._interests[descriptor] = link.interest
            self._epoll.modify(descriptor, link.interest)

    def drop(self, link: NodeLink, error: Exception) -> None:
        """End a connection; its requests go to `lost`."""
        descriptor = link.socket.fileno()
        self._by_descriptor.pop(descriptor, None)
        self._interests.pop(descriptor, None)
        self._links.pop((link.node.host, link.node.port), None)
        self.lost += [(exchange, error) for exchange in link.close()]

    def wait(self, timeout_s: float | None) -> Iterator[tuple[NodeLink, Exchange, Cursor]]:
        """Wait for something, and give every answer that came."""
        for descriptor, events in self._epoll.poll(timeout_s):
            if descriptor == self._wake:
                os.eventfd_read(self._wake)
                continue
            link = self._by_descriptor.get(descriptor)
            if link is not None:
                yield from self._happened(link, events)

    def _happened(self, link: NodeLink, events: int) -> Iterator[tuple[NodeLink, Exchange, Cursor]]:
        try:
            if link.state is LinkState.CONNECTING:
                link.connected(time.monotonic_ns())
                link.flush()
            elif events & select.EPOLLOUT:
                link.flush()
            if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                for exchange, cursor in link.answers(self._shared):
                    yield link, exchange, cursor
            if link.state is not LinkState.CLOSED:
                self._watch(link)
        except (BrokerUnreachable, ProtocolViolation, IncompatibleBroker) as error:
            self.drop(link, error)

    def end_stream(self, deadline_ns: int) -> None:
        """Say that no more requests come, and wait until the brokers have read those that did.

        Who closes a socket while an answer is on its way resets the connection, and the peer's
        kernel then discards what it has not read yet. Source: RFC 2525, section 2.17; tcp(7).
        """
        waiting = [link for link in self.all if link.is_ready]
        for link in waiting:
            link.end_stream()
        while any(link.state is not LinkState.CLOSED for link in waiting):
            left_ns = deadline_ns - time.monotonic_ns()
            if left_ns <= 0:
                return
            for _ in self.wait(left_ns / 1e9):
                pass  # answers to what does not matter any more

    def close(self) -> None:
        """End all connections; their requests go to `lost`."""
        for link in self.all:
            self.drop(link, BrokerUnreachable("the producer was closed"))
        self._epoll.close()
        with self._wake_lock:
            descriptor, self._wake = self._wake, -1
        os.close(descriptor)

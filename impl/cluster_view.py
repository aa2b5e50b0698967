"""What a client knows of a cluster: brokers, topics, and who leads each partition. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from iowitness.impl.messages.cluster import MetadataResponse
from iowitness.impl.wire_errors import ErrorCode


class TopicPartition(NamedTuple):
    """One partition by name."""

    topic: str
    partition: int


class Node(Struct, frozen=True):
    """One broker's address. `node_id` is -1 for a bootstrap address, whose id is not known yet."""

    node_id: int
    host: str
    port: int


class ClusterView(Struct, frozen=True):
    """Brokers by id, partition counts by topic, leaders by partition, faults by topic.

    A partition without a leader is not in `leaders`.
    """

    nodes: Mapping[int, Node]
    partition_counts: Mapping[str, int]
    leaders: Mapping[TopicPartition, int]
    topic_errors: Mapping[str, int]

    def leader(self, partition: TopicPartition) -> Node | None:
        """The broker to talk to about a partition, or None while it has none."""
        return self.nodes.get(self.leaders.get(partition, -1))

    def updated(self, response: MetadataResponse) -> "ClusterView":
        """The view after an answer that told of some topics; the others stay as they were."""
        counts, leaders = dict(self.partition_counts), dict(self.leaders)
        errors = dict(self.topic_errors)
        for topic in response.topics:
            if topic.name is None:
                continue
            errors.pop(topic.name, None)
            if topic.error_code != ErrorCode.NONE:
                errors[topic.name] = topic.error_code
                continue
            counts[topic.name] = len(topic.partitions)
            for partition in topic.partitions:
                place = TopicPartition(topic.name, partition.partition_index)
                leaders.pop(place, None)
                if partition.leader_id >= 0:
                    leaders[place] = partition.leader_id
        nodes = {
            broker.node_id: Node(broker.node_id, broker.host, broker.port)
            for broker in response.brokers
        }
        return ClusterView(nodes, counts, leaders, errors)


NOTHING_KNOWN = ClusterView({}, {}, {}, {})


def bootstrap_nodes(bootstrap: str) -> tuple[Node, ...]:
    """The addresses of a list `host:port,host:port`; IPv6 in brackets. Raises `ValueError`."""
    nodes = []
    for entry in bootstrap.split(","):
        host, separator, port = entry.strip().rpartition(":")
        if not separator or not port.isdecimal() or not host:
            raise ValueError(f"bootstrap={entry.strip()!r}, expected host:port[,host:port...]")
        nodes.append(Node(-1, host.strip("[]"), int(port)))
    return tuple(nodes)

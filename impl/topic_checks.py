"""Which topics there may be and are, for everything that is asked about topics."""

from iowitness.impl.broker_state import BrokerState
from iowitness.impl.refusals import Refused
from iowitness.impl.topics import Topic, is_legal_name
from iowitness.impl.wire_errors import ErrorCode


def known_topic(state: BrokerState, name: str) -> Topic:
    """The topic of that name. Raises `Refused` if there is none."""
    topic = state.topics.by_name.get(name)
    if topic is None:
        raise Refused(
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            if is_legal_name(name)
            else ErrorCode.INVALID_TOPIC_EXCEPTION,
            "This server does not host this topic-partition.",
        )
    return topic


def check_new_topic(state: BrokerState, name: str, partition_count: int) -> None:
    """Raises `Refused` for a name or a partition count that a new topic cannot have.

    Metrics take '.' and '_' for one, so names that differ in nothing else collide.
    Source: Topic.validate and ReplicationControlManager.
    """
    if not is_legal_name(name):
        raise Refused(
            ErrorCode.INVALID_TOPIC_EXCEPTION,
            f"Topic name {name[:300]!r} is illegal, expected 1 to 249 of [a-zA-Z0-9._-], "
            "and not '.' or '..'",
        )
    if name in state.topics.by_name:
        raise Refused(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")
    alike = name.replace(".", "_")
    if "_" in alike:
        for other in state.topics.by_name:
            if other.replace(".", "_") == alike:
                raise Refused(
                    ErrorCode.INVALID_TOPIC_EXCEPTION,
                    f"Topic '{name}' collides with existing topic: {other}",
                )
    check_partition_count(state, partition_count, 0)


def check_partition_count(state: BrokerState, count: int, present: int) -> None:
    """Raises `Refused` for a topic that would have none, or bring the broker above its limit.

    `present` of the `count` partitions are there already.
    """
    most = state.config.max_partition_count
    left = most - sum(len(topic.partitions) for topic in state.topics.by_name.values())
    if not 1 <= count <= present + left:
        raise Refused(
            ErrorCode.INVALID_PARTITIONS,
            f"partition count={count}, expected 1..{present + left}: "
            f"of {most} in all (max_partition_count), {left} are left",
        )

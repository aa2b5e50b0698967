"""Who of a group reads which partition. Pure: the group's leader computes it for all.

`range`: of each topic neighbouring partitions, as equal in number as they can be. `sticky`: as
equal over all topics as subscriptions allow, and with as few changes as that needs.
Source: Kafka's RangeAssignor and AbstractStickyAssignor, of which the second is a simpler relative.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.subscription_format import Subscription

Assignment = dict[str, list[TopicPartition]]


class Assignor(Protocol):
    """From partition counts by topic and subscriptions by member to partitions by member."""

    def __call__(
        self, partition_counts: Mapping[str, int], members: Mapping[str, Subscription]
    ) -> Assignment:
        """Every partition of a topic that somebody wants, to one of those who want it."""


def assigned_by_range(
    partition_counts: Mapping[str, int], members: Mapping[str, Subscription]
) -> Assignment:
    """Of each topic a run of partitions to each member, the longer runs to the first members."""
    assignment: Assignment = {member: [] for member in members}
    for topic in sorted(partition_counts):
        wanting = sorted(member for member, one in members.items() if topic in one.topics)
        if not wanting:
            continue
        each, longer_count = divmod(partition_counts[topic], len(wanting))
        first = 0
        for place, member in enumerate(wanting):
            count = each + (place < longer_count)
            run = range(first, first + count)
            assignment[member] += [TopicPartition(topic, number) for number in run]
            first += count
    return assignment


def assigned_stickily(
    partition_counts: Mapping[str, int], members: Mapping[str, Subscription]
) -> Assignment:
    """What each one had, then what nobody has to who has least, then from the most to the least."""
    assignment = _kept(partition_counts, members)
    had = {partition for kept in assignment.values() for partition in kept}
    for topic in sorted(partition_counts):
        wanting = sorted(member for member, one in members.items() if topic in one.topics)
        for number in range(partition_counts[topic] if wanting else 0):
            partition = TopicPartition(topic, number)
            if partition not in had:
                least = min(wanting, key=lambda member: len(assignment[member]))
                assignment[least].append(partition)
    while _evened_out(assignment, members):
        pass
    return {member: sorted(partitions) for member, partitions in assignment.items()}


def _kept(partition_counts: Mapping[str, int], members: Mapping[str, Subscription]) -> Assignment:
    """What members keep: of two who had the same partition, the one of the later generation."""
    assignment: Assignment = {member: [] for member in members}
    taken: set[TopicPartition] = set()
    for member in sorted(members, key=lambda one: (-members[one].generation, one)):
        subscription = members[member]
        for partition in subscription.owned:
            exists = 0 <= partition.partition < partition_counts.get(partition.topic, 0)
            if exists and partition.topic in subscription.topics and partition not in taken:
                taken.add(partition)
                assignment[member].append(partition)
    return assignment


def _evened_out(assignment: Assignment, members: Mapping[str, Subscription]) -> bool:
    """Move one partition to who has at least two less; False if there is none to move."""
    by_count = sorted(assignment, key=lambda member: (len(assignment[member]), member))
    for poor in by_count:
        for rich in reversed(by_count):
            if len(assignment[rich]) - len(assignment[poor]) < 2:
                break
            for partition in reversed(assignment[rich]):
                if partition.topic in members[poor].topics:
                    assignment[rich].remove(partition)
                    assignment[poor].append(partition)
                    return True
    return False


ASSIGNORS: Final[Mapping[str, Assignor]] = {
    "range": assigned_by_range,
    "sticky": assigned_stickily,
}
"""By the names that members agree upon."""

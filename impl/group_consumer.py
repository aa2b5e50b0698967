"""A consumer that shares topics with the other members of its group, by the classic protocol.

Heartbeats and commits go out from within `poll`, on the caller's thread: who does not poll for
longer than the session timeout is taken for dead, as is right for somebody who makes no progress.
A commit tells what `poll` had given before it was called again: what came is stored as read only
once the caller is back for more, so a crash repeats records and loses none.
"""

import time
from collections.abc import Iterable, Mapping

from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.consumer import Consumer, PartitionRecords, PositionOutOfRange
from iowitness.impl.consumer_config import ConsumerConfig, GroupConfig
from iowitness.impl.group_membership import GroupMembership
from iowitness.impl.membership_steps import Rhythm


class GroupConsumer:
    """One member of a group. One thread at a time; `close` when done."""

    def __init__(
        self,
        bootstrap: str,
        group: GroupConfig,
        topics: Iterable[str],
        config: ConsumerConfig | None = None,
    ) -> None:
        config = config or ConsumerConfig()
        self._group = group
        self._consumer = Consumer(bootstrap, config)
        self._membership = GroupMembership(
            self._consumer.cluster, group, topics, config.request_timeout_ms / 1_000
        )
        now_ns = time.monotonic_ns()
        self._heartbeats = Rhythm(group.heartbeat_interval_ms, now_ns)
        self._commits = Rhythm(group.auto_commit_interval_ms, now_ns)
        self._committed: dict[TopicPartition, int] = {}
        self._must_join = True

    @property
    def assigned(self) -> tuple[TopicPartition, ...]:
        """The partitions that are ours now."""
        return tuple(self._consumer.positions)

    @property
    def positions(self) -> Mapping[TopicPartition, int]:
        """The next offset of each of them."""
        return self._consumer.positions

    def partitions(self, topic: str) -> tuple[TopicPartition, ...]:
        """A topic's partitions, by number. Raises `FetchFailed` if there is no such topic."""
        return self._consumer.partitions(topic)

    def is_at_end(self) -> bool:
        """Whether we are a member and nothing is left of what is ours."""
        positions = dict(self._consumer.positions)
        if self._must_join:
            return False
        ends = self._consumer.end_offsets(tuple(positions))
        return all(offset >= ends[partition] for partition, offset in positions.items())

    def poll(self) -> list[PartitionRecords]:
        """What came, by partition; joins, beats and commits where that is due.

        Empty while the group finds itself, or if nothing came within `max_wait_ms`. Raises
        `GroupFailed`, and what `Consumer.poll` raises but for `PositionOutOfRange`, which `reset`
        settles.
        """
        now_ns = time.monotonic_ns()
        if self._commits.is_due(now_ns):
            self._commits.done(now_ns)
            self.commit()
        if self._heartbeats.is_due(now_ns):
            self._heartbeats.done(now_ns)
            self._must_join |= not self._membership.beat()
        if self._must_join:
            self._rejoin()
        try:
            return self._consumer.poll()
        except PositionOutOfRange as error:
            self._reset(error)
            return []

    def commit(self) -> bool:
        """Store the positions; False if the group has gone on without us, who are to join again."""
        news = {
            partition: offset
            for partition, offset in self._consumer.positions.items()
            if self._committed.get(partition) != offset
        }
        if not news:
            return True
        if self._membership.generation < 0 or not self._membership.commit(news):
            self._must_join = True
            return False
        self._committed |= news
        return True

    def close(self) -> None:
        """Commit, unless that is done by hand, leave the group and end all connections."""
        try:
            if self._group.auto_commit_interval_ms is not None:
                self.commit()
            self._membership.leave()
        finally:
            self._consumer.close()

    def _rejoin(self) -> None:
        """Give everything up, join, and go on from the stored offsets. Source: KIP-429, "eager"."""
        if self._group.auto_commit_interval_ms is not None:
            self.commit()  # which is still taken while the group rebalances
        self._consumer.assign({})
        assigned = self._membership.join()
        self._committed = self._membership.committed(assigned)
        without = tuple(one for one in assigned if one not in self._committed)
        starts = self._reset_offsets(without) if without else {}
        self._consumer.assign({one: (self._committed | starts)[one] for one in assigned})
        self._must_join = False
        now_ns = time.monotonic_ns()
        self._heartbeats.done(now_ns)
        self._commits.done(now_ns)

    def _reset_offsets(self, partitions: tuple[TopicPartition, ...]) -> dict[TopicPartition, int]:
        if self._group.reset == "earliest":
            return self._consumer.start_offsets(partitions)
        return self._consumer.end_offsets(partitions)

    def _reset(self, error: PositionOutOfRange) -> None:
        is_earliest = self._group.reset == "earliest"
        self._consumer.seek(
            error.partition, error.start_offset if is_earliest else error.end_offset
        )

"""Who an idempotent producer is, and which sequence numbers its batches get. Pure.

A batch gets its sequence when it is first drained and keeps it over retries, so that the broker
recognises a repetition. While a partition has a batch to repeat, it has one request under way.
Source: Kafka's TransactionManager; KIP-98, KIP-360.
"""

from bisect import insort
from typing import Final

from iowitness.impl.batch_format import sequence_after
from iowitness.impl.batch_writer import NO_PRODUCER, ProducerStamp
from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.producer_batch import ProducerBatch

_HALF: Final = 2**30


class Sequences:
    """Producer id, epoch, and per partition the next sequence and the batches not yet settled.

    Without idempotence (`is_on` False) batches carry -1 throughout and nothing is remembered.
    """

    def __init__(self, *, is_on: bool) -> None:
        self.is_on = is_on
        self.producer_id = -1
        self.producer_epoch = -1
        self.needs_new_epoch = False
        self._next: dict[TopicPartition, int] = {}
        self._unsettled: dict[TopicPartition, list[ProducerBatch]] = {}

    @property
    def may_send(self) -> bool:
        """Whether batches may leave: the id is known and no new epoch is waited for."""
        return not self.is_on or (self.producer_id >= 0 and not self.needs_new_epoch)

    def identified(self, producer_id: int, producer_epoch: int) -> None:
        """Take up an id and epoch; sequences begin at 0 again."""
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.needs_new_epoch = False
        self._next.clear()
        self._unsettled.clear()

    def may_leave(self, batch: ProducerBatch) -> bool:
        """Whether a batch at the head of its queue may be sent beside what is under way."""
        if not self.is_on:
            return True
        if not self.may_send:
            return False
        unsettled = self._unsettled.get(batch.partition)
        return not unsettled or batch.base_sequence < 0 or unsettled[0] is batch

    def stamp(self, batch: ProducerBatch) -> ProducerStamp:
        """What a batch that leaves now has to carry; its sequence is given on the first time."""
        if not self.is_on:
            return NO_PRODUCER
        if batch.base_sequence < 0:
            base = self._next.get(batch.partition, 0)
            batch.base_sequence = base
            self._next[batch.partition] = sequence_after(base, batch.record_count)
            self._unsettled.setdefault(batch.partition, []).append(batch)
        return ProducerStamp(self.producer_id, self.producer_epoch, batch.base_sequence)

    def settled(self, batch: ProducerBatch) -> None:
        """Forget a batch: acknowledged, or given up."""
        if batch.base_sequence < 0:
            return
        unsettled = self._unsettled.get(batch.partition, [])
        if batch in unsettled:
            unsettled.remove(batch)

    def replaced(self, batch: ProducerBatch, pieces: list[ProducerBatch]) -> None:
        """Note that a batch was split: its pieces share out its sequences."""
        if not self.is_on or batch.base_sequence < 0:
            return
        self.settled(batch)
        sequence = batch.base_sequence
        unsettled = self._unsettled.setdefault(batch.partition, [])
        for piece in pieces:
            piece.base_sequence = sequence
            sequence = sequence_after(sequence, piece.record_count)
            insort(unsettled, piece, key=lambda one: sequence_place(one, unsettled))

    def is_next(self, batch: ProducerBatch) -> bool:
        """Whether no earlier batch of its partition is unsettled."""
        unsettled = self._unsettled.get(batch.partition)
        return not unsettled or unsettled[0] is batch

    def unsettled_count(self, partition: TopicPartition) -> int:
        """Batches of a partition that have a sequence and no outcome yet."""
        return len(self._unsettled.get(partition, ()))


def sequence_place(batch: ProducerBatch, among: list[ProducerBatch]) -> int:
    """A key that orders batches by sequence across the wrap from 2**31 - 1 to 0."""
    first = among[0].base_sequence if among else batch.base_sequence
    distance = sequence_after(batch.base_sequence, -first)
    return distance if distance < _HALF else distance - 2 * _HALF

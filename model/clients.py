"""Producer and consumer: the caller's thread that fills batches, the sender's that moves them."""

from collections import deque
from collections.abc import Generator, Iterable

import simpy

from iowitness.model import wire_sizes
from iowitness.model.block_io import Waiting
from iowitness.model.broker import Broker
from iowitness.model.kernel import Kernel
from iowitness.model.machine import Machine
from iowitness.model.murmur2 import partition_of_key
from iowitness.model.network import (
    AskRequest,
    Connection,
    FetchRequest,
    Network,
    ProduceRequest,
    WantedPartition,
    receive_answer,
    send_request,
)
from iowitness.model.producer_rules import Accumulator, ReadyBatch
from iowitness.model.record_encoding import Record
from iowitness.model.recorder import Thread
from iowitness.model.what_if import Consume, Produce

_CLIENT_ID = "iowitness"
_ASK_BODY_BYTE_COUNT = 20


class Producer:
    """Two threads around one accumulator; the counts are of what was sent."""

    def __init__(
        self, machine: Machine, kernel: Kernel, network: Network, broker: Broker, step: Produce
    ) -> None:
        self._machine = machine
        self._kernel = kernel
        self._network = network
        self._broker = broker
        self._step = step
        self._accumulator = Accumulator(step.batch_size_byte_count, step.codec)
        self._buffered_byte_count = 0
        self._changed = machine.env.event()
        self._closing = False
        self.request_count = 0
        self.record_count = 0
        self.byte_count = 0

    def run(self, caller: Thread) -> Waiting:
        """The caller's thread: start the sender, append every record, flush, close."""
        sender = self._machine.recorder.thread(caller, "producer-sender", self._machine.now_ns)
        sending = self._machine.env.process(self._send(sender))
        append_ns = self._machine.hardware.processor.append_record_ns
        busy_ns = 0
        for record in self._step.records():
            busy_ns += append_ns
            self.record_count += 1
            closed = self._accumulator.append(self._partition_of(record), record)
            if closed is not None:
                yield self._machine.compute(caller, busy_ns)
                busy_ns = 0
                self._filled([closed])
                yield from self._room_for(closed)
        yield self._machine.compute(caller, busy_ns)
        self._filled(self._accumulator.flush())
        self._closing = True
        self._tell()
        yield sending

    def _partition_of(self, record: Record) -> int:
        if record.partition is not None:
            return record.partition
        assert record.key is not None
        return partition_of_key(record.key, self._step.partition_count)

    def _filled(self, batches: Iterable[ReadyBatch]) -> None:
        for batch in batches:
            self._buffered_byte_count += batch.plain_byte_count
            self.byte_count += batch.byte_count
        self._tell()

    def _room_for(self, batch: ReadyBatch) -> Waiting:
        """Block while the buffers are full, as `max.block.ms` lets the caller do."""
        limit = self._step.buffer_memory_byte_count - batch.plain_byte_count
        while self._buffered_byte_count > max(0, limit):
            yield self._changed

    def _tell(self) -> None:
        """Wake whoever waits for a batch, an answer or room."""
        changed, self._changed = self._changed, self._machine.env.event()
        changed.succeed()

    def _send(self, sender: Thread) -> Generator[simpy.Event, object, None]:
        """The sender's thread: every network call of the producer is made here."""
        connection = self._network.connect(sender, self._broker.thread)
        yield from _asked(self._kernel, connection, sender)
        in_flight: deque[tuple[ReadyBatch, ...]] = deque()
        while True:
            if self._accumulator.has_ready and len(in_flight) < self._step.max_in_flight:
                batches = tuple(self._accumulator.drained(self._step.max_batches_per_request))
                sizes = [batch.byte_count for batch in batches]
                body = wire_sizes.produce_body_byte_count(self._step.topic, sizes)
                request = ProduceRequest(self._step.topic, batches, self._step.acks)
                size = wire_sizes.request_byte_count(_CLIENT_ID, body)
                yield from send_request(self._kernel, sender, connection, request, size)
                self.request_count += 1
                if self._step.acks == 0:
                    self._freed(batches)
                else:
                    in_flight.append(batches)
            elif in_flight:
                yield from receive_answer(self._kernel, sender, connection)
                self._freed(in_flight.popleft())
            elif self._closing:
                return
            else:
                yield self._changed

    def _freed(self, batches: Iterable[ReadyBatch]) -> None:
        self._buffered_byte_count -= sum(batch.plain_byte_count for batch in batches)
        self._tell()


class Consumer:
    """Fetches until every partition is read to its end."""

    def __init__(
        self, machine: Machine, kernel: Kernel, network: Network, broker: Broker, step: Consume
    ) -> None:
        self._machine = machine
        self._kernel = kernel
        self._network = network
        self._broker = broker
        self._step = step
        self.record_count = 0
        self.byte_count = 0

    def run(self, thread: Thread) -> Waiting:
        """The consumer's only thread."""
        step = self._step
        connection = self._network.connect(thread, self._broker.thread)
        yield from _asked(self._kernel, connection, thread)
        logs = [self._broker.log(step.topic, p).rules for p in range(step.partition_count)]
        ends = [log.next_offset for log in logs]
        offsets = [min(step.start_offset, end) for end in ends]
        self.record_count = sum(ends) - sum(offsets)
        while any(offset < end for offset, end in zip(offsets, ends, strict=True)):
            wanted = tuple(
                WantedPartition(partition, offsets[partition], step.partition_byte_count)
                for partition in range(step.partition_count)
                if offsets[partition] < ends[partition]
            )
            request = FetchRequest(step.topic, wanted, step.fetch_byte_count)
            body = wire_sizes.fetch_body_byte_count(step.topic, len(wanted))
            size = wire_sizes.request_byte_count(_CLIENT_ID, body)
            yield from send_request(self._kernel, thread, connection, request, size)
            answer = yield from receive_answer(self._kernel, thread, connection)
            for partition, region in answer.regions:
                offsets[partition] = logs[partition].read_to(region, offsets[partition])
                self.byte_count += region.byte_count
            yield self._machine.compute(thread, self._checking_ns(answer.regions))

    def _checking_ns(self, regions: Iterable[tuple[int, object]]) -> int:
        """The time to check what came and to hand it on."""
        return self._machine.hardware.processor.append_record_ns * len(list(regions))


def _asked(kernel: Kernel, connection: Connection, thread: Thread) -> Waiting:
    """Versions and metadata, before anything else."""
    for _ in range(2):
        size = wire_sizes.request_byte_count(_CLIENT_ID, _ASK_BODY_BYTE_COUNT)
        yield from send_request(kernel, thread, connection, AskRequest(), size)
        yield from receive_answer(kernel, thread, connection)

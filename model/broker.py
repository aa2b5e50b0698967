"""The broker: one loop that takes requests in order, stores batches, and answers fetches."""

from collections.abc import Generator
from itertools import count

import simpy

from iowitness.model import wire_sizes
from iowitness.model.block_io import Waiting
from iowitness.model.file_calls import replaced, synced_directory
from iowitness.model.kernel import Kernel
from iowitness.model.log_rules import Region
from iowitness.model.machine import Machine
from iowitness.model.network import (
    Answer,
    AskRequest,
    Connection,
    FetchRequest,
    Message,
    Network,
    ProduceRequest,
)
from iowitness.model.recorder import Thread
from iowitness.model.stored_log import StoredLog
from iowitness.model.what_if import LogPolicy

_CHECKPOINTS = (
    "recovery-point-offset-checkpoint",
    "log-start-offset-checkpoint",
    "replication-offset-checkpoint",
)
_CLEAN_STOP = ".kafka_cleanshutdown"
_SMALL_FILE_BYTE_COUNT = 32


class Broker:
    """The logs, and the requests that were answered."""

    def __init__(
        self, machine: Machine, kernel: Kernel, network: Network, policy: LogPolicy, driver: Thread
    ) -> None:
        self._machine = machine
        self._kernel = kernel
        self._network = network
        self._policy = policy
        self._driver = driver
        self._descriptors = count(10)
        self._logs: dict[tuple[str, int], StoredLog] = {}
        self.produce_request_count = 0
        self.fetch_count = 0
        self._one_served = machine.env.event()
        self.thread = self._process()
        machine.env.process(self._loop())

    def served(self, request_count: int) -> Waiting:
        """Wait until so many produce requests have been answered, or need no answer."""
        while self.produce_request_count < request_count:
            yield self._one_served

    def log(self, topic: str, partition: int) -> StoredLog:
        """A partition's log, which exists."""
        return self._logs[topic, partition]

    def create_topic(self, topic: str, partition_count: int) -> Waiting:
        """Make the logs of a topic that does not exist yet."""
        for partition in range(partition_count):
            if (topic, partition) in self._logs:
                continue
            log = StoredLog(
                f"{topic}-{partition}",
                self._policy,
                self._kernel,
                self._machine.recorder,
                self._descriptors,
            )
            self._logs[topic, partition] = log
            yield from log.create(self.thread)

    @property
    def roll_count(self) -> int:
        """Segments that followed a full one."""
        return sum(log.roll_count for log in self._logs.values())

    def restart(self) -> Waiting:
        """Stop cleanly and start again on the same folder."""
        yield from self.stop()
        self.thread = self._process()
        for key in sorted(self._logs):
            yield from self._logs[key].reopen(self.thread)
        recorder = self._machine.recorder
        yield from self._kernel.unlink(self.thread, recorder.file(_CLEAN_STOP))
        yield from synced_directory(
            self._kernel, self.thread, recorder.file("."), self._descriptors
        )

    def stop(self) -> Waiting:
        """Stop cleanly: every log, then the checkpoints, then the note that all is well."""
        for key in sorted(self._logs):
            yield from self._logs[key].close(self.thread)
        recorder = self._machine.recorder
        for name in (*_CHECKPOINTS, _CLEAN_STOP):
            yield from replaced(
                self._kernel,
                self.thread,
                recorder.file(f"{name}.tmp"),
                recorder.file("."),
                _SMALL_FILE_BYTE_COUNT,
                self._descriptors,
            )
        recorder.ended(self.thread, self._machine.now_ns)

    def _process(self) -> Thread:
        recorder, now_ns = self._machine.recorder, self._machine.now_ns
        thread = recorder.process("broker", self._driver, now_ns)
        recorder.name(thread, "broker-loop", now_ns)
        return thread

    def _loop(self) -> Generator[simpy.Event, object, None]:
        while True:
            arrived = yield self._network.inbox.get()
            assert isinstance(arrived, tuple)
            connection, message = arrived
            assert isinstance(connection, Connection)
            assert isinstance(message, Message)
            yield from self._kernel.receive(self.thread, connection.broker, message.byte_count)
            request_ns = self._machine.hardware.processor.request_ns
            yield self._machine.compute(self.thread, request_ns)
            match message.content:
                case ProduceRequest() as request:
                    yield from self._produced(connection, request)
                case FetchRequest() as request:
                    yield from self._fetched(connection, request)
                case AskRequest():
                    yield from self._answered(connection, Answer(), 100)

    def _produced(self, connection: Connection, request: ProduceRequest) -> Waiting:
        for batch in request.batches:
            log = self.log(request.topic, batch.partition)
            yield from log.append(
                self.thread, batch.record_count, batch.byte_count, batch.largest_timestamp_ms
            )
        self.produce_request_count += 1
        served, self._one_served = self._one_served, self._machine.env.event()
        served.succeed()
        if request.acks != 0:
            body = wire_sizes.produced_body_byte_count(request.topic, len(request.batches))
            yield from self._answered(connection, Answer(), body)

    def _fetched(self, connection: Connection, request: FetchRequest) -> Waiting:
        self.fetch_count += 1
        found: list[tuple[int, Region]] = []
        left = request.limit_byte_count
        for wanted in request.wanted:
            log = self.log(request.topic, wanted.partition)
            region = log.rules.read(
                wanted.offset,
                min(wanted.limit_byte_count, left),
                "nothing" if found else "one-batch",
            )
            if region is None:
                continue
            yield from log.find(self.thread, region)
            if region.byte_count:
                found.append((wanted.partition, region))
                left = max(0, left - region.byte_count)
        head = wire_sizes.fetched_body_byte_count(request.topic, len(request.wanted))
        answer = Answer(tuple(found))
        yield from self._kernel.send(
            self.thread, connection.broker, wire_sizes.answer_byte_count(head)
        )
        payload = 0
        for partition, region in found:
            log = self.log(request.topic, partition)
            yield from log.send(self.thread, region, connection.broker)
            payload += region.byte_count
        size = wire_sizes.answer_byte_count(head) + payload
        connection.deliver_to_client(Message(answer, size))

    def _answered(self, connection: Connection, answer: Answer, body: int) -> Waiting:
        size = wire_sizes.answer_byte_count(body)
        yield from self._kernel.send(self.thread, connection.broker, size)
        connection.deliver_to_client(Message(answer, size))

"""Connections over loopback: two sockets, a delay and a rate each way, messages as values."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias

import simpy

from iowitness.model.hardware import Link
from iowitness.model.kernel import Kernel
from iowitness.model.log_rules import Region
from iowitness.model.producer_rules import ReadyBatch
from iowitness.model.recorder import Recorder, Thread
from iowitness.traces.events import Accepted, Connected, Socket

_SECOND_NS = 1_000_000_000
BROKER_ADDRESS = "127.0.0.1:9092"
_FIRST_CLIENT_PORT = 40_000


@dataclass(frozen=True, slots=True)
class ProduceRequest:
    """Batches for partitions of one topic."""

    topic: str
    batches: tuple[ReadyBatch, ...]
    acks: int


@dataclass(frozen=True, slots=True)
class WantedPartition:
    """One partition of a fetch: from which offset, at most how many bytes."""

    partition: int
    offset: int
    limit_byte_count: int


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """Partitions of one topic to read, in order, and the limit of all together."""

    topic: str
    wanted: tuple[WantedPartition, ...]
    limit_byte_count: int


@dataclass(frozen=True, slots=True)
class AskRequest:
    """A request about the cluster: versions, metadata, offsets. It touches no log."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back: for a fetch, the region of each partition that had something."""

    regions: tuple[tuple[int, Region], ...] = ()


Request: TypeAlias = ProduceRequest | FetchRequest | AskRequest


@dataclass(frozen=True, slots=True)
class Message:
    """A request or answer under way, with its size on the wire."""

    content: Request | Answer
    byte_count: int


class _Wire:
    """One direction of a connection: messages arrive in the order in which they were sent."""

    def __init__(self, env: simpy.Environment, link: Link, arrivals: simpy.Store) -> None:
        self._env = env
        self._link = link
        self._arrivals = arrivals
        self._free_ns = 0

    def carry(self, byte_count: int, arriving: object) -> None:
        """Let something travel; it lands in the store."""
        begin_ns = max(int(self._env.now), self._free_ns)
        self._free_ns = begin_ns + byte_count * _SECOND_NS // self._link.bytes_per_s
        arrival = self._env.timeout(self._free_ns + self._link.latency_ns - int(self._env.now))

        def landed(_: simpy.Event) -> None:
            self._arrivals.put(arriving)

        arrival.callbacks.append(landed)


class Connection:
    """One connection: `client` and `broker` are its two ends.

    What the client sends lands in the broker's inbox; what the broker sends, in `answers`.
    """

    def __init__(
        self,
        env: simpy.Environment,
        link: Link,
        inbox: simpy.Store,
        recorder: Recorder,
        number: int,
    ) -> None:
        address = f"127.0.0.1:{_FIRST_CLIENT_PORT + number}"
        self.client = recorder.socket(address, BROKER_ADDRESS)
        self.broker = recorder.socket(BROKER_ADDRESS, address)
        self.answers = simpy.Store(env)
        self._to_broker = _Wire(env, link, inbox)
        self._to_client = _Wire(env, link, self.answers)

    def deliver_to_broker(self, message: Message) -> None:
        """Let a sent request arrive."""
        self._to_broker.carry(message.byte_count, (self, message))

    def deliver_to_client(self, message: Message) -> None:
        """Let a sent answer arrive."""
        self._to_client.carry(message.byte_count, message)


class Network:
    """The broker's address: where connections are made and requests arrive."""

    def __init__(self, env: simpy.Environment, link: Link, recorder: Recorder) -> None:
        self._env = env
        self._link = link
        self._recorder = recorder
        self.inbox = simpy.Store(env)
        self.listener: Socket = recorder.socket(BROKER_ADDRESS, "")
        self._count = 0

    def connect(self, thread: Thread, broker: Thread) -> Connection:
        """A new connection; the broker's loop takes it at once."""
        connection = Connection(self._env, self._link, self.inbox, self._recorder, self._count)
        self._count += 1
        now_ns = int(self._env.now)
        self._recorder.add(
            Connected(
                start_ns=now_ns,
                end_ns=now_ns,
                process_id=thread.process_id,
                thread_id=thread.thread_id,
                call="connect",
                socket=connection.client,
            )
        )
        self._recorder.add(
            Accepted(
                start_ns=now_ns,
                end_ns=now_ns,
                process_id=broker.process_id,
                thread_id=broker.thread_id,
                call="accept4",
                listener=self.listener,
                socket=connection.broker,
                descriptor=100 + self._count,
                close_on_exec=True,
            )
        )
        return connection


def send_request(
    kernel: Kernel, thread: Thread, connection: Connection, request: Request, byte_count: int
) -> Generator[simpy.Event, object, None]:
    """Send a request in one call and let it travel."""
    yield from kernel.send(thread, connection.client, byte_count)
    connection.deliver_to_broker(Message(request, byte_count))


def receive_answer(
    kernel: Kernel, thread: Thread, connection: Connection
) -> Generator[simpy.Event, object, Answer]:
    """Wait for the next answer and take it out of the socket."""
    message = yield connection.answers.get()
    assert isinstance(message, Message)
    yield from kernel.receive(thread, connection.client, message.byte_count)
    assert isinstance(message.content, Answer)
    return message.content

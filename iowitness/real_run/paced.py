"""A real broker under a paced load, untraced: what calibration and the fidelity benchmark measure.

Each role is a forked process; what it found comes back as JSON through a pipe.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from iowitness.impl.consumer import Consumer, ConsumerConfig
from iowitness.impl.delivery import RecordSent
from iowitness.impl.log_config import LogConfig
from iowitness.impl.producer import Producer, ProducerConfig
from iowitness.impl.server import Server
from iowitness.impl.server_config import ServerConfig
from iowitness.real_run.child import Child

TOPIC = "paced"
DEFAULT_CONSUMER = ConsumerConfig()
_HOST = "127.0.0.1"
_LIMIT_S = 120.0
_LATENCY_EVERY = 8
"""One record of so many is timed: a callback for each would be most of the work."""

_MIXER = 2_654_435_761
"""Knuth's multiplier: picks records without a pattern, which places in batches have."""

ResultT = TypeVar("ResultT", bound=Struct)


class BrokerSettings(Struct, frozen=True, kw_only=True):
    """How the broker is run. `memory_cgroup` is a folder of the memory controller to join."""

    partition_count: int = 1
    read_path: Literal["sendfile", "copy"] = "sendfile"
    flush_record_count: int | None = None
    segment_byte_count: int = 1_073_741_824
    memory_cgroup: str | None = None


class PacedProduce(Struct, frozen=True, kw_only=True):
    """Records at an even rate; None is as fast as the producer takes them."""

    record_count: int
    records_per_s: float | None
    record_byte_count: int = 1_000
    batch_size: int = 16_384
    linger_ms: int = 5
    acks: Literal[0, 1, -1] = 1
    max_in_flight: int = 5


class Produced(Struct, frozen=True, kw_only=True):
    """From the first record's due time to the last acknowledgement; so are latencies."""

    record_count: int
    wall_s: float
    cpu_s: float
    caller_cpu_s: float
    latencies_s: list[float]


class Consumed(Struct, frozen=True, kw_only=True):
    """From the first fetch to the last record; `reading_cpu_s` is the records' part of `cpu_s`."""

    record_count: int
    byte_count: int
    fetch_count: int
    wall_s: float
    cpu_s: float
    reading_cpu_s: float
    fetch_latencies_s: list[float]


class RoundTrips(Struct, frozen=True, kw_only=True):
    """How long each of some small requests took, in order."""

    seconds: list[float]


class RunningBroker:
    """A broker in a process of its own; `cpu_s` is known once it has stopped."""

    def __init__(self, port: int, child: Child) -> None:
        self.port = port
        self._child = child

    @property
    def cpu_s(self) -> float:
        """Its processor time so far, or in all."""
        if self._child.cpu_s:
            return self._child.cpu_s
        # Nanoseconds, where stat(5) has ticks; the broker works on its main thread.
        fields = Path(f"/proc/{self._child.process_id}/schedstat").read_text().split()
        return int(fields[0]) / 1e9


@contextmanager
def running_broker(data_folder: Path, settings: BrokerSettings) -> Iterator[RunningBroker]:
    """A broker that serves until the block ends, which stops it cleanly."""
    reader, writer = os.pipe()

    def serve() -> None:
        os.close(reader)
        _serve(str(data_folder), settings, writer)

    with Child("broker", serve) as child:
        os.close(writer)
        with os.fdopen(reader, "rb") as told:
            port_line = told.readline()
        if not port_line:
            child.wait(_LIMIT_S)  # raises with how it ended
        broker = RunningBroker(int(port_line), child)
        yield broker
        child.terminate()
        child.wait(_LIMIT_S)


def _serve(data_folder: str, settings: BrokerSettings, told: int) -> None:
    if settings.memory_cgroup is not None:
        (Path(settings.memory_cgroup) / "cgroup.procs").write_text(str(os.getpid()))
    server = Server(
        data_folder,
        ServerConfig(
            host=_HOST,
            read_path=settings.read_path,
            log=LogConfig(
                segment_byte_count=settings.segment_byte_count,
                flush_record_count=settings.flush_record_count,
            ),
        ),
    )
    server.ensure_topic(TOPIC, settings.partition_count)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when it ends
    server.stop_on(signal.SIGTERM)
    os.write(told, b"%d\n" % server.port)
    os.close(told)
    server.run()


class Asked:
    """A forked client at work; `result` waits for what it found."""

    def __init__(self, role: str, body: Callable[[], Struct]) -> None:
        self._reader, writer = os.pipe()

        def report() -> None:
            os.close(self._reader)
            with os.fdopen(writer, "wb") as out:
                out.write(msgspec.json.encode(body()))

        self._child = Child(role, report)
        os.close(writer)

    def result(self, kind: type[ResultT]) -> ResultT:
        """What it found; `ChildFailed` if it did not end well."""
        with self._child, os.fdopen(self._reader, "rb") as told:
            content = told.read()
            self._child.wait(_LIMIT_S)
        return msgspec.json.decode(content, type=kind)


def producing(port: int, order: PacedProduce) -> Asked:
    """A producer that begins at once."""
    return Asked("producer", lambda: _produce(port, order))


def consuming(port: int, record_count: int, config: ConsumerConfig = DEFAULT_CONSUMER) -> Asked:
    """A consumer that reads from the start until it has so many records."""
    return Asked("consumer", lambda: _consume(port, record_count, config))


def asking(port: int, count: int) -> Asked:
    """A client that asks small questions, one after the other."""
    return Asked("asker", lambda: _ask(port, count))


def _ask(port: int, count: int) -> RoundTrips:
    consumer = Consumer(f"{_HOST}:{port}", ConsumerConfig())
    seconds = []
    with contextlib.closing(consumer):
        partitions = consumer.partitions(TOPIC)
        for _ in range(count):
            start = time.perf_counter()
            consumer.end_offsets(partitions)
            seconds.append(time.perf_counter() - start)
    return RoundTrips(seconds=seconds)


def _produce(port: int, order: PacedProduce) -> Produced:
    producer = Producer(
        f"{_HOST}:{port}",
        ProducerConfig(
            batch_size=order.batch_size,
            linger_ms=order.linger_ms,
            acks=order.acks,
            max_in_flight=order.max_in_flight,
        ),
    )
    producer.send(TOPIC, b"first")  # the connection and the metadata are there before time runs
    producer.flush()
    latencies: list[float] = []
    clock = time.perf_counter
    cpu_before_s, caller_before = time.process_time(), time.thread_time()
    start = clock()
    with contextlib.closing(producer):
        _send_paced(producer, order, start, latencies)
        caller_cpu_s = time.thread_time() - caller_before
        producer.flush()
        wall_s = clock() - start
    return Produced(
        record_count=order.record_count,
        wall_s=wall_s,
        cpu_s=time.process_time() - cpu_before_s,
        caller_cpu_s=caller_cpu_s,
        latencies_s=latencies,
    )


def _send_paced(
    producer: Producer, order: PacedProduce, start: float, latencies: list[float]
) -> None:
    """Send each record when it is due, and all that are due when the thread wakes up late."""
    clock, send = time.perf_counter, producer.send
    value = os.urandom(order.record_byte_count)
    gap_s = 1 / order.records_per_s if order.records_per_s else 0.0
    for number in range(order.record_count):
        due = start + number * gap_s
        if gap_s:
            wait_s = due - clock()
            if wait_s > 0:
                time.sleep(wait_s)
        else:
            due = clock()
        if (number * _MIXER >> 16) % _LATENCY_EVERY:
            send(TOPIC, value)
        else:
            send(TOPIC, value, on_delivery=_timed(due, latencies))


def _timed(
    due: float, latencies: list[float]
) -> Callable[[RecordSent | None, Exception | None], None]:
    def delivered(sent: RecordSent | None, error: Exception | None) -> None:
        del sent
        if error is None:
            latencies.append(time.perf_counter() - due)

    return delivered


def _consume(port: int, record_count: int, config: ConsumerConfig) -> Consumed:
    consumer = Consumer(f"{_HOST}:{port}", config)
    with contextlib.closing(consumer):
        partitions = consumer.partitions(TOPIC)
        consumer.assign(consumer.start_offsets(partitions))
        cpu_before_s = time.process_time()
        found = byte_count = 0
        reading_cpu_s = 0.0
        latencies: list[float] = []
        start = time.perf_counter()
        while found < record_count:
            asked = time.perf_counter()
            fetched = consumer.poll()
            latencies.append(time.perf_counter() - asked)
            before_s = time.process_time()
            for one in fetched:
                byte_count += one.byte_count
                found += sum(1 for _ in one.records())
            reading_cpu_s += time.process_time() - before_s
        wall_s = time.perf_counter() - start
    return Consumed(
        record_count=found,
        byte_count=byte_count,
        fetch_count=len(latencies),
        wall_s=wall_s,
        cpu_s=time.process_time() - cpu_before_s,
        reading_cpu_s=reading_cpu_s,
        fetch_latencies_s=latencies,
    )

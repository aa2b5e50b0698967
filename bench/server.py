"""Servers side by side: ours with sendfile, ours with the copying reader, the reference Kafka.

Repeat with: ./dev bench server [--rounds 3] [--gib 4]. The reference needs Java and `./dev kafka`.
confluent-kafka produces and consumes 100 B records in batches of up to 64 KiB, acks=1; then a
receiver that discards (recv with MSG_TRUNC copies nothing out of the kernel) fetches the same log
over and over, so that the server's own cost shows. CPU seconds are the server's, all threads.
"""

import argparse
import contextlib
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from broker_process import BrokerProcess, broker_process, memory_folder, process_cpu_s

from iowitness.impl.api_table import ApiKey
from iowitness.impl.blocking_connection import BlockingConnection
from iowitness.impl.cluster_view import bootstrap_nodes
from iowitness.impl.fetch_wire import (
    FetchRequest,
    PartitionWanted,
    TopicWanted,
    write_fetch_request,
)
from iowitness.impl.request_header import finished
from iowitness.impl.server_config import ServerConfig

VALUE = bytes(range(100))
TOPIC = "bench"
RECORD_COUNT = 1_000_000
FETCH_BYTE_COUNT = 4 << 20
GIB = 1 << 30


class Round(NamedTuple):
    """What one server did: records/s, and its CPU seconds for each GiB that it sent."""

    produce_rate: float
    produce_cpu_s_per_gib: float
    consume_rate: float
    consume_cpu_s_per_gib: float
    fetch_gib_per_s: float
    fetch_cpu_s_per_gib: float


def produced(server: BrokerProcess) -> tuple[float, float]:
    import confluent_kafka

    settings = {"bootstrap.servers": server.bootstrap, "acks": 1, "batch.size": 65_536}
    producer: Any = confluent_kafka.Producer({**settings, "linger.ms": 5})
    producer.produce(TOPIC, b"warm", partition=0)
    assert producer.flush(60) == 0
    started_s, cpu_s = time.perf_counter(), process_cpu_s(server.pid)
    for _ in range(RECORD_COUNT):
        try:
            producer.produce(TOPIC, VALUE, partition=0)
        except BufferError:
            while len(producer) > 50_000:
                producer.poll(0.001)
            producer.produce(TOPIC, VALUE, partition=0)
    assert producer.flush(120) == 0
    elapsed_s, cpu_s = time.perf_counter() - started_s, process_cpu_s(server.pid) - cpu_s
    return RECORD_COUNT / elapsed_s, cpu_s / (RECORD_COUNT * len(VALUE) / GIB)


def consumed(server: BrokerProcess) -> tuple[float, float]:
    import confluent_kafka

    consumer: Any = confluent_kafka.Consumer(
        {"bootstrap.servers": server.bootstrap, "group.id": "bench", "enable.auto.commit": False}
    )
    consumer.assign([confluent_kafka.TopicPartition(TOPIC, 0, 0)])
    count, started_s, cpu_s = 0, time.perf_counter(), process_cpu_s(server.pid)
    while count < RECORD_COUNT:
        count += len(consumer.consume(10_000, 10))
    elapsed_s, cpu_s = time.perf_counter() - started_s, process_cpu_s(server.pid) - cpu_s
    consumer.close()
    return count / elapsed_s, cpu_s / (count * len(VALUE) / GIB)


def fetched(server: BrokerProcess, gib: float) -> tuple[float, float]:
    """GiB/s, and the server's CPU seconds for each, towards a receiver that discards."""
    (node,) = bootstrap_nodes(server.bootstrap)
    connection = BlockingConnection(node, "bench", 30)
    sock = socket.socket(fileno=os.dup(connection.fileno()))
    wanted = TopicWanted(TOPIC, (PartitionWanted(0, 0, FETCH_BYTE_COUNT),))
    request = FetchRequest(500, 1, FETCH_BYTE_COUNT, (wanted,))
    received, started_s, cpu_s = 0, time.perf_counter(), process_cpu_s(server.pid)
    while received < gib * GIB:
        header, frame = connection.begin(ApiKey.FETCH)
        write_fetch_request(frame, header.version, request)
        connection.send_buffers([finished(frame)])
        left = int.from_bytes(sock.recv(4, socket.MSG_WAITALL), "big")
        received += left
        while left:
            left -= len_discarded(sock, left)
    elapsed_s, cpu_s = time.perf_counter() - started_s, process_cpu_s(server.pid) - cpu_s
    sock.close()
    connection.close()
    return received / GIB / elapsed_s, cpu_s / (received / GIB)


_SCRATCH = bytearray(1 << 20)


def len_discarded(sock: socket.socket, most: int) -> int:
    """How many bytes the kernel threw away. Source: tcp(7), MSG_TRUNC."""
    count = sock.recv_into(_SCRATCH, min(most, len(_SCRATCH)), socket.MSG_TRUNC)
    assert count, "the server closed the connection"
    return count


@contextlib.contextmanager
def ours(config: ServerConfig) -> Iterator[BrokerProcess]:
    with broker_process(config) as server:
        yield server


@contextlib.contextmanager
def reference() -> Iterator[BrokerProcess]:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from confluent_kafka.admin import AdminClient, NewTopic

    from iowitness.traces.traced_processes import child_ids
    from tests.doubles.reference_kafka import ReferenceKafka

    folder = Path(tempfile.mkdtemp(prefix="bench-kafka-", dir=memory_folder()))
    try:
        kafka = ReferenceKafka(folder, segment_byte_count=GIB)
        before = set(child_ids(os.getpid()))
        with kafka.running():
            (pid,) = set(child_ids(os.getpid())) - before
            admin = AdminClient({"bootstrap.servers": kafka.address, "log_level": 0})
            for future in admin.create_topics([NewTopic(TOPIC, 1, 1)]).values():
                future.result(60)
            yield BrokerProcess(pid, kafka.port)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


Opened = Callable[[], contextlib.AbstractContextManager[BrokerProcess]]


def one_round(opened: Opened, gib: float) -> Round:
    with opened() as server:
        of_produce, of_consume = produced(server), consumed(server)
        fetched(server, 0.25)
        return Round(*of_produce, *of_consume, *fetched(server, gib))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gib", type=float, default=4)
    arguments = parser.parse_args()
    servers: dict[str, Opened] = {
        "ours, sendfile": lambda: ours(ServerConfig()),
        "ours, copying": lambda: ours(ServerConfig(read_path="copy")),
    }
    missing = [name for name in ("java", "mvn") if shutil.which(name) is None]
    if missing:
        print(f"the reference Kafka is left out: it needs {' and '.join(missing)}")
    else:
        servers["reference Kafka"] = reference
    found: dict[str, list[Round]] = {name: [] for name in servers}
    for _ in range(arguments.rounds):
        for name, opened in servers.items():
            found[name].append(one_round(opened, arguments.gib))
    print(
        f"{'server':16} {'produced/s':>11} {'CPU s/GiB':>10} {'consumed/s':>11} "
        f"{'CPU s/GiB':>10} "
        f"{'discarded GiB/s':>16} {'CPU s/GiB':>10}"
    )
    best = {name: _best(rounds) for name, rounds in found.items()}
    for name, one in best.items():
        print(
            f"{name:16} {one.produce_rate:11,.0f} {one.produce_cpu_s_per_gib:10.2f} "
            f"{one.consume_rate:11,.0f} "
            f"{one.consume_cpu_s_per_gib:10.2f} {one.fetch_gib_per_s:16.2f} "
            f"{one.fetch_cpu_s_per_gib:10.3f}"
        )
    _print_ratios(found)


def _best(rounds: list[Round]) -> Round:
    return Round(
        max(one.produce_rate for one in rounds),
        min(one.produce_cpu_s_per_gib for one in rounds),
        max(one.consume_rate for one in rounds),
        min(one.consume_cpu_s_per_gib for one in rounds),
        max(one.fetch_gib_per_s for one in rounds),
        min(one.fetch_cpu_s_per_gib for one in rounds),
    )


def _print_ratios(found: dict[str, list[Round]]) -> None:
    """Of each round by itself; the median of them."""

    def ratio(name: str, other: str, figure: str) -> float:
        pairs = zip(found[name], found[other], strict=True)
        return statistics.median(getattr(a, figure) / getattr(b, figure) for a, b in pairs)

    copying = ratio("ours, sendfile", "ours, copying", "fetch_cpu_s_per_gib")
    print(f"ratio CPU s/GiB, sendfile / copying reader: {copying:.2f}  expected <= 0.6")
    if "reference Kafka" not in found:
        return
    for figure, expected in (
        ("produce_rate", ">= 1"),
        ("produce_cpu_s_per_gib", "< 1"),
        ("consume_rate", ">= 1"),
        ("consume_cpu_s_per_gib", "< 1"),
        ("fetch_gib_per_s", ">= 1"),
        ("fetch_cpu_s_per_gib", "< 1"),
    ):
        value = ratio("ours, sendfile", "reference Kafka", figure)
        print(f"ratio {figure}, ours / reference Kafka: {value:.2f}  expected {expected}")


if __name__ == "__main__":
    main()

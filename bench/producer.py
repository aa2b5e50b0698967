"""Producers side by side: same run, same server, same records.

Repeat with: ./dev bench producer [--rounds 3] [--only send/confluent] [--mock]
100 B values, acks=1, 16 KiB batches, linger 5 ms, one partition; for the rest each client's own
defaults: 5 requests under way for ours, any number for librdkafka. Every client runs in a process
of its own, one after another, against a broker of ours in another process (or librdkafka's mock
cluster), and is timed from the first record handed over to the last one acknowledged. CPU is that
of the client's process over the same time, all of its threads: the figure that other programs on
the machine disturb least. The server's CPU per wall second shows whether it held the client up.
"""

import argparse
import asyncio
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import NamedTuple

from broker_process import broker_process, process_cpu_s

VALUE = bytes(range(100))
TOPIC = "bench"
BATCH_BYTE_COUNT = 16_384
LINGER_MS = 5
HISTORIC_RATE = 821_557
"""Records/s of one producer, not replicated. Source: J. Kreps, Benchmarking Apache Kafka, 2014."""


class Taken(NamedTuple):
    wall_s: float
    cpu_s: float


class Clock:
    """Wall and CPU time of this process from `start` to `stop`."""

    def start(self) -> None:
        self._cpu_s = _cpu_s()
        self._wall_s = time.perf_counter()

    def stop(self) -> Taken:
        wall_s = time.perf_counter() - self._wall_s
        return Taken(wall_s, _cpu_s() - self._cpu_s)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def ours_send(bootstrap: str, count: int) -> Taken:
    return _sent(_ours(bootstrap), count)


def ours_send_in_flight(bootstrap: str, count: int) -> Taken:
    """With as many requests under way as librdkafka allows by default, in effect any number."""
    return _sent(_ours(bootstrap, max_in_flight=1_000_000), count)


def _sent(opened, count: int) -> Taken:  # type: ignore[no-untyped-def]
    with opened as producer:
        clock = Clock()
        clock.start()
        send = producer.send
        for _ in range(count):
            send(TOPIC, VALUE)
        producer.flush(120)
        return clock.stop()


def ours_send_callback(bootstrap: str, count: int) -> Taken:
    calls = [0]

    def called(sent: object, error: object) -> None:
        calls[0] += 1

    with _ours(bootstrap) as producer:
        clock = Clock()
        clock.start()
        send = producer.send
        for _ in range(count):
            send(TOPIC, VALUE, on_delivery=called)
        producer.flush(120)
        taken = clock.stop()
    assert calls[0] == count
    return taken


def ours_send_many(bootstrap: str, count: int) -> Taken:
    each = 10_000
    values = [VALUE] * each
    with _ours(bootstrap) as producer:
        clock = Clock()
        clock.start()
        for _ in range(count // each):
            producer.send_many(TOPIC, values)
        producer.flush(120)
        return clock.stop()


def _ours(bootstrap: str, max_in_flight: int = 5):  # type: ignore[no-untyped-def]
    from iowitness.impl.producer import Producer
    from iowitness.impl.producer_config import ProducerConfig

    config = ProducerConfig(
        acks=1,
        batch_size=BATCH_BYTE_COUNT,
        linger_ms=LINGER_MS,
        max_in_flight=max_in_flight,
    )
    producer = Producer(bootstrap, config)
    producer.send(TOPIC, b"warm").result(30)
    return producer


def confluent(bootstrap: str, count: int) -> Taken:
    producer = _confluent(bootstrap)
    clock = Clock()
    clock.start()
    produce = producer.produce
    for _ in range(count):
        try:
            produce(TOPIC, VALUE)
        except BufferError:
            _drained(producer)
            produce(TOPIC, VALUE)
    assert producer.flush(120) == 0
    return clock.stop()


def confluent_callback(bootstrap: str, count: int) -> Taken:
    calls = [0]

    def called(error: object, message: object) -> None:
        calls[0] += 1

    producer = _confluent(bootstrap)
    clock = Clock()
    clock.start()
    produce, poll = producer.produce, producer.poll
    for number in range(count):
        try:
            produce(TOPIC, VALUE, on_delivery=called)
        except BufferError:
            _drained(producer)
            produce(TOPIC, VALUE, on_delivery=called)
        if number % 1_000 == 0:
            poll(0)
    assert producer.flush(120) == 0
    taken = clock.stop()
    assert calls[0] == count
    return taken


def _confluent(bootstrap: str):  # type: ignore[no-untyped-def]
    import confluent_kafka

    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": bootstrap,
            "acks": 1,
            "batch.size": BATCH_BYTE_COUNT,
            "linger.ms": LINGER_MS,
        }
    )
    producer.produce(TOPIC, b"warm")
    assert producer.flush(30) == 0
    return producer


def _drained(producer) -> None:  # type: ignore[no-untyped-def]
    """Wait until half of the queue, by default 100,000 records, is free again."""
    while len(producer) > 50_000:
        producer.poll(0.001)


def aiokafka(bootstrap: str, count: int) -> Taken:
    return asyncio.run(_aiokafka(bootstrap, count))


async def _aiokafka(bootstrap: str, count: int) -> Taken:
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks=1,
        max_batch_size=BATCH_BYTE_COUNT,
        linger_ms=LINGER_MS,
    )
    await producer.start()
    await producer.send_and_wait(TOPIC, b"warm")
    clock = Clock()
    clock.start()
    for _ in range(count):
        await producer.send(TOPIC, VALUE)
    await producer.flush()
    taken = clock.stop()
    await producer.stop()
    return taken


def kafka_python(bootstrap: str, count: int) -> Taken:
    from kafka import KafkaProducer

    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        acks=1,
        batch_size=BATCH_BYTE_COUNT,
        linger_ms=LINGER_MS,
        enable_idempotence=False,
    )
    producer.send(TOPIC, b"warm").get(30)
    clock = Clock()
    clock.start()
    for _ in range(count):
        producer.send(TOPIC, VALUE)
    producer.flush(120)
    taken = clock.stop()
    producer.close()
    return taken


class Client(NamedTuple):
    """Somebody who produces, and how many records make a run of a second or two."""

    run: Callable[[str, int], Taken]
    record_count: int


CLIENTS = {
    "send": Client(ours_send, 1_000_000),
    "send, in flight": Client(ours_send_in_flight, 1_000_000),
    "send+callback": Client(ours_send_callback, 1_000_000),
    "send_many": Client(ours_send_many, 3_000_000),
    "confluent": Client(confluent, 1_000_000),
    "confluent+callback": Client(confluent_callback, 1_000_000),
    "aiokafka": Client(aiokafka, 200_000),
    "kafka-python": Client(kafka_python, 100_000),
}


class Round(NamedTuple):
    rate: float
    cpu_us: float
    server_share: float


def _child(name: str, bootstrap: str, count: int, report: Connection) -> None:
    report.send(CLIENTS[name].run(bootstrap, count))


def one_round(name: str, bootstrap: str, server_pid: int) -> Round:
    count = CLIENTS[name].record_count
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_child, args=(name, bootstrap, count, theirs))
    process.start()
    theirs.close()
    server_cpu_s = process_cpu_s(server_pid)
    taken: Taken = ours.recv()
    server_cpu_s = process_cpu_s(server_pid) - server_cpu_s
    process.join(60)
    return Round(count / taken.wall_s, taken.cpu_s / count * 1e6, server_cpu_s / taken.wall_s)


def _mock(report: Connection) -> None:
    import confluent_kafka

    producer = confluent_kafka.Producer({"bootstrap.servers": "", "test.mock.num.brokers": 1})
    (broker,) = producer.list_topics(timeout=10).brokers.values()
    report.send(f"{broker.host}:{broker.port}")
    time.sleep(3_600)


def measured(names: list[str], rounds: int, *, on_mock: bool) -> dict[str, list[Round]]:
    found: dict[str, list[Round]] = {name: [] for name in names}
    for _ in range(rounds):
        if on_mock:
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            mock = context.Process(target=_mock, args=(theirs,), daemon=True)
            mock.start()
            bootstrap = ours.recv()
            for name in names:
                assert mock.pid is not None
                found[name].append(one_round(name, bootstrap, mock.pid))
            mock.terminate()
            mock.join(10)
        else:
            for name in names:
                with broker_process() as broker:
                    found[name].append(one_round(name, broker.bootstrap, broker.pid))
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="/".join(CLIENTS), help="names, a / between two")
    parser.add_argument("--mock", action="store_true", help="librdkafka's mock cluster as server")
    arguments = parser.parse_args()
    names = arguments.only.split("/")
    found = measured(names, arguments.rounds, on_mock=arguments.mock)
    print(f"{'client':20} {'best/s':>11} {'median/s':>11} {'CPU us':>8} {'server CPU':>11}")
    for name, rounds in found.items():
        print(
            f"{name:20} {max(one.rate for one in rounds):11,.0f} "
            f"{statistics.median(one.rate for one in rounds):11,.0f} "
            f"{min(one.cpu_us for one in rounds):8.2f} "
            f"{max(one.server_share for one in rounds):10.0%}"
        )
    _print_ratios(found)


def _print_ratios(found: dict[str, list[Round]]) -> None:
    """Of each round by itself, since both ran in it; the median of them."""

    def ratio(name: str, other: str) -> float:
        pairs = zip(found[name], found[other], strict=True)
        return statistics.median(one.rate / two.rate for one, two in pairs)

    for name in ("send", "send, in flight"):
        if {name, "confluent"} <= found.keys():
            print(f"ratio {name} / confluent {ratio(name, 'confluent'):.2f}  expected >= 1.5")
    if {"send+callback", "confluent+callback"} <= found.keys():
        print(f"ratio with callbacks {ratio('send+callback', 'confluent+callback'):.2f}")
    for name, least in (("send", 1_000_000), ("send_many", 2_000_000)):
        if name in found:
            best = max(one.rate for one in found[name])
            print(
                f"{name}: {best:,.0f} records/s, expected > {least:,}; "
                f"{best / HISTORIC_RATE:.2f} times the historic {HISTORIC_RATE:,}"
            )


if __name__ == "__main__":
    main()

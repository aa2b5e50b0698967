"""A broker killed with -9 again and again while a producer sends: nothing lost, nothing twice.

    ./dev bench reliability/kill_loop [--kills N] [--seed S]

The broker is killed at moments that the seed draws, during recovery too. The producer is ours:
idempotent, with retries. At the end every partition has each value that was acknowledged, once and
in order, and no other but the unacknowledged last ones.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
from multiprocessing.connection import Connection

from reported import print_head

from iowitness.impl.consumer import Consumer, ConsumerConfig
from iowitness.impl.log_config import LogConfig
from iowitness.impl.producer import Producer, ProducerConfig
from iowitness.impl.server import Server
from iowitness.impl.server_config import ServerConfig

PARTITIONS = 2
TOPIC = "values"
LOG = LogConfig(segment_byte_count=20_000, index_byte_count=4_096, index_interval_byte_count=1_000)


def serve(folder: str, port: int) -> None:
    """The child's whole life; the parent ends it."""
    server = Server(folder, ServerConfig(port=port, default_partition_count=PARTITIONS, log=LOG))
    server.stop_on(signal.SIGTERM)
    server.run()


def forked(folder: str, port: int) -> int:
    """A broker's process id."""
    process_id = os.fork()
    if process_id == 0:
        code = 1
        try:
            serve(folder, port)
            code = 0
        finally:
            os._exit(code)
    return process_id


def produce(port: int, told: Connection) -> None:
    """Send until the parent says so; then tell how many of each partition were acknowledged."""
    config = ProducerConfig(
        batch_size=2_000,
        linger_ms=1,
        max_block_ms=600_000,
        delivery_timeout_ms=600_000,
        request_timeout_ms=2_000,
    )
    producer = Producer(f"127.0.0.1:{port}", config)
    futures = []
    number = 0
    while not told.poll():
        for partition in range(PARTITIONS):
            futures.append(producer.send(TOPIC, b"%d" % number, partition=partition))
        number += 1
        if number % 50 == 0:
            time.sleep(0.002)
    producer.flush()
    producer.close(timeout_s=60)
    counts = [0] * PARTITIONS
    for place, future in enumerate(futures):
        future.result(0)
        counts[place % PARTITIONS] += 1
    told.send(counts)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print_head(f"kill -9, seed {asked.seed}")
    chance = random.Random(asked.seed)
    folder = tempfile.mkdtemp(prefix="kill-loop-")
    port = free_port()
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    began = time.monotonic()
    broker = forked(folder, port)
    producer = context.Process(target=produce, args=(port, theirs), daemon=True)
    producer.start()
    theirs.close()  # so that a producer that ends early ends the wait for what it tells
    try:
        time.sleep(1.0)
        for _ in range(asked.kills):
            os.kill(broker, signal.SIGKILL)
            os.waitpid(broker, 0)
            broker = forked(folder, port)
            # From the middle of recovery to long after it.
            time.sleep(chance.choice((0.005, 0.02, 0.05, 0.1, 0.2, 0.5)) * chance.uniform(0.5, 1.5))
        ours.send("stop")
        counts = ours.recv()
        found = consumed(port)
    finally:
        producer.kill()
        os.kill(broker, signal.SIGKILL)
        os.waitpid(broker, 0)
    wrong = [fault for fault in map(fault_of, range(PARTITIONS), counts, found) if fault]
    for fault in wrong:
        print(fault)
    print(
        f"{asked.kills} kills, {sum(counts):,} records acknowledged, {len(wrong)} partitions wrong,"
        f" {time.monotonic() - began:.0f} s"
    )
    if wrong:
        print(f"kept: {folder}; again: ./dev bench reliability/kill_loop --seed {asked.seed} "
              f"--kills {asked.kills}")  # fmt: skip
    else:
        shutil.rmtree(folder)
    sys.exit(1 if wrong else 0)


def consumed(port: int) -> list[list[int]]:
    """Every partition's values in order."""
    consumer = Consumer(f"127.0.0.1:{port}", ConsumerConfig())
    partitions = consumer.partitions(TOPIC)
    consumer.assign(consumer.start_offsets(partitions), consumer.end_offsets(partitions))
    found: list[list[int]] = [[] for _ in range(PARTITIONS)]
    while consumer.positions:
        for fetched in consumer.poll():
            found[fetched.partition[1]] += [int(r.value or b"-1") for r in fetched.records()]
    consumer.close()
    return found


def fault_of(partition: int, count: int, found: list[int]) -> str | None:
    """What is wrong with one partition: values are 0, 1, 2 and so on."""
    if found == list(range(len(found))) and len(found) == count:
        return None
    lost = sorted(set(range(count)) - set(found))
    twice = len(found) - len(set(found))
    return (
        f"partition {partition}: {len(lost)} lost ({lost[:5]}), {twice} twice, "
        f"{'in' if found == sorted(found) else 'out of'} order, {len(found)} of {count}"
    )


if __name__ == "__main__":
    main()

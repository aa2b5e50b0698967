"""Healthy clients beside a crowd: 1,000 idle or half-open connections and 200 slow readers.

    ./dev bench crowd [--seconds S] [--rounds N]

One server process; rounds without and with the crowd take turns, so that a noisy machine hits both.
A healthy client produces and fetches 1 KiB, one request after another. Prints p50 and p99 of both,
their ratios, the server's CPU seconds, and its descriptors and memory before a crowd,
during the last one and after each.
"""

import argparse
import multiprocessing
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from iowitness.impl.api_table import ApiKey
from iowitness.impl.batch_writer import encode_batch
from iowitness.impl.compression import NO_COMPRESSION
from iowitness.impl.fetch_wire import (
    FetchRequest,
    PartitionWanted,
    TopicWanted,
    write_fetch_request,
)
from iowitness.impl.produce_wire import write_produce_request
from iowitness.impl.request_header import RequestHeader, finished, request_frame

IDLE_COUNT = 500
HALF_OPEN_COUNT = 500
SLOW_COUNT = 200
_BIG_BYTE_COUNT = 32 * 1024 * 1024
_VALUE = bytes(1_000)


def produce_frame(topic: str, batch: bytes) -> bytes:
    head = request_frame(RequestHeader(ApiKey.PRODUCE, 7, 1, "crowd"))
    buffers = write_produce_request(head, 7, acks=1, timeout_ms=1_000, batches=[(topic, 0, batch)])
    whole = bytearray(b"".join(buffers))
    return bytes(finished(whole))


def fetch_frame(topic: str, offset: int, byte_count: int) -> bytes:
    frame = request_frame(RequestHeader(ApiKey.FETCH, 11, 1, "crowd"))
    wanted = TopicWanted(topic, (PartitionWanted(0, offset, byte_count),))
    write_fetch_request(frame, 11, FetchRequest(0, 1, byte_count, (wanted,)))
    return bytes(finished(frame))


def metadata_frame(topic: str) -> bytes:
    frame = request_frame(RequestHeader(ApiKey.METADATA, 1, 1, "crowd"))
    name = topic.encode()
    frame += b"\0\0\0\1" + len(name).to_bytes(2, "big") + name
    return bytes(finished(frame))


def asked(sock: socket.socket, frame: bytes) -> int:
    """Send a request and read its whole answer; the answer's size in bytes."""
    sock.sendall(frame)
    head = sock.recv(4, socket.MSG_WAITALL)
    size = int.from_bytes(head, "big")
    left = size
    while left:
        piece = sock.recv(min(left, 1 << 20))
        if not piece:
            raise ConnectionError("the server closed a healthy connection")
        left -= len(piece)
    return size


def crowd(port: int, orders: Connection) -> None:
    """The crowd's process: comes on "come", goes on "go", ends on "end"."""
    sockets: list[socket.socket] = []
    slow: list[socket.socket] = []
    while True:
        if orders.poll(0.1 if slow else None):
            order = orders.recv()
            if order == "come":
                sockets = [_idler(port, number) for number in range(IDLE_COUNT + HALF_OPEN_COUNT)]
                slow = [_slow_reader(port) for _ in range(SLOW_COUNT)]
                orders.send(len(sockets) + len(slow))
            else:
                for sock in (*sockets, *slow):
                    sock.close()
                sockets, slow = [], []
                orders.send(0)
                if order == "end":
                    return
        for sock in slow:
            try:
                sock.recv(4096, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue


def _idler(port: int, number: int) -> socket.socket:
    """Half of them have asked something once, half have begun a frame and say no more."""
    sock = socket.create_connection(("127.0.0.1", port))
    frame = metadata_frame("big")
    if number < IDLE_COUNT:
        asked(sock, frame)
    else:
        sock.sendall(frame[: 1 + number % 10])
    return sock


def _slow_reader(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    sock.connect(("127.0.0.1", port))
    sock.sendall(fetch_frame("big", 0, _BIG_BYTE_COUNT))
    return sock


def latencies_us(sock: socket.socket, seconds: float) -> list[float]:
    """Round trips of one healthy client, produce and fetch in turn."""
    batch = bytes(encode_batch([(1, None, _VALUE, ())], NO_COMPRESSION))
    frames = (produce_frame("small", batch), fetch_frame("small", 0, 1_200))
    taken = []
    end = time.monotonic() + seconds
    while (now := time.perf_counter_ns()) and time.monotonic() < end:
        asked(sock, frames[len(taken) & 1])
        taken.append((time.perf_counter_ns() - now) / 1_000)
    return taken


def server_use(process_id: int) -> tuple[int, float]:
    """Open descriptors and resident MiB."""
    status = Path(f"/proc/{process_id}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return len(os.listdir(f"/proc/{process_id}/fd")), int(resident.split()[1]) / 1024


def cpu_s(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(folder: str) -> Iterator[tuple[int, int]]:
    command = [sys.executable, "-m", "iowitness", "serve", "--dir", folder, "--port", "0"]
    with subprocess.Popen(
        [*command, "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield int(line.split()[2].rpartition(":")[2]), process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def fill(port: int) -> None:
    """The topics: one large enough that slow readers never end, one small."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        for topic in ("big", "small"):
            asked(sock, metadata_frame(topic))
        record = (1, None, _VALUE * 100, ())
        frame = produce_frame("big", bytes(encode_batch([record] * 9, NO_COMPRESSION)))
        for _ in range(_BIG_BYTE_COUNT // len(frame) + 1):
            asked(sock, frame)


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each round")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    alone: list[float] = []
    crowded: list[float] = []
    after: list[tuple[int, float]] = []
    cpu = {"alone": 0.0, "crowded": 0.0}
    with tempfile.TemporaryDirectory() as folder, server(folder) as (port, process_id):
        fill(port)
        other = spawning.Process(target=crowd, args=(port, theirs))
        other.start()
        with socket.create_connection(("127.0.0.1", port)) as sock:
            latencies_us(sock, 1.0)
            before = server_use(process_id)
            for _ in range(options.rounds):
                started = cpu_s(process_id)
                alone += latencies_us(sock, options.seconds)
                cpu["alone"] += cpu_s(process_id) - started
                ours.send("come")
                count = ours.recv()
                started = cpu_s(process_id)
                crowded += latencies_us(sock, options.seconds)
                cpu["crowded"] += cpu_s(process_id) - started
                during = server_use(process_id)
                ours.send("go")
                ours.recv()
                time.sleep(0.5)
                after.append(server_use(process_id))
            ours.send("end")
            ours.recv()
            other.join(30)
    print(f"crowd of {count} connections, {options.rounds} rounds of {options.seconds} s each")
    for name, values in (("alone", alone), ("crowded", crowded)):
        print(
            f"{name:8} {len(values):7} requests  p50 {_percentile(values, 50):7.0f} us  "
            f"p99 {_percentile(values, 99):7.0f} us  server CPU "
            f"{cpu[name] / len(values) * 1e6:6.1f} us a request"
        )
    print(f"p50 ratio {_percentile(crowded, 50) / _percentile(alone, 50):.2f}")
    print(f"p99 ratio {_percentile(crowded, 99) / _percentile(alone, 99):.2f}")
    uses = [("before", before), ("during", during)]
    uses += [(f"after {number}", use) for number, use in enumerate(after, 1)]
    for name, (descriptors, resident) in uses:
        print(f"{name:8} {descriptors:5} descriptors  {resident:7.1f} MiB resident")


if __name__ == "__main__":
    main()

"""A crowd of idle, half-open and slow connections: everyone else is served, and all of it ends."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from iowitness.impl.batch_writer import encode_batch
from iowitness.impl.compression import NO_COMPRESSION
from tests.doubles.broker_process import BrokerProcess, broker_process, until
from tests.doubles.raw_client import (
    API_VERSIONS,
    FETCH,
    METADATA,
    PRODUCE,
    RawClient,
    fetch_body,
    produce_body,
    request,
)

_BATCH = bytes(encode_batch([(1, None, bytes(900_000), ())], NO_COMPRESSION))
_BATCH_COUNT = 12


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    with broker_process(tmp_path) as process:
        with RawClient(process.port) as client:
            client.send(request(METADATA, 1, b"\0\0\0\1\0\1t"))
            client.answer()
            for _ in range(_BATCH_COUNT):
                client.send(request(PRODUCE, 3, produce_body("t", 0, _BATCH)))
                client.answer()
        yield process


def _fetch(offset: int, byte_count: int) -> bytes:
    return request(FETCH, 4, fetch_body("t", offset, byte_count))


def test_healthy_clients_are_served_beside_a_crowd_that_leaves_nothing_behind(
    broker: BrokerProcess,
) -> None:
    until(broker.is_alone)
    before = broker.resident_byte_count()
    with contextlib.ExitStack() as crowd:
        idle = [crowd.enter_context(RawClient(broker.port)) for _ in range(300)]
        for number, client in enumerate(idle):
            client.send(API_VERSIONS[: number % 18])
        slow = [
            crowd.enter_context(RawClient(broker.port, receive_byte_count=4_096)) for _ in range(60)
        ]
        for client in slow:
            client.send(_fetch(0, _BATCH_COUNT * len(_BATCH)))
        with RawClient(broker.port) as healthy:
            for number in range(50):
                for client in slow:
                    client.socket.recv(512)
                healthy.send(_fetch(number % _BATCH_COUNT, 1))
                assert len(healthy.answer()) > len(_BATCH)
                healthy.send(request(PRODUCE, 3, produce_body("t", 0, _BATCH)))
                assert healthy.answer()
        # Their answers wait as places in a file: sixty of ten megabytes take no memory.
        assert broker.resident_byte_count() - before < 32 * 1024 * 1024
    until(broker.is_alone)
    time.sleep(0.05)
    assert broker.resident_byte_count() - before < 32 * 1024 * 1024
    assert broker.closing_lines() == [] or all("reset" in line for line in broker.closing_lines())

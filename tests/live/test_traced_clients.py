"""Our broker under strace while clients produce and consume: the contracts hold for each."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from iowitness.specs import Outcome, Verdict
from iowitness.specs.batched_sends import BatchedSends
from iowitness.specs.contract import AnyContract
from iowitness.specs.sequential_writes import SequentialWrites
from iowitness.specs.stored_as_sent import StoredAsSent
from iowitness.specs.zero_copy_reads import ZeroCopyReads
from iowitness.trace_sources import judged_stream
from iowitness.traces.traced_processes import child_ids
from tests.doubles.clients import MatrixClient, Sent
from tests.doubles.clients.aio import AioKafka
from tests.doubles.clients.confluent import Confluent
from tests.doubles.clients.java_console import JavaConsole
from tests.doubles.clients.kafka_python import KafkaPython
from tests.doubles.clients.kafkajs import KafkaJs
from tests.doubles.clients.kcat import Kcat
from tests.doubles.clients.ours import Ours
from tests.doubles.ptrace_here import needs_strace
from tests.doubles.traced_server import free_port, once_it_answers, traced

pytestmark = [
    pytest.mark.live,
    pytest.mark.client,
    needs_strace,
    pytest.mark.filterwarnings("ignore"),
]

_CLIENTS: tuple[Callable[[], MatrixClient], ...] = (
    Confluent,
    KafkaPython,
    AioKafka,
    Kcat,
    Ours,
    KafkaJs,
    JavaConsole,
)
_RECORD_COUNT = 300
_LARGEST_BUFFER_BYTE_COUNT = 131_072


class _Run:
    """The verdicts by name, and of each client why it had no part in the run, if it had none."""

    def __init__(self, folder: Path) -> None:
        self.raw = folder / "serve.strace"
        self.root = folder / "data"
        self.missing: dict[str, str] = {}
        self.verdicts: dict[str, Verdict] = {}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> _Run:
    run = _Run(tmp_path_factory.mktemp("traced"))
    port = free_port()
    command = [sys.executable, "-m", "iowitness", "serve", "--dir", str(run.root)]

    def talk() -> None:
        address = f"127.0.0.1:{port}"
        once_it_answers(lambda: socket.create_connection(("127.0.0.1", port), 5).close())
        try:
            for make in _CLIENTS:
                try:
                    if make is JavaConsole and shutil.which("java") is None:
                        pytest.skip("java is not installed")
                    _exchange(make(), address)
                except pytest.skip.Exception as reason:
                    run.missing[_name(make)] = str(reason)
        finally:
            for tracer in child_ids(os.getpid()):
                for server in child_ids(tracer):
                    if str(run.root).encode() in Path(f"/proc/{server}/cmdline").read_bytes():
                        os.kill(server, signal.SIGTERM)

    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    traced(
        [*command, "--port", str(port), "--quiet"],
        run.raw,
        talk,
        content_byte_count=_LARGEST_BUFFER_BYTE_COUNT,
        **quiet,
    )
    contracts = [one for make in _CLIENTS for one in _contracts(_name(make))]
    judged = judged_stream(run.raw, contracts, str(run.root))
    run.verdicts = {verdict.contract: verdict for verdict in judged.verdicts}
    return run


def _contracts(client: str) -> tuple[AnyContract, ...]:
    files = f"**/{client}-*/[0-9]*.log"
    return (
        SequentialWrites(name=f"{client}: sequential-writes", files=files),
        ZeroCopyReads(name=f"{client}: zero-copy-reads", files=files, head_bytes=61),
        StoredAsSent(name=f"{client}: stored-as-sent", files=files),
        BatchedSends(name=f"{client}: batched-sends", files=files, minimum_bytes_per_send=8_192),
    )


def _name(make: Callable[[], MatrixClient]) -> str:
    return make.__name__.lower()  # type: ignore[attr-defined,no-any-return]  # a class has one


def _exchange(client: MatrixClient, address: str) -> None:
    chance = random.Random(1)
    for codec in {client.codecs[0], client.codecs[-1]}:
        topic = f"{type(client).__name__.lower()}-{codec}"
        records = [
            Sent(topic, 0, chance.randbytes(60).hex().encode()) for _ in range(_RECORD_COUNT)
        ]
        client.produce(address, codec, records, None)
        values = [one.value for one in records]
        assert client.read_partition(address, topic, 0, len(values)) == values


@pytest.mark.parametrize("make", _CLIENTS)
def test_the_contracts_hold_for_each_client(make: Callable[[], MatrixClient], run: _Run) -> None:
    name = _name(make)
    if name in run.missing:
        pytest.skip(run.missing[name])
    verdicts = [one for contract, one in run.verdicts.items() if contract.startswith(f"{name}: ")]
    assert len(verdicts) == 4
    assert {one.outcome for one in verdicts} == {Outcome.HOLDS}, [one.summary for one in verdicts]
    assert all(one.event_count for one in verdicts)

"""What iowitness's own broker and clients take of a processor, for predictions about them.

Two loads that differ in records a request give two equations for the cost of a record and of a
request. Each role is a process of its own, and its CPU time is asked for, not the clock's.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from iowitness.calibrate.repeated import Measured, of_values
from iowitness.real_run.paced import (
    BrokerSettings,
    Consumed,
    PacedProduce,
    Produced,
    consuming,
    producing,
    running_broker,
)

_ROUND_COUNT = 3
_RECORD_BYTE_COUNT = 1_000
_SINGLE = PacedProduce(record_count=2_500, records_per_s=None, batch_size=1, linger_ms=0)
_BATCHED = PacedProduce(record_count=30_000, records_per_s=None, batch_size=65_536, linger_ms=50)
_LONE = PacedProduce(record_count=240, records_per_s=200.0, batch_size=1, linger_ms=0)

METHOD = (
    f"CPU time of iowitness's own broker and clients over {_ROUND_COUNT} rounds: "
    f"{_SINGLE.record_count:,} requests of one record and {_BATCHED.record_count:,} records in "
    "batches of 64 KiB give the cost of a record and of a request; the batched records are read "
    f"back; {_LONE.record_count} records 5 ms apart give the time to an acknowledgement"
)


class _Round(NamedTuple):
    """One round's figures in nanoseconds."""

    producer_record_ns: float
    producer_request_ns: float
    broker_request_ns: float
    consumer_record_ns: float
    acknowledged_ns: float


def code_figures(folder: Path) -> dict[str, Measured]:
    """Costs by the preset's field, and `acknowledged_ns`, a lone record's way to and fro."""
    rounds = [_round(folder) for _ in range(_ROUND_COUNT)]
    return {
        "processor.append_record_ns": of_values([one.producer_record_ns for one in rounds]),
        "processor.client_request_ns": of_values([one.producer_request_ns for one in rounds]),
        "processor.request_ns": of_values([one.broker_request_ns for one in rounds]),
        "processor.read_record_ns": of_values([one.consumer_record_ns for one in rounds]),
        "acknowledged_ns": of_values([one.acknowledged_ns for one in rounds]),
    }


@contextmanager
def _data_folder(folder: Path) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix=".iowitness-calibrate.", dir=folder))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _round(folder: Path) -> _Round:
    with _data_folder(folder) as data, running_broker(data / "a", BrokerSettings()) as broker:
        idle_s = broker.cpu_s
        single = producing(broker.port, _SINGLE).result(Produced)
        broker_ns = (broker.cpu_s - idle_s) / _SINGLE.record_count * 1e9
        lone = producing(broker.port, _LONE).result(Produced)
    with _data_folder(folder) as data, running_broker(data / "b", BrokerSettings()) as broker:
        batched = producing(broker.port, _BATCHED).result(Produced)
        read = consuming(broker.port, _BATCHED.record_count).result(Consumed)
    per_request = _BATCHED.batch_size // _RECORD_BYTE_COUNT
    # single = record + request, batched = record + request / per_request
    single_ns = single.cpu_s / single.record_count * 1e9
    batched_ns = batched.cpu_s / batched.record_count * 1e9
    request_ns = max(1.0, (single_ns - batched_ns) * per_request / (per_request - 1))
    return _Round(
        producer_record_ns=max(1.0, single_ns - request_ns),
        producer_request_ns=request_ns,
        broker_request_ns=broker_ns,
        consumer_record_ns=read.cpu_s / read.record_count * 1e9,
        acknowledged_ns=median(lone.latencies_s) * 1e9,
    )

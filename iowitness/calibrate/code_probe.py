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

from iowitness.calibrate.repeated import Measured, of_calm_values
from iowitness.impl.consumer import ConsumerConfig
from iowitness.real_run.paced import (
    BrokerSettings,
    Consumed,
    PacedProduce,
    Produced,
    RoundTrips,
    asking,
    consuming,
    producing,
    running_broker,
)

_SMALL_FETCHES = ConsumerConfig(partition_byte_count=65_536)
_ROUND_COUNT = 5
_TRIP_COUNT = 100
_RECORD_BYTE_COUNT = 1_000
_SINGLE = PacedProduce(record_count=2_500, records_per_s=None, batch_size=1, linger_ms=0)
_BATCHED = PacedProduce(record_count=60_000, records_per_s=None, batch_size=65_536, linger_ms=50)
_LINGER_MS = 3
_LINGERING = PacedProduce(
    record_count=150, records_per_s=100.0, batch_size=65_536, linger_ms=_LINGER_MS
)

METHOD = (
    f"CPU time of iowitness's own broker and clients over {_ROUND_COUNT} rounds: "
    f"{_SINGLE.record_count:,} requests of one record and {_BATCHED.record_count:,} records in "
    "batches of 64 KiB give the cost of a record and of a request; the batched records are read "
    "back in fetches of 1 MiB and of 64 KiB, for the same; "
    f"{_LINGERING.record_count} records 10 ms apart with {_LINGER_MS} ms of linger tell by how "
    "much timers, and idle processes, are late; the lower quartile of the rounds counts, because "
    "what others do at the time only adds to it"
)


class _Round(NamedTuple):
    """One round's figures in nanoseconds."""

    producer_record_ns: float
    producer_request_ns: float
    broker_request_ns: float
    consumer_record_ns: float
    consumer_fetch_ns: float
    lingered_ns: float
    round_trip_ns: float


def code_figures(folder: Path) -> dict[str, Measured]:
    """Costs by the preset's field; `round_trip_ns`, a small request's way to and fro; and
    `lingered_ns`, what a lone record takes beyond its linger.
    """
    rounds = [_round(folder) for _ in range(_ROUND_COUNT)]
    return {
        "processor.append_record_ns": of_calm_values([one.producer_record_ns for one in rounds]),
        "processor.send_request_ns": of_calm_values([one.producer_request_ns for one in rounds]),
        "processor.request_ns": of_calm_values([one.broker_request_ns for one in rounds]),
        "processor.read_record_ns": of_calm_values([one.consumer_record_ns for one in rounds]),
        "processor.fetch_request_ns": of_calm_values([one.consumer_fetch_ns for one in rounds]),
        "lingered_ns": of_calm_values([one.lingered_ns for one in rounds]),
        "round_trip_ns": of_calm_values([one.round_trip_ns for one in rounds]),
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
        lingering = producing(broker.port, _LINGERING).result(Produced)
        trips = asking(broker.port, _TRIP_COUNT).result(RoundTrips)
    with _data_folder(folder) as data, running_broker(data / "b", BrokerSettings()) as broker:
        batched = producing(broker.port, _BATCHED).result(Produced)
        count = _BATCHED.record_count
        large = consuming(broker.port, count).result(Consumed)
        small = consuming(broker.port, count, _SMALL_FETCHES).result(Consumed)
    per_request = _BATCHED.batch_size // _RECORD_BYTE_COUNT
    # single = record + request, batched = record + request / per_request
    single_ns = single.cpu_s / single.record_count * 1e9
    batched_ns = batched.cpu_s / batched.record_count * 1e9
    request_ns = max(1.0, (single_ns - batched_ns) * per_request / (per_request - 1))
    more_fetches = small.fetch_count - large.fetch_count
    fetch_ns = max(1.0, (small.cpu_s - large.cpu_s) * 1e9 / max(1, more_fetches))
    return _Round(
        producer_record_ns=max(1.0, single_ns - request_ns),
        producer_request_ns=request_ns,
        broker_request_ns=broker_ns,
        consumer_record_ns=large.reading_cpu_s / large.record_count * 1e9,
        consumer_fetch_ns=fetch_ns,
        lingered_ns=median(lingering.latencies_s) * 1e9 - _LINGER_MS * 1e6,
        round_trip_ns=median(trips.seconds) * 1e9,
    )

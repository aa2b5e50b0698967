"""The model against queueing theory, where that has exact answers: M/D/1, M/M/1, and monotony.

Means over seeds have to have the exact value in their confidence interval of 99.9 %. The seeds are
fixed, so a pass today is a pass tomorrow. Source: Kleinrock, Queueing Systems I, 1975, 5.9
(Pollaczek-Khinchin).
"""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.model.block_request import BlockRequest
from iowitness.model.broker_load import (
    ArrivalKind,
    Arrivals,
    BrokerLoad,
    BrokerThreads,
    ProducerLoad,
    RecordSizes,
    SizeKind,
    Storage,
)
from iowitness.model.broker_simulation import simulate_broker
from iowitness.model.confidence import interval
from iowitness.model.hardware import (
    Hardware,
    Link,
    Processor,
    RateByDepth,
    VirtualDiskFigures,
)
from iowitness.model.seeded_random import stream
from iowitness.model.virtual_disk import VirtualDisk

SECOND_NS = 1_000_000_000
SECTOR_NS = 1_000
SEEDS = range(8)


def disk(bytes_per_s: float = 512 * SECOND_NS / SECTOR_NS, flush_ns: int = 0) -> VirtualDiskFigures:
    """A disk that is one server: a sector takes a microsecond, nothing else does."""
    rates = (RateByDepth(depth=1, bytes_per_s=bytes_per_s),)
    return VirtualDiskFigures(
        byte_count=10**12,
        read_latency_ns=0,
        write_latency_ns=0,
        flush_ns=flush_ns,
        read_rates=rates,
        write_rates=rates,
    )


def mean_stay_ns(draws: Random, sizes: SizeKind, load: float, count: int = 12_000) -> float:
    """Of Poisson arrivals at a disk, with sizes of 1,000 sectors or of that mean."""
    drive, at, total = VirtualDisk(disk()), 0.0, 0
    for _ in range(count):
        at += draws.expovariate(load / (1_000 * SECTOR_NS))
        sectors = 1_000 if sizes == "constant" else max(1, round(draws.expovariate(1 / 1_000)))
        total += drive.completion_ns(BlockRequest("read", 0, sectors), round(at)) - round(at)
    return total / count


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_a_disk_with_equal_requests_is_an_m_d_1_queue(load: float) -> None:
    stays = [mean_stay_ns(stream(seed, "m/d/1"), "constant", load) / 1e6 for seed in SEEDS]
    assert interval(stays, 0.999).holds(1 + load / (2 * (1 - load)))


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_a_disk_with_exponential_requests_is_an_m_m_1_queue(load: float) -> None:
    stays = [mean_stay_ns(stream(seed, "m/m/1"), "exponential", load) / 1e6 for seed in SEEDS]
    found = interval(stays, 0.999)
    assert found.holds(1 / (1 - load))
    assert found.half_width < 0.5 / (1 - load)


def broker_load(
    rate: float, seconds: float, kind: ArrivalKind = "poisson", sizes: SizeKind = "constant"
) -> BrokerLoad:
    """Every record is a request of its own, and nobody reads."""
    return BrokerLoad(
        producers=ProducerLoad(
            arrivals=Arrivals(records_per_s=rate, kind=kind),
            sizes=RecordSizes(mean_byte_count=20_000, kind=sizes),
            batch_size_byte_count=1,
            linger_ns=0,
            max_in_flight=10**9,
        ),
        consumers=(),
        storage=Storage(partition_count=1),
        threads=BrokerThreads(network_count=1, request_count=1),
        duration_ns=int(seconds * SECOND_NS),
    )


def machine(request_ns: int = 10_000, link_bytes_per_s: int = 10**11) -> Hardware:
    return Hardware(
        name="test",
        disk=disk(bytes_per_s=10e9),
        processor=Processor(core_count=64, request_ns=request_ns, append_record_ns=1),
        link=Link(bytes_per_s=link_bytes_per_s),
    )


def test_a_broker_with_one_request_thread_is_an_m_d_1_queue() -> None:
    slow, load = machine(request_ns=1_000_000), 0.6
    alone = simulate_broker(slow, broker_load(10, 20, "constant"))
    busy_ns = alone.utilisation["request threads"] * 20e9 / alone.produce_request_count
    rate = load / busy_ns * 1e9
    waits = [
        simulate_broker(slow, broker_load(rate, 8), seed).produce_latency.mean_ns
        - alone.produce_latency.mean_ns
        for seed in SEEDS
    ]
    assert interval(waits, 0.999).holds(busy_ns * load / (2 * (1 - load)))


def test_a_broker_behind_a_narrow_link_with_exponential_records_is_an_m_m_1_queue() -> None:
    narrow, load = machine(link_bytes_per_s=20_000_000), 0.5
    service_ns = 1e9 * 20_171 / 20e6  # a record, its batch's and its request's heads
    rate = load / service_ns * 1e9
    fixed_ns = simulate_broker(narrow, broker_load(5, 40, "constant")).produce_latency.mean_ns
    stays = [
        simulate_broker(narrow, broker_load(rate, 8, sizes="exponential"), seed)
        .produce_latency.mean_ns - fixed_ns + service_ns
        for seed in SEEDS
    ]  # fmt: skip
    assert interval(stays, 0.999).holds(service_ns / (1 - load))


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(1, 2_000), st.integers(0, 10**7)), max_size=40
    ),
    st.floats(1.01, 50),
)
def test_a_faster_disk_ends_no_request_later(
    requests: list[tuple[int, int, int]], times_faster: float
) -> None:
    slow, fast = VirtualDisk(disk(50e6)), VirtualDisk(disk(50e6 * times_faster))
    now_ns = 0
    for sector, count, pause_ns in requests:
        request = BlockRequest("write", sector, count)
        assert fast.completion_ns(request, now_ns) <= slow.completion_ns(request, now_ns)
        now_ns += pause_ns


@pytest.mark.parametrize("seed", range(3))
def test_a_faster_disk_makes_no_broker_slower_that_syncs_each_request(seed: int) -> None:
    base = broker_load(200, 4)
    load = replace(base, storage=Storage(partition_count=1, flush_record_count=1))
    means = [
        simulate_broker(
            replace(machine(), disk=disk(bytes_per_s=rate, flush_ns=flush_ns)), load, seed
        ).produce_latency.mean_ns
        for rate, flush_ns in ((50e6, 2_000_000), (100e6, 1_000_000), (1e9, 100_000))
    ]
    assert means == sorted(means, reverse=True)

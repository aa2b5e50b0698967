"""`simulate_broker`: what each policy and each kind of load does to the figures."""

from dataclasses import replace

import pytest

from iowitness.model.broker_load import (
    Arrivals,
    BrokerLoad,
    BrokerThreads,
    ConsumerLoad,
    ProducerLoad,
    Storage,
)
from iowitness.model.broker_simulation import simulate_broker
from iowitness.model.hardware import Hardware, Memory, Processor, RateByDepth, VirtualDiskFigures

SECOND_NS = 1_000_000_000
RATES = (RateByDepth(depth=1, bytes_per_s=200e6),)
HARDWARE = Hardware(
    name="test",
    disk=VirtualDiskFigures(
        byte_count=10**12,
        read_latency_ns=100_000,
        write_latency_ns=50_000,
        flush_ns=500_000,
        read_rates=RATES,
        write_rates=RATES,
    ),
    memory=Memory(byte_count=2 * 10**9),
)
PRODUCERS = ProducerLoad(arrivals=Arrivals(records_per_s=5_000), count=2)
LOAD = BrokerLoad(producers=PRODUCERS, duration_ns=2 * SECOND_NS)


def test_without_acknowledgements_a_record_is_done_when_it_has_left() -> None:
    unheard = replace(LOAD, producers=replace(PRODUCERS, acks=0))
    one, other = simulate_broker(HARDWARE, LOAD), simulate_broker(HARDWARE, unheard)
    assert other.produce_latency.mean_ns < one.produce_latency.mean_ns
    assert other.stored_byte_count == pytest.approx(one.stored_byte_count, rel=0.05)


def test_bursts_stretch_the_tail_of_the_latency() -> None:
    narrow = replace(HARDWARE, link=replace(HARDWARE.link, bytes_per_s=20_000_000))
    bursts = replace(PRODUCERS.arrivals, kind="bursty")
    even, bursty = (
        simulate_broker(narrow, replace(LOAD, producers=replace(PRODUCERS, arrivals=arrivals)))
        for arrivals in (PRODUCERS.arrivals, bursts)
    )
    assert bursty.produce_latency.quantile_ns(0.99) > 5 * even.produce_latency.quantile_ns(0.99)


def test_old_segments_go_by_size_and_by_age() -> None:
    small = Storage(partition_count=2, segment_byte_count=500_000)
    by_size = replace(small, retention_byte_count=1_000_000)
    by_age = replace(small, retention_ns=SECOND_NS // 2)
    for storage in (by_size, by_age):
        figures = simulate_broker(HARDWARE, replace(LOAD, storage=storage))
        assert figures.roll_count > 10
        assert figures.deleted_byte_count > 0
        assert figures.log_byte_count == figures.stored_byte_count - figures.deleted_byte_count
    assert figures.log_byte_count == pytest.approx(2_500_000 + 2 * 500_000, rel=0.35)
    kept = simulate_broker(HARDWARE, replace(LOAD, storage=small))
    assert kept.deleted_byte_count == 0


def test_a_flush_interval_syncs_every_partition_that_often() -> None:
    storage = Storage(partition_count=2, flush_interval_ns=SECOND_NS // 4)
    figures = simulate_broker(HARDWARE, replace(LOAD, storage=storage))
    files = 3  # a log and its two indexes
    assert 7 * 2 <= figures.sync_count <= 8 * 2 * files
    assert figures.device_write_byte_count > 0.7 * figures.stored_byte_count


def test_rolled_segments_are_synced_in_the_background() -> None:
    figures = simulate_broker(
        HARDWARE, replace(LOAD, storage=Storage(partition_count=1, segment_byte_count=2_000_000))
    )
    assert figures.roll_count >= 3
    assert figures.roll_count <= figures.sync_count <= 3 * figures.roll_count


def test_one_loop_for_everything_is_busier_than_threads_of_two_kinds() -> None:
    """No request threads: the network thread does their work, and no resource of theirs exists."""
    slow = replace(HARDWARE, processor=Processor(request_ns=300_000))
    loop = simulate_broker(
        slow, replace(LOAD, threads=BrokerThreads(network_count=1, request_count=0))
    )
    both = simulate_broker(slow, replace(LOAD, threads=BrokerThreads(network_count=1)))
    assert "request threads" not in loop.utilisation
    assert loop.utilisation["network threads"] > 2 * both.utilisation["network threads"]
    assert loop.produce_latency.mean_ns > both.produce_latency.mean_ns


def test_clients_on_the_brokers_cores_take_them_from_it() -> None:
    own = simulate_broker(HARDWARE, LOAD)
    shared = simulate_broker(HARDWARE, replace(LOAD, client_cores="shared"))
    core_ns = HARDWARE.processor.core_count * LOAD.duration_ns
    assert own.utilisation["cores"] * core_ns == pytest.approx(own.cpu_ns["broker"], rel=0.01)
    everybody_ns = sum(shared.cpu_ns.values())
    assert shared.utilisation["cores"] * core_ns == pytest.approx(everybody_ns, rel=0.01)
    assert everybody_ns > shared.cpu_ns["broker"]


def test_a_group_with_a_bounded_rate_falls_behind_by_the_difference() -> None:
    slow = ConsumerLoad(name="slow", rate_bytes_per_s=1_000_000)
    (group,) = simulate_broker(HARDWARE, replace(LOAD, consumers=(slow,))).groups
    assert group.bytes_per_s == pytest.approx(1e6, rel=0.3)
    assert group.final_lag_byte_count == pytest.approx(2 * (5.06e6 - 1e6), rel=0.25)


def test_members_of_a_group_share_its_partitions() -> None:
    pair = ConsumerLoad(name="pair", count=2)
    alone, shared = (
        simulate_broker(HARDWARE, replace(LOAD, consumers=(one,))) for one in (ConsumerLoad(), pair)
    )
    assert shared.groups[0].delivered_byte_count == pytest.approx(
        alone.groups[0].delivered_byte_count, rel=0.01
    )


def test_a_fetch_waits_for_its_least_bytes_but_not_for_ever() -> None:
    patient = ConsumerLoad(
        fetch_min_byte_count=10**9, fetch_max_wait_ns=SECOND_NS // 4, name="patient"
    )
    figures = simulate_broker(HARDWARE, replace(LOAD, consumers=(patient,)))
    assert figures.groups[0].fetch_count == pytest.approx(8, abs=1)
    assert figures.groups[0].final_lag_byte_count < 0.2 * figures.stored_byte_count


def test_records_that_wait_are_counted_when_too_many_requests_are_under_way() -> None:
    far = replace(HARDWARE, link=replace(HARDWARE.link, latency_ns=200_000_000))
    figures = simulate_broker(far, LOAD)
    assert max(sample.unsent_record_count for sample in figures.samples) > 100
    assert figures.produce_latency.quantile_ns(0.5) > 400_000_000

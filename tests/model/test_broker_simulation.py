"""`simulate_broker`: what holds of every load, and what is known of simple ones."""

import tracemalloc
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iowitness.model.broker_figures import BrokerFigures
from iowitness.model.broker_load import (
    Arrivals,
    BrokerLoad,
    Compression,
    ConsumerLoad,
    ProducerLoad,
    Storage,
)
from iowitness.model.broker_simulation import simulate_broker
from iowitness.model.hardware import Hardware, Memory, RateByDepth, VirtualDiskFigures

SECOND_NS = 1_000_000_000


def hardware(disk_bytes_per_s: float = 500e6, memory_byte_count: int = 4 * 10**9) -> Hardware:
    rates = (RateByDepth(depth=1, bytes_per_s=disk_bytes_per_s),)
    disk = VirtualDiskFigures(
        byte_count=10**12,
        read_latency_ns=100_000,
        write_latency_ns=50_000,
        flush_ns=500_000,
        read_rates=rates,
        write_rates=rates,
    )
    return Hardware(name="test", disk=disk, memory=Memory(byte_count=memory_byte_count))


def load(rate: float = 20_000, seconds: float = 2, **changes: object) -> BrokerLoad:
    made = BrokerLoad(
        producers=ProducerLoad(arrivals=Arrivals(records_per_s=rate), count=3),
        duration_ns=int(seconds * SECOND_NS),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # each test names real fields


def loads() -> st.SearchStrategy[BrokerLoad]:
    return st.builds(
        lambda rate, count, spread, threads, segment, flush, transfer, lag, kind: BrokerLoad(
            producers=ProducerLoad(
                arrivals=Arrivals(records_per_s=rate, kind=kind),
                count=count,
                spread=spread,
                threads=threads,
            ),
            duration_ns=SECOND_NS // 4,
            consumers=(ConsumerLoad(), ConsumerLoad(name="behind", start_lag_byte_count=lag)),
            storage=Storage(
                partition_count=4,
                segment_byte_count=segment,
                retention_byte_count=4 * segment,
                flush_record_count=flush,
                stored_byte_count=40_000_000,
            ),
            transfer=transfer,
        ),
        st.floats(100, 100_000),
        st.integers(1, 5),
        st.sampled_from(["sticky", "keyed"]),
        st.sampled_from(["one", "two"]),
        st.sampled_from([500_000, 10_000_000, 1_073_741_824]),
        st.sampled_from([None, 1, 1_000]),
        st.sampled_from(["sendfile", "copy"]),
        st.integers(0, 30_000_000),
        st.sampled_from(["poisson", "constant", "bursty"]),
    )


@settings(max_examples=20, deadline=None)
@given(loads())
def test_bytes_are_conserved(drawn: BrokerLoad) -> None:
    figures = simulate_broker(hardware(100e6, 40_000_000), drawn, 3)
    before = drawn.storage.stored_byte_count // 4 * 4
    assert figures.log_byte_count == before + figures.stored_byte_count - figures.deleted_byte_count
    assert figures.stored_byte_count <= figures.sent_byte_count
    assert figures.acknowledged_record_count <= figures.offered_record_count * 1.2 + 100
    for group in figures.groups:
        assert group.final_lag_byte_count >= 0
    received = sum(group.delivered_byte_count for group in figures.groups)
    assert received == figures.delivered_byte_count
    assert figures.page_cache_miss_byte_count <= figures.device_read_byte_count
    assert figures.dirty_byte_count <= figures.resident_byte_count


@settings(max_examples=10, deadline=None)
@given(loads())
def test_the_same_seed_gives_the_same_figures(drawn: BrokerLoad) -> None:
    machine = hardware(100e6, 40_000_000)
    assert simulate_broker(machine, drawn, 5) == simulate_broker(machine, drawn, 5)


def test_another_seed_gives_other_figures() -> None:
    one, other = (simulate_broker(hardware(), load(), seed) for seed in (1, 2))
    assert one.produce_latency != other.produce_latency


def test_positions_and_ends_only_grow_over_time() -> None:
    samples = simulate_broker(hardware(), load()).samples
    for before, after in pairwise(samples):
        assert before.time_ns < after.time_ns
        assert before.log_end_byte_count <= after.log_end_byte_count
        assert before.read_byte_counts[0] <= after.read_byte_counts[0]
        assert after.read_byte_counts[0] <= after.log_end_byte_count


def test_a_light_load_is_carried_at_its_rate_and_from_memory() -> None:
    figures = simulate_broker(hardware(), load(seconds=5))
    assert figures.records_per_s == pytest.approx(20_000, rel=0.02)
    assert figures.hit_rate == 1
    assert figures.device_read_byte_count == 0
    assert not figures.bottleneck.saturated
    assert figures.produce_latency.quantile_ns(0.5) < 10_000_000


def test_a_disk_that_is_too_slow_is_named_as_the_bottleneck() -> None:
    slow = hardware(disk_bytes_per_s=10e6, memory_byte_count=200_000_000)
    figures = simulate_broker(slow, load(rate=60_000, seconds=20))
    assert figures.bottleneck.saturated
    assert figures.bottleneck.resource == "disk"
    assert figures.stored_bytes_per_s < 20e6


def test_a_group_that_starts_behind_reads_the_disk_and_catches_up() -> None:
    storage = Storage(stored_byte_count=1_000_000_000)
    behind = ConsumerLoad(name="behind", start_lag_byte_count=500_000_000)
    figures = simulate_broker(
        hardware(memory_byte_count=250_000_000),
        load(rate=5_000, seconds=5, storage=storage, consumers=(ConsumerLoad(), behind)),
    )
    tail, late = figures.groups
    assert late.final_lag_byte_count < 2_000_000
    assert late.delivered_byte_count == pytest.approx(500_000_000 + tail.delivered_byte_count,
                                                      rel=0.01)  # fmt: skip
    assert figures.device_read_byte_count > 200_000_000
    assert figures.hit_rate < 0.8


def test_copying_costs_more_processor_time_than_sendfile() -> None:
    by: dict[str, BrokerFigures] = {
        how: simulate_broker(hardware(), load(transfer=how)) for how in ("sendfile", "copy")
    }
    assert by["copy"].cpu_s_per_gib > by["sendfile"].cpu_s_per_gib
    assert by["copy"].cpu_copied_byte_counts["read"] >= by["copy"].delivered_byte_count
    assert "read" not in by["sendfile"].cpu_copied_byte_counts


def test_splicing_costs_a_little_more_than_sendfile_and_mapping_a_copy() -> None:
    by: dict[str, BrokerFigures] = {
        how: simulate_broker(hardware(), load(transfer=how))
        for how in ("sendfile", "splice", "mmap", "copy")
    }
    costs = [by[how].cpu_s_per_gib for how in ("sendfile", "splice", "mmap", "copy")]
    assert costs == sorted(costs)
    assert by["mmap"].cpu_copied_byte_counts["send"] >= by["mmap"].delivered_byte_count


def test_a_slow_link_holds_a_reader_back_and_is_the_bottleneck() -> None:
    slow = replace(hardware(), link=replace(hardware().link, bytes_per_s=30_000_000))
    storage = Storage(stored_byte_count=400_000_000)
    behind = ConsumerLoad(name="behind", start_lag_byte_count=300_000_000)
    figures = simulate_broker(
        slow, load(rate=1_000, seconds=4, storage=storage, consumers=(behind,))
    )
    assert figures.bottleneck.resource == "network out"
    assert figures.bottleneck.utilisation > 0.95
    assert figures.groups[0].bytes_per_s == pytest.approx(30e6, rel=0.05)


def test_tls_takes_sendfile_away() -> None:
    figures = simulate_broker(hardware(), load(security="tls"))
    assert figures.cpu_copied_byte_counts["read"] >= figures.delivered_byte_count


def test_an_fsync_for_each_request_costs_latency() -> None:
    storage = Storage(flush_record_count=1)
    synced = simulate_broker(hardware(), load(rate=2_000, storage=storage))
    left_alone = simulate_broker(hardware(), load(rate=2_000))
    assert synced.sync_count >= synced.produce_request_count > 0
    assert synced.produce_latency.mean_ns > left_alone.produce_latency.mean_ns + 500_000


def test_compression_stores_less_and_costs_the_callers() -> None:
    codec = Compression(ratio=0.25, compress_bytes_per_s=400e6, decompress_bytes_per_s=1_500e6)
    plain = load()
    squeezed = replace(plain, producers=replace(plain.producers, compression=codec))
    one, other = (simulate_broker(hardware(), each) for each in (plain, squeezed))
    assert other.stored_byte_count < 0.3 * one.stored_byte_count
    assert other.cpu_ns["producer"] > one.cpu_ns["producer"]


def test_bigger_batches_mean_fewer_requests() -> None:
    base = load(rate=50_000, seconds=0.5)
    small, large = (
        simulate_broker(
            hardware(), replace(base, producers=replace(base.producers, batch_size_byte_count=size))
        )
        for size in (4_096, 65_536)
    )
    assert large.records_per_request > 5 * small.records_per_request


def test_one_thread_waits_for_every_answer() -> None:
    base = load(rate=100_000)
    slow_answers = replace(hardware(), link=replace(hardware().link, latency_ns=5_000_000))
    one, two = (
        simulate_broker(
            slow_answers, replace(base, producers=replace(base.producers, threads=threads))
        )
        for threads in ("one", "two")
    )
    assert two.records_per_s > 1.5 * one.records_per_s


def test_a_warm_up_that_leaves_nothing_to_measure_is_refused() -> None:
    with pytest.raises(ValueError, match="warm_up_ns=2000000000, expected 0 to below"):
        simulate_broker(hardware(), load(warm_up_ns=2 * SECOND_NS))


def test_a_sender_that_looks_now_and_then_sends_full_batches_later() -> None:
    def median_ns(look_record_count: int) -> int:
        producers = ProducerLoad(
            arrivals=Arrivals(records_per_s=6_000, kind="constant"),
            linger_ns=5_000_000,
            look_record_count=look_record_count,
        )
        load = BrokerLoad(producers=producers, duration_ns=1_000_000_000, consumers=())
        return simulate_broker(hardware(), load).produce_latency.quantile_ns(0.5)

    # 16 records of 1 kB fill a batch in 2.7 ms; looking after every 14 finds it later by half that.
    assert median_ns(0) + 700_000 < median_ns(14) < median_ns(0) + 2_700_000


def test_memory_does_not_grow_with_the_bytes_that_go_through() -> None:
    """With retention, three times the bytes need no more memory."""

    def peak(seconds: float) -> int:
        storage = Storage(
            partition_count=2, segment_byte_count=20_000_000, retention_byte_count=60_000_000
        )
        made = load(rate=40_000, seconds=seconds, storage=storage, sample_count=10)
        few = replace(made.producers, batch_size_byte_count=262_144, linger_ns=50_000_000)
        made = replace(made, producers=few)
        tracemalloc.start()
        figures = simulate_broker(hardware(memory_byte_count=300_000_000), made)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert figures.log_byte_count < 200_000_000
        assert figures.stored_byte_count > 35_000_000 * seconds
        return most

    assert peak(9) < 1.5 * peak(3)

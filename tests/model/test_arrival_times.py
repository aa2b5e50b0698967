"""Arrivals counted in batches have the law of arrivals counted one by one."""

from itertools import pairwise
from statistics import mean, variance

import pytest

from iowitness.model.arrival_times import ArrivalTimes
from iowitness.model.broker_load import ArrivalKind, Arrivals
from iowitness.model.confidence import interval
from iowitness.model.seeded_random import poisson, stream

SECOND_NS = 1_000_000_000


def arrivals(kind: ArrivalKind, rate: float, seed: int = 1) -> ArrivalTimes:
    return ArrivalTimes(Arrivals(records_per_s=rate, kind=kind), 1, stream(seed, "arrivals"))


@pytest.mark.parametrize("expected", [0.5, 7.0, 12.0, 400.0])
def test_poisson_draws_have_their_mean_as_variance(expected: float) -> None:
    draws = stream(3, "poisson")
    values = [poisson(draws, expected) for _ in range(8_000)]
    assert interval(values, 0.999).holds(expected)
    assert variance(values) == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize("kind", ["poisson", "constant", "bursty"])
def test_batches_follow_one_another_and_keep_the_rate(kind: ArrivalKind) -> None:
    source, count, before_ns = arrivals(kind, 1_000), 0, 0
    while before_ns < 100 * SECOND_NS:
        span = source.batch(30, 20_000_000)
        assert before_ns <= span.first_ns <= span.last_ns
        assert span.last_ns - span.first_ns <= 20_000_000
        assert 1 <= span.count <= 30
        count += span.count
        before_ns = span.last_ns
    assert count == pytest.approx(100_000, rel=0.02)


def test_full_batches_take_as_long_as_that_many_gaps() -> None:
    source = arrivals("poisson", 1_000)
    spans = [source.batch(30, 10 * SECOND_NS) for _ in range(2_000)]
    assert {span.count for span in spans} == {30}
    lengths = [(span.last_ns - span.first_ns) / 1e6 for span in spans]
    assert interval(lengths, 0.999).holds(29)  # 29 gaps of a mean of 1 ms
    assert variance(lengths) == pytest.approx(29, rel=0.15)


def test_bursts_come_in_the_first_part_of_each_period() -> None:
    source = arrivals("bursty", 1_000)
    spans = [source.batch(1, 0) for _ in range(5_000)]
    assert all(span.first_ns % SECOND_NS <= 100_000_000 for span in spans)
    gaps = [b.first_ns - a.first_ns for a, b in pairwise(spans)]
    assert mean(gaps) == pytest.approx(1_000_000, rel=0.05)


def test_what_came_until_now_is_counted_once() -> None:
    source, count = arrivals("poisson", 1_000), 0
    for now_ns in range(0, 50 * SECOND_NS, SECOND_NS // 7):
        span = source.until(now_ns)
        count += span.count if span is not None else 0
    assert count == pytest.approx(50_000, rel=0.02)


def test_a_batch_that_waits_ends_with_its_last_record_and_is_ready_when_the_wait_is_over() -> None:
    times = ArrivalTimes(Arrivals(records_per_s=500, kind="constant"), 1, stream(0, "x"))
    span = times.batch(100, 5_000_000)
    assert (span.count, span.last_ns - span.first_ns) == (3, 4_000_000)
    assert span.ready_ns == span.first_ns + 5_000_000

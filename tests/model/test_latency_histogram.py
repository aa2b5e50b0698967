"""Times in buckets: close to the exact quantiles, and added up without loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.model.latency_histogram import LatencyHistogram

TIMES = st.lists(st.integers(0, 10**13), min_size=1, max_size=60)


def histogram(times: list[int]) -> LatencyHistogram:
    made = LatencyHistogram()
    for time in times:
        made.add(time)
    return made


@given(TIMES, st.floats(0.01, 1))
def test_a_quantile_is_within_its_bucket_of_the_exact_one(times: list[int], p: float) -> None:
    exact = sorted(times)[max(0, -int(-p * len(times) // 1) - 1)]
    assert histogram(times).quantile_ns(p) == pytest.approx(exact, rel=0.008, abs=1)


@given(TIMES, TIMES)
def test_merged_histograms_are_those_of_all_the_times(one: list[int], other: list[int]) -> None:
    merged = histogram(one)
    merged.add_all(histogram(other))
    assert merged == histogram(one + other)


@given(TIMES)
def test_the_curve_rises_to_one_at_the_largest_time(times: list[int]) -> None:
    points = list(histogram(times).curve())
    assert points == sorted(points)
    assert points[-1] == (max(times), pytest.approx(1.0))


def test_an_empty_histogram_has_no_times() -> None:
    empty = LatencyHistogram()
    assert (empty.mean_ns, empty.quantile_ns(0.99), list(empty.curve())) == (0, 0, [])


def test_times_that_lie_evenly_have_their_median_in_the_middle_and_their_longest_at_the_end() -> (
    None
):
    latency = LatencyHistogram()
    latency.add_evenly(1_000_000, 3_000_000, 16)
    assert latency.weight == 16
    assert abs(latency.quantile_ns(0.5) - 2_000_000) < 0.01 * 2_000_000
    assert latency.largest_ns == 3_000_000

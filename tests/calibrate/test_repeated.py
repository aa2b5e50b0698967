"""Medians that one disturbed round does not move."""

from hypothesis import given
from hypothesis import strategies as st

from iowitness.calibrate.repeated import of_calm_values, of_values, repeated


def test_one_disturbed_round_does_not_count() -> None:
    rounds = iter([5.0, 900.0, 6.0, 5.5, 5.2])
    found = repeated(lambda: next(rounds))
    assert found.value == 5.5
    assert (found.low, found.high, found.count) == (5.0, 900.0, 5)


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=60))
def test_the_median_lies_between_low_and_high(values: list[float]) -> None:
    found = of_values(values)
    assert min(values) <= found.low <= found.value <= found.high <= max(values)


def test_of_calm_values_the_lower_quartile_counts() -> None:
    found = of_calm_values([9.0, 5.0, 7.0, 6.0, 30.0])
    assert (found.value, found.low, found.high) == (6.0, 5.0, 30.0)

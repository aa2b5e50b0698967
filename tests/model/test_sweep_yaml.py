"""Sweeps: the values between two ends."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.model.sweep_yaml import SweepPart


def _steps(field: str, start: object, end: object, count: int, scale: str) -> list[float]:
    steps = {"from": start, "to": end, "count": count, "scale": scale}
    return SweepPart.model_validate({"field": field, "steps": steps}).field_values()


def test_linear_steps_lie_evenly() -> None:
    assert _steps("x.linger_ms", 0, "20 ms", 5, "linear") == [0, 5, 10, 15, 20]


def test_log_steps_lie_at_even_ratios() -> None:
    assert _steps("x.byte_count", "1 KiB", "1 MiB", 11, "log") == [1024 << n for n in range(11)]


@given(
    st.integers(1, 10**12),
    st.integers(1, 10**12),
    st.integers(2, 50),
    st.sampled_from(["linear", "log"]),
)
def test_steps_between_whole_ends_are_whole_keep_both_ends_and_never_turn(
    start: int, end: int, count: int, scale: str
) -> None:
    values = _steps("x", start, end, count, scale)
    assert values[0] == start
    assert values[-1] == end
    assert all(isinstance(value, int) for value in values)
    direction = 1 if end >= start else -1
    assert all((b - a) * direction > 0 for a, b in pairwise(values))


def test_an_end_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a number"):
        _steps("policy.flush", "never", "ever", 3, "linear")

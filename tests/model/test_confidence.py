"""Student's t against printed tables, and the intervals made of it."""

from math import inf

import pytest

from iowitness.model.confidence import interval, student_t

TABLE = [  # Abramowitz and Stegun, table 26.10: probability, degrees of freedom, t
    (0.975, 1, 12.706), (0.975, 2, 4.303), (0.975, 4, 2.776), (0.975, 9, 2.262),
    (0.995, 5, 4.032), (0.95, 10, 1.812), (0.975, 30, 2.042), (0.975, 120, 1.980),
]  # fmt: skip


@pytest.mark.parametrize(("probability", "freedom", "t"), TABLE)
def test_quantiles_are_those_of_the_tables(probability: float, freedom: int, t: float) -> None:
    assert student_t(probability, freedom) == pytest.approx(t, abs=6e-4)


def test_an_interval_by_hand() -> None:
    found = interval([1.0, 2.0, 3.0])
    assert found.mean == 2
    assert found.half_width == pytest.approx(4.3027 / 3**0.5, rel=1e-4)
    assert found.holds(0)
    assert not found.holds(4.5)


def test_one_run_says_nothing_about_spread() -> None:
    assert interval([5.0]).half_width == inf


def test_no_run_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the figure of at least one run"):
        interval([])

"""Confidence intervals over seeds: Student's t on the means of independent runs.

Runs with different seeds are independent replications, so no batch means or autocorrelation are
needed. Source: Law, Simulation Modeling and Analysis, 5th ed., section 9.4.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan, cos, pi, sin, sqrt

_BISECTION_STEPS = 80


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over `count` runs, and how far from it the true one lies with `level` confidence.

    One run says nothing about spread: its `half_width` is infinite.
    """

    mean: float
    half_width: float
    level: float
    count: int

    @property
    def low(self) -> float:
        """The lower end."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """The upper end."""
        return self.mean + self.half_width

    def holds(self, value: float) -> bool:
        """True if a value lies inside."""
        return self.low <= value <= self.high


def interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """The interval of the mean of at least one value."""
    if not values:
        raise ValueError("values=(), expected the figure of at least one run")
    if not 0 < level < 1:
        raise ValueError(f"level={level}, expected between 0 and 1")
    count = len(values)
    mean = sum(values) / count
    if count == 1:
        return Interval(mean, float("inf"), level, 1)
    variance = sum((value - mean) ** 2 for value in values) / (count - 1)
    half_width = student_t((1 + level) / 2, count - 1) * sqrt(variance / count)
    return Interval(mean, half_width, level, count)


def student_t(probability: float, freedom: int) -> float:
    """The quantile of Student's t with so many degrees of freedom, for probabilities above 1/2."""
    low, high = 0.0, 1.0
    while _below(high, freedom) < probability:
        high *= 2
    for _ in range(_BISECTION_STEPS):
        middle = (low + high) / 2
        if _below(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _below(t: float, freedom: int) -> float:
    """P(T <= t) for t >= 0, by the finite series for whole degrees of freedom.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    angle = atan(t / sqrt(freedom))
    square = cos(angle) ** 2
    if freedom % 2 == 0:
        term = total = 1.0
        for k in range(2, freedom, 2):
            term *= square * (k - 1) / k
            total += term
        return 0.5 + 0.5 * sin(angle) * total
    total = 0.0
    if freedom > 1:
        term = total = cos(angle)
        for k in range(3, freedom, 2):
            term *= square * (k - 1) / k
            total += term
    return 0.5 + (angle + sin(angle) * total) / pi

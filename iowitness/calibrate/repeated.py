"""Figures measured several times: the median, and how far apart the rounds were."""

from collections.abc import Callable
from statistics import median

from msgspec import Struct

ROUND_COUNT = 5


class Measured(Struct, frozen=True, kw_only=True):
    """One figure in its preset's unit, from `count` rounds: their median.

    `low` and `high` hold the middle nine tenths of the rounds; of few rounds, all.
    """

    value: float
    low: float
    high: float
    count: int

    @property
    def spread(self) -> float:
        """From the lowest to the highest round, as a share of the median."""
        return (self.high - self.low) / self.value if self.value else 0.0


def repeated(probe: Callable[[], float], rounds: int = ROUND_COUNT) -> Measured:
    """Probe after probe; their median stands for all, so that one disturbed round does no harm."""
    return of_values([probe() for _ in range(rounds)])


def of_calm_values(values: list[float]) -> Measured:
    """The same, with the lower quartile for the value: for times to which others only add."""
    ordered = sorted(values)
    found = of_values(values)
    return Measured(
        value=ordered[len(ordered) // 4], low=found.low, high=found.high, count=found.count
    )


def of_values(values: list[float]) -> Measured:
    """The same of values that are there already."""
    ordered = sorted(values)
    cut = len(ordered) // 20
    return Measured(
        value=median(ordered), low=ordered[cut], high=ordered[-1 - cut], count=len(ordered)
    )

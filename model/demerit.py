"""How far a simulated distribution of access times lies from a measured one.

Source: the demerit figure of Ruemmler and Wilkes, IEEE Computer 27(3), 1994, as DiskSim's own tool
computes it: the root mean square of the distance between the two inverse distribution functions at
p = 0.0001, 0.0002, ..., 1.
"""

from collections.abc import Sequence
from math import sqrt

_STEP_COUNT = 10_000


def quantile(ordered: Sequence[float], probability: float) -> float:
    """The value of a rising sequence at a probability, on the line between its neighbours.

    The sequence's n values stand at 1/n, 2/n, ..., 1; below 1/n is the smallest.
    """
    place = probability * len(ordered) - 1
    if place <= 0:
        return ordered[0]
    low = min(int(place), len(ordered) - 1)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def demerit(simulated: Sequence[float], measured: Sequence[float]) -> float:
    """The demerit figure, in the unit of the values."""
    ours, theirs = sorted(simulated), sorted(measured)
    squares = 0.0
    for step in range(1, _STEP_COUNT + 1):
        probability = step / _STEP_COUNT
        squares += (quantile(ours, probability) - quantile(theirs, probability)) ** 2
    return sqrt(squares / _STEP_COUNT)

"""Streams of seeded random numbers: the only place of the model that draws.

A stream is a value made from a seed and a name, with no global state behind it, so that equal
seeds give equal runs in any process, and that one part's draws do not shift another's.
"""

from math import exp, floor, lgamma, log, sqrt
from random import Random

_SMALL_MEAN = 10.0


def stream(seed: int, name: str) -> Random:
    """The stream of that name. Equal arguments give equal streams on every machine."""
    return Random(f"{seed}/{name}")


def poisson(draws: Random, mean: float) -> int:
    """A Poisson variate, exact for every mean.

    Source: Knuth, TAOCP vol. 2, 3.4.1 for small means; Hoermann, The transformed rejection method
    for generating Poisson random variables, Insurance: Mathematics and Economics 12, 1993 (PTRS).
    """
    if mean < _SMALL_MEAN:
        return _poisson_by_products(draws, mean)
    root = sqrt(mean)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    certain = 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = draws.random() - 0.5, draws.random()
        side = 0.5 - abs(u)
        if side <= 0:
            continue
        k = floor((2 * a / side + b) * u + mean + 0.43)
        if side >= 0.07 and v <= certain:
            return k
        if k < 0 or (side < 0.013 and v > side) or v <= 0:
            continue
        left = log(v * inverse_alpha / (a / (side * side) + b))
        if left <= k * log(mean) - mean - lgamma(k + 1):
            return k


def _poisson_by_products(draws: Random, mean: float) -> int:
    if mean <= 0:
        return 0
    limit, product, count = exp(-mean), draws.random(), 0
    while product > limit:
        product *= draws.random()
        count += 1
    return count

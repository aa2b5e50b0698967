"""A histogram of times that can be added to another one: quantiles within 0.8 % of their value.

Buckets are linear within each power of two, 64 to a power, as in HdrHistogram; so two runs, or two
seeds, merge exactly, and the size does not grow with the number of values.
Source: G. Tene, HdrHistogram; the idea of equal relative error is also DDSketch's (VLDB 2019).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

_SUB_BITS = 6
_SUB_COUNT = 1 << _SUB_BITS


@dataclass(slots=True)
class LatencyHistogram:
    """Times in nanoseconds, each with a weight (records, bytes or requests: who adds decides)."""

    weights: dict[int, float] = field(default_factory=dict)
    weight: float = 0.0
    weighted_sum_ns: float = 0.0
    largest_ns: int = 0

    def add(self, time_ns: int, weight: float = 1) -> None:
        """Count a time; a negative one is a bug of the caller."""
        assert time_ns >= 0, f"time_ns={time_ns}"
        shift = time_ns.bit_length() - _SUB_BITS - 1
        key = time_ns if shift <= 0 else (shift << _SUB_BITS) + (time_ns >> shift)
        self.weights[key] = self.weights.get(key, 0.0) + weight
        self.weight += weight
        self.weighted_sum_ns += time_ns * weight
        if time_ns > self.largest_ns:
            self.largest_ns = time_ns

    def add_evenly(self, shortest_ns: int, longest_ns: int, count: int) -> None:
        """Count times that lie evenly from one to another, as up to five points of equal weight.

        An odd number of points has the median on one of them, and the longest time stays itself.
        """
        if count == 1:
            self.add(max(0, longest_ns))
            return
        points = min(count, 5)
        step_ns, weight = (longest_ns - shortest_ns) / (points - 1), count / points
        time_ns = float(shortest_ns)
        for _ in range(points):
            self.add(int(time_ns) if time_ns > 0 else 0, weight)
            time_ns += step_ns

    def add_all(self, other: "LatencyHistogram") -> None:
        """Merge another histogram into this one."""
        for key, weight in other.weights.items():
            self.weights[key] = self.weights.get(key, 0.0) + weight
        self.weight += other.weight
        self.weighted_sum_ns += other.weighted_sum_ns
        self.largest_ns = max(self.largest_ns, other.largest_ns)

    def clear(self) -> None:
        """Forget everything."""
        self.weights.clear()
        self.weight = self.weighted_sum_ns = 0.0
        self.largest_ns = 0

    @property
    def mean_ns(self) -> float:
        """The exact mean; 0 of an empty histogram."""
        return self.weighted_sum_ns / self.weight if self.weight else 0.0

    def quantile_ns(self, probability: float) -> int:
        """The middle of the bucket that holds the quantile; 0 of an empty histogram."""
        wanted, seen = probability * self.weight, 0.0
        for key in sorted(self.weights):
            seen += self.weights[key]
            if seen >= wanted:
                low, high = _bounds(key)
                return min(self.largest_ns, (low + high) // 2)
        return self.largest_ns

    def curve(self) -> Iterator[tuple[int, float]]:
        """The distribution function: (upper bound of a bucket in ns, share at or below)."""
        seen = 0.0
        for key in sorted(self.weights):
            seen += self.weights[key]
            yield min(self.largest_ns, _bounds(key)[1]), seen / self.weight


def _bounds(key: int) -> tuple[int, int]:
    """The smallest and the largest time of a bucket."""
    if key < 2 * _SUB_COUNT:
        return key, key
    shift = (key >> _SUB_BITS) - 1
    low = (key - (shift << _SUB_BITS)) << shift
    return low, low + (1 << shift) - 1

"""Arrivals of records in time, counted in batches and not one by one, yet exact.

A process is a unit-rate one in *operational time*, the expected number of arrivals so far; a rate
that changes only bends the clock. Of a Poisson process it is used that, given how many arrive
within a stretch, they lie there as uniform draws, and the k-th of n uniform draws is
Beta(k, n - k + 1).
Source: Kingman, Poisson Processes, 1993, chapters 2 and 4.
"""

from dataclasses import dataclass
from math import floor
from random import Random

from iowitness.model.broker_load import Arrivals
from iowitness.model.seeded_random import poisson

_SECOND_NS = 1_000_000_000


@dataclass(slots=True)
class Span:
    """Records that arrived evenly from one time to another, the first and the last on them.

    A batch that waits for more is ready at `ready_ns`, else with its last record.
    """

    count: int
    first_ns: int
    last_ns: int
    ready_ns: int = 0

    def split(self, count: int) -> "Span":
        """Take the first records off; there must be more."""
        middle_ns = self.first_ns + (self.last_ns - self.first_ns) * count // self.count
        taken = Span(count, self.first_ns, middle_ns)
        self.count -= count
        self.first_ns = middle_ns
        return taken


class ArrivalTimes:
    """The arrivals at one of `producer_count` producers; each record is taken once, in order."""

    def __init__(self, arrivals: Arrivals, producer_count: int, draws: Random) -> None:
        self._kind = arrivals.kind
        self._per_ns = arrivals.records_per_s / producer_count / _SECOND_NS
        self._burst_ns = arrivals.burst_ns
        self._period_ns = arrivals.period_ns
        self._draws = draws
        # Producers with a constant rate do not tick together: each begins within its first gap.
        self._next = draws.random() if self._kind == "constant" else draws.expovariate(1.0)
        self.next_ns = self._time_ns(self._next)

    def batch(self, full_count: int, wait_ns: int) -> Span:
        """What arrives until a batch is full, or has waited since its first record.

        A full one is ready with its last record, another when the wait is over.
        """
        first, first_ns = self._next, self.next_ns
        until_ns = first_ns + wait_ns
        until = self._operational(until_ns)
        if full_count <= 1:
            self._goes_on(first)
            return Span(1, first_ns, first_ns)
        if self._kind == "constant":
            later = floor(until - first)
            if later + 1 >= full_count:
                return self._full(full_count, first, first_ns, first + full_count - 1)
        elif until - first > full_count:
            # It will most likely fill up: draw when, and only if that is too late, how many came.
            last = first + self._draws.gammavariate(full_count - 1, 1.0)
            if last <= until:
                return self._full(full_count, first, first_ns, last)
            later = full_count
            while later + 1 >= full_count:
                later = poisson(self._draws, until - first)
        else:
            later = poisson(self._draws, until - first)
            if later + 1 >= full_count:
                place = self._draws.betavariate(full_count - 1, later - full_count + 2)
                return self._full(full_count, first, first_ns, first + (until - first) * place)
        self._goes_on(first + later if self._kind == "constant" else until)
        return Span(later + 1, first_ns, self._last_ns(first, first_ns, later, until_ns), until_ns)

    def until(self, now_ns: int) -> Span | None:
        """What has arrived by now."""
        if self.next_ns > now_ns:
            return None
        first, first_ns = self._next, self.next_ns
        now = max(first, self._operational(now_ns))
        if self._kind == "constant":
            later = floor(now - first)
            self._goes_on(first + later)
        else:
            later = poisson(self._draws, now - first)
            self._goes_on(now)
        return Span(later + 1, first_ns, self._last_ns(first, first_ns, later, now_ns))

    def _last_ns(self, first: float, first_ns: int, later: int, until_ns: int) -> int:
        """When the last of those came that arrived after a first one and up to a time."""
        if self._kind == "constant":
            return min(until_ns, self._time_ns(first + later))
        return first_ns + (until_ns - first_ns) * later // (later + 1)

    def mean_count(self, time_ns: int) -> float:
        """How many arrive by a time, on average."""
        return self._operational(time_ns)

    def _full(self, count: int, first: float, first_ns: int, last: float) -> Span:
        self._goes_on(last)
        return Span(count, first_ns, max(first_ns, self._time_ns(last)))

    def _goes_on(self, since: float) -> None:
        """Draw the next arrival after a moment; a Poisson process has no memory."""
        self._next = since + (1.0 if self._kind == "constant" else self._draws.expovariate(1.0))
        self.next_ns = self._time_ns(self._next)

    def _operational(self, time_ns: int) -> float:
        if self._kind != "bursty":
            return time_ns * self._per_ns
        periods, within = divmod(time_ns, self._period_ns)
        share = min(within, self._burst_ns) / self._burst_ns
        return (periods + share) * self._period_ns * self._per_ns

    def _time_ns(self, operational: float) -> int:
        if self._kind != "bursty":
            return round(operational / self._per_ns)
        periods, share = divmod(operational / (self._per_ns * self._period_ns), 1.0)
        return round(periods * self._period_ns + share * self._burst_ns)

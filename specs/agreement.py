"""Agreement: the comparison of a prediction with an observation, figure by figure."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from iowitness.traces.events import AnyEvent


class Difference(Struct, frozen=True, kw_only=True):
    """The first place where two sequences part: what each has there, with the observed event."""

    place: str
    predicted: str
    observed: str
    event: AnyEvent | None = None


class Comparison(Struct, frozen=True, kw_only=True):
    """One figure in both worlds.

    `rule` says how far they may lie apart: `exact`, `band` (relative tolerance `tolerance`), or
    `informative` (never fails). Values are None where a world does not have the figure.
    `compared_count` says how many events stand behind it.
    """

    figure: str
    unit: str
    predicted: float | None
    observed: float | None
    rule: Literal["exact", "band", "informative"]
    tolerance: float = 0.0
    agrees: bool
    compared_count: int = 0
    differences: tuple[Difference, ...] = ()


class Agreement(Struct, frozen=True, kw_only=True):
    """All comparisons of one run with its prediction."""

    comparisons: Sequence[Comparison]

    @property
    def agrees(self) -> bool:
        """True if no comparison failed."""
        return all(comparison.agrees for comparison in self.comparisons)

    @property
    def compared_count(self) -> int:
        """Events that stood side by side."""
        return sum(comparison.compared_count for comparison in self.comparisons)

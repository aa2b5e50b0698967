"""Verdicts: what a contract says of a history, with the events that show it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct, field

from iowitness.traces.events import AnyEvent


class Outcome(StrEnum):
    """The three verdicts. Combined, VIOLATED beats UNKNOWN beats HOLDS."""

    HOLDS = "HOLDS"
    UNKNOWN = "UNKNOWN"
    VIOLATED = "VIOLATED"

    @staticmethod
    def combined(outcomes: "Iterable[Outcome]") -> "Outcome":
        """The worst of several; HOLDS for none at all, so callers must rule out emptiness."""
        return max(outcomes, key=_SEVERITY.__getitem__, default=Outcome.HOLDS)


_SEVERITY = {Outcome.HOLDS: 0, Outcome.UNKNOWN: 1, Outcome.VIOLATED: 2}


class Witness(Struct, frozen=True, kw_only=True):
    """The smallest set of events that shows one violation or one doubt.

    `message` names what was found and what was expected, with values and units. The events carry
    their lines in the raw trace.
    """

    message: str
    events: tuple[AnyEvent, ...] = ()


class Figure(Struct, frozen=True, kw_only=True):
    """One number that a contract measured, with its unit (`B`, `calls/MiB`, `records/request`).

    `expected` is the bound it was held against, as text, empty where it only informs.
    """

    name: str
    value: float
    unit: str = ""
    expected: str = ""


class Verdict(Struct, frozen=True, kw_only=True):
    """What one contract says of one history.

    `contract` is the name it has in its suite, `claim` the kind of contract. `summary` is one line
    for a table. `witness_count` counts all violations, of which `witnesses` keeps the first few.
    `hint` says what to do where a cause is known. `event_count` is how many events it judged.
    """

    contract: str
    claim: str
    outcome: Outcome
    summary: str
    figures: tuple[Figure, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    witness_count: int = 0
    event_count: int = 0
    hint: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

"""What every claim shares: its name, its parameters as text, and the figures' small words."""

from typing import Any

from pydantic import Field, JsonValue

from iowitness.specs.contract import Watch
from iowitness.specs.findings import Findings
from iowitness.specs.scene import Scene
from iowitness.specs.selection import ActorSelector, OfActors, Selecting
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import EVENT_KINDS, IOEvent


class Claim(Selecting):
    """A contract of one kind. Subclasses are values: in YAML and in Python the same fields.

    `name` is what the suite calls it, by default the claim. `nothing_is_fine` says that a history
    in which nothing matches keeps the contract; else it is UNKNOWN, never HOLDS.
    `only_with_workload` says that it speaks of the suite's own workload, and is left out where
    the trace of another run is judged.
    """

    claim: str
    given_name: str | None = Field(default=None, alias="name", min_length=1)
    nothing_is_fine: bool = False
    only_with_workload: bool = False

    @property
    def name(self) -> str:
        """What the suite calls it."""
        return self.given_name or self.claim

    @property
    def needs(self) -> frozenset[str]:
        """The kinds of event without which nothing can be shown."""
        raise NotImplementedError

    @property
    def doubted_by(self) -> frozenset[str]:
        """The kinds of event of which a hidden one could break it: all, unless it says less."""
        return self.needs

    def parameters(self) -> dict[str, str]:
        """What it was asked to hold: all fields that are not at their default, as text."""
        given = self.model_dump(
            exclude_defaults=True, exclude={"claim", "given_name", "only_with_workload"}
        )
        return {key: _told(value) for key, value in given.items()}


def one_at_least(*keys: str) -> dict[str, JsonValue]:
    """What JSON Schema says where one of several keys has to be there."""
    return {"anyOf": [{"required": [key]} for key in keys]}


def _told(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(_told, value))
    return str(value)


class ActorClaim(Claim, OfActors):
    """A contract over what selected processes and threads do, in selected phases."""

    def watch(self, scene: Scene) -> Watch:
        """A new fold; `scene` tells it who is who while it runs."""
        raise NotImplementedError


class Fold:
    """The common part of the watches: the scene, the selected actors, and the findings."""

    sees: tuple[type[IOEvent], ...] = ()

    def __init__(self, claim: ActorClaim, scene: Scene) -> None:
        self._claim_name = claim.claim
        self._contract_name = claim.name
        self.scene = scene
        self.actors: ActorSelector = claim.actors(scene)
        self.findings = Findings()

    def concerns(self, process_id: int) -> bool:
        """Whether the process is one of the selected."""
        return self.actors.fit_process(process_id)

    def verdict(self, holds: str, *figures: Figure, hint: str | None = None) -> Verdict:
        """The findings as a verdict."""
        return self.findings.verdict(
            contract=self._contract_name,
            claim=self._claim_name,
            holds=holds,
            figures=figures,
            hint=hint,
        )


def kinds(*events: type[IOEvent]) -> frozenset[str]:
    """The names of kinds of event, as `needs` has them."""
    names = frozenset(event.__name__ for event in events)
    assert names <= set(EVENT_KINDS)
    return names


def counted(count: int, thing: str) -> str:
    """A count with its thing: `1 file`, `2,000 files`."""
    if count == 1:
        return f"1 {thing}"
    if thing.endswith("y"):
        return f"{count:,} {thing[:-1]}ies"
    return f"{count:,} {thing}{'es' if thing.endswith(('ch', 's')) else 's'}"

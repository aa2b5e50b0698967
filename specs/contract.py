"""Contracts as folds: a claim that watches events go by, and says at the end what it saw.

A trace of any size is judged in one pass, because no contract keeps the events it has seen.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol, TypeAlias, cast

import msgspec

from iowitness.specs.gaps import ends_early, may_hide
from iowitness.specs.places import placed
from iowitness.specs.scene import Scene
from iowitness.specs.verdict import Outcome, Verdict, Witness
from iowitness.traces.events import AnyEvent, IOEvent
from iowitness.traces.history import Gap, History, Provenance


class Watch(Protocol):
    """One contract on its way through one history.

    `sees` are the kinds of event that it wants; it is shown no others. `concerns` says whether
    anything that the process does may matter to it, so that gaps elsewhere raise no doubt.
    """

    @property
    def sees(self) -> tuple[type[IOEvent], ...]:
        """Kinds of event."""

    def see(self, event: AnyEvent) -> None:
        """Take one event in, in order of completion."""

    def concerns(self, process_id: int) -> bool:
        """Whether an unseen call of this process could change the verdict."""

    def conclude(self) -> Verdict:
        """The verdict on all that was seen; an `event_count` of 0 says that nothing matched."""


class Contract(Protocol):
    """A claim over a history: a pure function, given as a fold.

    `needs` are the kinds of event without which the claim cannot be shown. `nothing_is_fine`
    says that a history without a single such event keeps the contract.
    """

    @property
    def name(self) -> str:
        """The name it has in its suite."""

    @property
    def claim(self) -> str:
        """The kind of contract, `sequential-writes`."""

    @property
    def needs(self) -> frozenset[str]:
        """Kinds of event, by name."""

    @property
    def doubted_by(self) -> frozenset[str]:
        """Kinds of event, by name, of which a hidden one could break the claim.

        One that could only help it (a sync that nobody saw the end of) raises no doubt.
        """

    @property
    def nothing_is_fine(self) -> bool:
        """Whether no matching event at all is HOLDS; else it is UNKNOWN."""

    def parameters(self) -> dict[str, str]:
        """What it was asked to hold, for reports."""

    def watch(self, scene: Scene) -> Watch:
        """A new fold; `scene` tells it who is who while it runs."""


class Composite(Protocol):
    """A contract made of others, whose verdict is a function of theirs."""

    @property
    def name(self) -> str:
        """The name it has in its suite."""

    @property
    def claim(self) -> str:
        """How it is made: `all`, `any`, `not`."""

    @property
    def parts(self) -> "Sequence[Contract | Composite]":
        """The contracts that it is made of."""

    def parameters(self) -> dict[str, str]:
        """What it was asked to hold, for reports."""

    def combine(self, verdicts: Sequence[Verdict]) -> Verdict:
        """The verdict on the whole, from those on the parts, in their order."""


AnyContract: TypeAlias = Contract | Composite


class _Leaf:
    """A contract with its watch."""

    def __init__(self, contract: Contract, scene: Scene) -> None:
        self.contract = contract
        self.watches: list[Watch] = [contract.watch(scene)]

    def verdict(self, visible_kinds: frozenset[str], provenance: Provenance) -> Verdict:
        contract, watch = self.contract, self.watches[0]
        found = watch.conclude()
        found = msgspec.structs.replace(
            found,
            contract=contract.name,
            claim=contract.claim,
            parameters=contract.parameters(),
            witnesses=tuple(placed(one, provenance) for one in found.witnesses),
        )
        if found.witnesses:
            found = msgspec.structs.replace(found, summary=_summary(found))
        if found.outcome is Outcome.VIOLATED:
            return found
        doubt = (
            _blindness(contract, visible_kinds)
            or _gap_doubt(contract, watch, provenance)
            or _vacuity(contract, found)
        )
        if doubt is None and not found.event_count and found.outcome is Outcome.HOLDS:
            return msgspec.structs.replace(found, summary="nothing matched, which is fine here")
        if doubt is None or (found.outcome is Outcome.UNKNOWN and found.witnesses):
            return found
        return msgspec.structs.replace(
            found,
            outcome=Outcome.UNKNOWN,
            summary=doubt.witness.message,
            witnesses=(doubt.witness,),
            witness_count=1,
            hint=doubt.hint,
        )


class _Branch:
    """A composite with its parts."""

    def __init__(self, contract: Composite, scene: Scene) -> None:
        self.contract = contract
        self._parts = [_node(part, scene) for part in contract.parts]
        self.watches: list[Watch] = [watch for part in self._parts for watch in part.watches]

    def verdict(self, visible_kinds: frozenset[str], provenance: Provenance) -> Verdict:
        verdicts = [part.verdict(visible_kinds, provenance) for part in self._parts]
        return msgspec.structs.replace(
            self.contract.combine(verdicts),
            contract=self.contract.name,
            claim=self.contract.claim,
            parameters=self.contract.parameters(),
        )


def _node(contract: AnyContract, scene: Scene) -> _Leaf | _Branch:
    # A composite is known by its parts; isinstance does not work on protocols of properties.
    if hasattr(contract, "parts"):
        return _Branch(cast("Composite", contract), scene)
    return _Leaf(contract, scene)


class Judging:
    """One pass of several contracts over one source of events.

    `root` is the folder below which relative globs begin.
    """

    def __init__(
        self,
        contracts: Sequence[AnyContract],
        *,
        visible_kinds: frozenset[str],
        data_is_visible: bool,
        root: str = "",
    ) -> None:
        scene = self._scene = Scene(root=root, data_is_visible=data_is_visible)
        self._visible_kinds = visible_kinds
        self._nodes = [_node(contract, scene) for contract in contracts]
        # The scene comes first: it is up to date before anybody asks it.
        self._viewers: dict[type[IOEvent], list[Callable[[AnyEvent], None]]] = {
            kind: [scene.see] for kind in Scene.SEES
        }
        for watch in (watch for node in self._nodes for watch in node.watches):
            for kind in watch.sees:
                self._viewers.setdefault(kind, []).append(watch.see)

    def see(self, event: AnyEvent) -> None:
        """Show one event to the scene and to every watch that wants its kind."""
        for see in self._viewers.get(type(event), ()):
            see(event)

    def verdicts(self, provenance: Provenance) -> tuple[Verdict, ...]:
        """The verdicts, in the order of the contracts, each witness with its place."""
        self._scene.ends_early = ends_early(provenance.gaps)
        return tuple(node.verdict(self._visible_kinds, provenance) for node in self._nodes)


class _Doubt(NamedTuple):
    """Why a contract that nothing speaks against cannot be shown, and what may help."""

    witness: Witness
    hint: str


def _blindness(contract: Contract, visible_kinds: frozenset[str]) -> _Doubt | None:
    missing = sorted(contract.needs - visible_kinds)
    if not missing:
        return None
    hint = "trace all calls that the contracts need: iowitness trace --suite SUITE -- COMMAND"
    if missing == ["BlockIssued"]:
        hint = "what reaches the device is seen by root alone: iowitness trace --block FOLDER"
    return _Doubt(Witness(message=f"the source cannot see {', '.join(missing)}"), hint)


def _gap_doubt(contract: Contract, watch: Watch, provenance: Provenance) -> _Doubt | None:
    def concerns(gap: Gap) -> bool:
        near = gap.process_id is None or watch.concerns(gap.process_id)
        return near and may_hide(gap, contract.doubted_by)

    gaps = [gap for gap in provenance.gaps if concerns(gap)]
    if not gaps:
        return None
    raw = provenance.raw_files[0] if provenance.raw_files else "line "
    place = f" ({raw.rpartition('/')[2]}:{gaps[0].line})" if gaps[0].line else ""
    count = len(gaps) - 1
    more = f", and {count} more {'gap' if count == 1 else 'gaps'}" if count else ""
    message = f"the source may have missed events: {gaps[0].reason}{place}{more}"
    return _Doubt(Witness(message=message), "trace to the end, with -f, and keep the whole file")


def _vacuity(contract: Contract, found: Verdict) -> _Doubt | None:
    if found.event_count or contract.nothing_is_fine:
        return None
    hint = (
        "see that the selection fits (relative globs begin at the root, roles and phases come from "
        "marks); where no such event is in order, nothing_is_fine: true says so"
    )
    return _Doubt(Witness(message="nothing matched, so nothing was shown"), hint)


def _summary(found: Verdict) -> str:
    first = found.witnesses[0].message
    more = found.witness_count - 1
    return f"{first}; and {more} more" if more else first


def judge(contract: AnyContract, history: History, *, root: str = "") -> Verdict:
    """What one contract says of one history."""
    return judge_history((contract,), history, root=root)[0]


def judge_history(
    contracts: Sequence[AnyContract], history: History, *, root: str = ""
) -> tuple[Verdict, ...]:
    """What several contracts say of one history, in one pass."""
    return judge_all(
        contracts,
        history.events,
        history.visible_kinds,
        data_is_visible=history.data_is_visible,
        provenance=history.provenance,
        root=root,
    )


def judge_all(
    contracts: Sequence[AnyContract],
    events: Iterable[AnyEvent],
    visible_kinds: frozenset[str],
    *,
    data_is_visible: bool,
    provenance: Provenance,
    root: str = "",
) -> tuple[Verdict, ...]:
    """What several contracts say of a stream of events, in one pass.

    Where the provenance is known only when the events are through, use `Judging` itself.
    """
    judging = Judging(
        contracts, visible_kinds=visible_kinds, data_is_visible=data_is_visible, root=root
    )
    for event in events:
        judging.see(event)
    return judging.verdicts(provenance)

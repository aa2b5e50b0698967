"""All claims, by the name that a suite uses for them, and those that are made of others."""

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import Field

from iowitness.specs.append_only import AppendOnly
from iowitness.specs.atomic_replace import AtomicReplace
from iowitness.specs.batched_sends import BatchedSends
from iowitness.specs.call_budget import CallBudget
from iowitness.specs.claim import Claim
from iowitness.specs.composites import all_of, any_of, opposite
from iowitness.specs.compression import Compression
from iowitness.specs.device_sequential import DeviceSequential
from iowitness.specs.fd_hygiene import FdHygiene
from iowitness.specs.never_synced_in import NeverSyncedIn
from iowitness.specs.no_reads_of import NoReadsOf
from iowitness.specs.no_writes_outside import NoWritesOutside
from iowitness.specs.order import Order
from iowitness.specs.sequential_writes import SequentialWrites
from iowitness.specs.stored_as_sent import StoredAsSent
from iowitness.specs.synced_before_acknowledged import SyncedBeforeAcknowledged
from iowitness.specs.thread_roles import ThreadRoles
from iowitness.specs.verdict import Verdict
from iowitness.specs.zero_copy_reads import ZeroCopyReads


class _Composite(Claim):
    @property
    def parts(self) -> Sequence["AnyClaim"]:
        raise NotImplementedError

    def parameters(self) -> dict[str, str]:
        return {"of": ", ".join(part.name for part in self.parts)}


class AllOf(_Composite):
    """Holds if every part holds; the worst of their verdicts otherwise."""

    claim: Literal["all"] = "all"
    of: tuple["AnyClaim", ...] = Field(min_length=1)

    @property
    def parts(self) -> Sequence["AnyClaim"]:
        """The contracts it is made of."""
        return self.of

    def combine(self, verdicts: Sequence[Verdict]) -> Verdict:
        """The worst verdict."""
        return all_of(verdicts)


class AnyOf(_Composite):
    """Holds if one part holds; else it is UNKNOWN if one is, because that one might have held."""

    claim: Literal["any"] = "any"
    of: tuple["AnyClaim", ...] = Field(min_length=1)

    @property
    def parts(self) -> Sequence["AnyClaim"]:
        """The contracts it is made of."""
        return self.of

    def combine(self, verdicts: Sequence[Verdict]) -> Verdict:
        """The best verdict."""
        return any_of(verdicts)


class Not(_Composite):
    """Holds if its part is violated, and is violated if it holds.

    A part that is UNKNOWN, because nothing matched for instance, leaves it UNKNOWN.
    """

    claim: Literal["not"] = "not"
    of: "AnyClaim"

    @property
    def parts(self) -> Sequence["AnyClaim"]:
        """The one contract that must not hold."""
        return (self.of,)

    def combine(self, verdicts: Sequence[Verdict]) -> Verdict:
        """The opposite verdict."""
        (one,) = verdicts
        return opposite(one)


AnyClaim: TypeAlias = Annotated[
    AllOf
    | AnyOf
    | AppendOnly
    | AtomicReplace
    | BatchedSends
    | CallBudget
    | Compression
    | DeviceSequential
    | FdHygiene
    | NeverSyncedIn
    | NoReadsOf
    | Not
    | NoWritesOutside
    | Order
    | SequentialWrites
    | StoredAsSent
    | SyncedBeforeAcknowledged
    | ThreadRoles
    | ZeroCopyReads,
    Field(discriminator="claim"),
]

for _composite in (AllOf, AnyOf, Not):
    _composite.model_rebuild()


def claim_names() -> tuple[str, ...]:
    """The names of all claims, as suites use them."""
    union = get_args(AnyClaim)[0]
    return tuple(sorted(one.model_fields["claim"].default for one in get_args(union)))

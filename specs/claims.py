"""All claims, by the name that a suite uses for them."""

from typing import Annotated, TypeAlias

from pydantic import Field

from iowitness.specs.append_only import AppendOnly
from iowitness.specs.batched_sends import BatchedSends
from iowitness.specs.call_budget import CallBudget
from iowitness.specs.compression import Compression
from iowitness.specs.sequential_writes import SequentialWrites
from iowitness.specs.stored_as_sent import StoredAsSent
from iowitness.specs.thread_roles import ThreadRoles
from iowitness.specs.zero_copy_reads import ZeroCopyReads

AnyClaim: TypeAlias = Annotated[
    AppendOnly
    | BatchedSends
    | CallBudget
    | Compression
    | SequentialWrites
    | StoredAsSent
    | ThreadRoles
    | ZeroCopyReads,
    Field(discriminator="claim"),
]

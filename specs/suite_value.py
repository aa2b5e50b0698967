"""A suite: what to run, what must be true of it, and how far the prediction may lie apart."""

from dataclasses import dataclass

from iowitness.located_yaml import LocatedErrors
from iowitness.specs.agreement import EXACT, AgreementRules
from iowitness.specs.claims import AnyClaim
from iowitness.specs.workload import Workload

DEFAULT_CONTENT_BYTE_COUNT = 131_072
"""How much of each buffer a capture keeps, so that whole batches can be compared."""

NO_WORKLOAD = Workload(steps=())
"""The workload of a suite that is for judging traces of other programs."""


class SuiteError(LocatedErrors):
    """A suite file with errors: all of them, each as file:line:column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Contracts with or without a workload.

    A suite without a workload has one of no steps, and is for judging traces of other programs.
    `root` is the folder below which relative globs begin, where the suite's user set one.
    `hardware` is the name or path of the model's preset, None for the default one.
    `content_byte_count` is what a capture should keep of each buffer.
    """

    name: str
    about: str = ""
    root: str = ""
    workload: Workload = NO_WORKLOAD
    contracts: tuple[AnyClaim, ...]
    agreement: AgreementRules = EXACT
    hardware: str | None = None
    content_byte_count: int = DEFAULT_CONTENT_BYTE_COUNT

    @property
    def has_workload(self) -> bool:
        """Whether there is something to run, so that the suite can be verified."""
        return bool(self.workload.steps)

    @property
    def contracts_for_traces(self) -> tuple[AnyClaim, ...]:
        """The contracts that make sense for any trace, not only for that of the workload."""
        return tuple(one for one in self.contracts if not one.only_with_workload)

"""What judges a disk state: recovers it, and holds it against what the program had promised."""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import xor
from typing import Protocol

from msgspec import Struct

from iowitness.crash.file_bytes import Loss
from iowitness.crash.operations import Operation


class DiskState(Struct, frozen=True):
    """One state. `files`, `folders` and `links` build it only where they are called.

    `digests` are by the first part of the path ("" for files of the root itself), and `files` takes
    such a part, or None for all. Equal digests mean equal trees. `is_whole` says that nothing is
    lost, as after the death of the process alone.
    """

    digests: Mapping[str, int]
    loss: Loss
    files: Callable[[str | None], dict[str, bytes]]
    folders: Callable[[], list[str]]
    links: Callable[[], dict[str, str]]

    @property
    def digest(self) -> int:
        """One digest of the whole tree."""
        return reduce(xor, self.digests.values(), 0)

    @property
    def is_whole(self) -> bool:
        """Whether everything that reached the kernel is there."""
        return not self.loss.lost and self.loss.torn is None


class Checker(Protocol):
    """Sees every operation in order, and any number of states after each."""

    def observe(self, number: int, operation: Operation) -> None:
        """One operation more has happened: promises may have grown."""

    def judge(self, state: DiskState) -> str | None:
        """What is wrong with a state after what was observed last; None if nothing is."""

"""Which leftovers in a log's folder go, and which swapped files take their place: pure.

A crash leaves files of work that was under way: `.deleted` and `.cleaned` are dropped; a `.swap`
is a finished replacement that only has to be renamed. Source: docs/kafka-behaviours.md, 36 and 37.
"""

from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

from iowitness.impl.log_names import (
    ABORTED_TRANSACTIONS,
    CLEANED,
    DELETED,
    LOG,
    OFFSET_INDEX,
    SEGMENT_SUFFIXES,
    SWAP,
    TIME_INDEX,
    base_offset_of,
    file_name,
    suffix_of,
)


class Removal(Struct, frozen=True):
    """A file to remove."""

    name: str


class Replacement(Struct, frozen=True):
    """A file to rename, replacing what has the new name."""

    old_name: str
    new_name: str


Step: TypeAlias = Removal | Replacement


def swept(names: Iterable[str]) -> list[Step]:
    """What to do with the leftovers among a folder's names, in order.

    An unfinished split leaves `.swap` files beside `.cleaned` ones; those of them that lie at or
    above the lowest `.cleaned` offset are dropped with them.
    """
    names = sorted(names)
    steps: list[Step] = [
        Removal(name)
        for name in names
        if name.endswith((DELETED, CLEANED)) and base_offset_of(name) is not None
    ]
    unfinished = [base_offset_of(name) for name in names if name.endswith(CLEANED)]
    floor = min((base for base in unfinished if base is not None), default=None)
    kept: set[str] = set(names) - {step.name for step in steps if isinstance(step, Removal)}
    swaps = [name for name in names if name.endswith(SWAP) and base_offset_of(name) is not None]
    for name in swaps:
        base = base_offset_of(name)
        kept.discard(name)
        if floor is not None and base is not None and base >= floor:
            steps.append(Removal(name))
    finished = [name for name in swaps if Removal(name) not in steps]
    steps += _replaced(finished, kept)
    logs = {name for name in kept if name.endswith(LOG)}
    logs |= {name.removesuffix(SWAP) for name in finished if name.endswith(LOG + SWAP)}
    steps += [Removal(name) for name in sorted(kept) if _is_orphan(name, logs)]
    return steps


def _replaced(swaps: list[str], kept: set[str]) -> list[Step]:
    """Renames of finished swaps, after the removal of the segments that they stand for.

    Names alone do not say how far a `.swap` reaches, so only segments of its own base offset are
    known to be covered; others were renamed to `.deleted` before, by the compaction that made it.
    """
    steps: list[Step] = []
    for name in swaps:
        target = name.removesuffix(SWAP)
        base = base_offset_of(name)
        if base is not None and target.endswith(LOG):
            # The old segment's indexes would point into the new one.
            old = [file_name(base, suffix) for suffix in (OFFSET_INDEX, TIME_INDEX)]
            stale = [index for index in old if index in kept and index + SWAP not in swaps]
            steps += [Removal(index) for index in stale]
            kept.difference_update(stale)
        steps.append(Replacement(name, target))
        kept.add(target)
    return steps


def _is_orphan(name: str, logs: set[str]) -> bool:
    base = base_offset_of(name)
    if base is None or suffix_of(name) not in (OFFSET_INDEX, TIME_INDEX, ABORTED_TRANSACTIONS):
        return False
    return file_name(base, LOG) not in logs


def swap_names(base_offset: int) -> list[str]:
    """The names that a segment's replacement has before it is in place."""
    return [file_name(base_offset, suffix + SWAP) for suffix in SEGMENT_SUFFIXES]

"""Which leftovers in a log's folder go, and which swapped files take their place: pure.

A crash leaves files of work that was under way: `.deleted` and `.cleaned` are dropped; a `.swap`
is a finished replacement that only has to be renamed. Source: docs/kafka-behaviours.md, 36 and 37.
"""

from collections.abc import Iterable, Mapping
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


def swept(names: Iterable[str], swap_ends: Mapping[int, int]) -> list[Step]:
    """What to do with the leftovers among a folder's names, in order.

    An unfinished split leaves `.swap` files beside `.cleaned` ones; those of them that lie at or
    above the lowest `.cleaned` offset are dropped with them. `swap_ends` has the offset after the
    last record of each `.log.swap`, by its base: the segments between the lowest finished base
    and the highest end are those that were compacted into them, and go.
    """
    names = sorted(name for name in names if base_offset_of(name) is not None)
    unfinished = [base_offset_of(name) for name in names if name.endswith(CLEANED)]
    floor = min((base for base in unfinished if base is not None), default=None)
    steps: list[Step] = []
    kept: set[str] = set()
    finished: list[str] = []
    for name in names:
        is_split = floor is not None and (base_offset_of(name) or 0) >= floor
        if name.endswith((DELETED, CLEANED)) or (name.endswith(SWAP) and is_split):
            steps.append(Removal(name))
        elif name.endswith(SWAP):
            finished.append(name)
        else:
            kept.add(name)
    steps += _replaced(finished, kept, swap_ends)
    logs = {name for name in kept if name.endswith(LOG)}
    steps += [Removal(name) for name in sorted(kept) if _is_orphan(name, logs)]
    return steps


def finished_swaps(names: Iterable[str]) -> list[int]:
    """The base offsets of the `.log.swap` files, whose ends `swept` has to know."""
    found = (base_offset_of(name) for name in names if name.endswith(LOG + SWAP))
    return sorted(base for base in found if base is not None)


def _replaced(swaps: list[str], kept: set[str], swap_ends: Mapping[int, int]) -> list[Step]:
    """Renames of finished swaps, after the removal of the segments that they stand for.

    Source: Kafka 4.3, LogLoader.load, the second and third pass.
    """
    bases = [base_offset_of(name) for name in swaps if name.endswith(LOG + SWAP)]
    covered = [base for base in bases if base is not None]
    start = min(covered, default=0)
    end = max((max(swap_ends[base], base + 1) for base in covered), default=0)
    replaced = [
        name
        for name in sorted(kept)
        if start <= (base_offset_of(name) or 0) < end and suffix_of(name) in SEGMENT_SUFFIXES
    ]
    kept.difference_update(replaced)
    kept.update(name.removesuffix(SWAP) for name in swaps)
    return [
        *(Removal(name) for name in replaced),
        *(Replacement(name, name.removesuffix(SWAP)) for name in swaps),
    ]


def _is_orphan(name: str, logs: set[str]) -> bool:
    base = base_offset_of(name)
    if base is None or suffix_of(name) not in (OFFSET_INDEX, TIME_INDEX, ABORTED_TRANSACTIONS):
        return False
    return file_name(base, LOG) not in logs

"""Every disk state that a crash can leave, up to a stated number of lost changes.

After each operation the machine may stop. Then everything may have survived; or one change that was
not durable is lost, with all that needs it; or two; or one block is torn. Each of these again with
what may fill bytes that nobody knows.
"""

from collections.abc import Iterator
from itertools import combinations

from msgspec import Struct

from iowitness.crash.disk import Disk
from iowitness.crash.file_bytes import Fill, Loss, Torn
from iowitness.crash.operations import Change, WriteBlock
from iowitness.crash.persistence import PersistenceModel


class Bounds(Struct, frozen=True):
    """How far to look. `lost_count` 0 to 2: changes lost at once, besides those that need them.

    `recent_count` bounds pairs to the latest changes that are not durable; None takes all.
    """

    lost_count: int = 2
    recent_count: int | None = None
    is_tearing: bool = True


def losses(disk: Disk, model: PersistenceModel, bounds: Bounds) -> Iterator[Loss]:
    """What may be lost if the machine stops now, the whole state first; each once."""
    fills = disk.fills
    for fill in fills:
        yield Loss(fill=fill)
    pending = list(disk.pending.items())
    # With nothing lost garbage shows only in mapped ranges; what is lost can leave a hole.
    shown = tuple(Fill) if len(fills) > 1 else _fills_of_holes(model)
    if bounds.lost_count:
        gone = {number: model.lost_with(number, pending) for number, _ in pending}
        for lost in _lost_sets(gone, bounds):
            for fill in shown:
                yield Loss(lost, None, fill)
    if bounds.is_tearing:
        for torn in _tears(pending, model):
            for fill in fills:
                yield Loss(_after(torn, pending, model), torn, fill)


def _fills_of_holes(model: PersistenceModel) -> tuple[Fill, ...]:
    return (Fill.KEPT, Fill.GARBAGE) if model.shows_garbage else (Fill.KEPT,)


def _lost_sets(gone: dict[int, frozenset[int]], bounds: Bounds) -> Iterator[frozenset[int]]:
    seen: set[frozenset[int]] = set()
    recent = list(gone)[-bounds.recent_count :] if bounds.recent_count else list(gone)
    for count in range(1, bounds.lost_count + 1):
        for numbers in combinations(gone if count == 1 else recent, count):
            lost = frozenset[int]().union(*(gone[number] for number in numbers))
            if lost not in seen:
                seen.add(lost)
                yield lost


def _tears(pending: list[tuple[int, Change]], model: PersistenceModel) -> Iterator[Torn]:
    for number, change in pending:
        if isinstance(change, WriteBlock):
            for sector in model.tear_byte_counts:
                first = sector - change.offset % sector
                for cut in range(first, len(change.data), sector):
                    yield Torn(number, cut, keeps_tail=False)
                    yield Torn(number, cut, keeps_tail=True)


def _after(
    torn: Torn, pending: list[tuple[int, Change]], model: PersistenceModel
) -> frozenset[int]:
    """What cannot have survived beside a torn block: what needs it whole, but not itself."""
    return model.lost_with(torn.number, pending) - {torn.number}

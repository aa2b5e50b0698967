"""A disk state's name: model, place in the recording, what was lost, what is torn, what fills.

`weakest:57:12+13:14@512t:garbage`: after operation 57, changes 12 and 13 lost, of block 14 only the
tail from byte 512 on, garbage where nobody knows; `-` where nothing is lost or torn.
"""

import re
from typing import Final

from msgspec import Struct

from iowitness.crash.errors import CrashError
from iowitness.crash.file_bytes import Fill, Loss, Torn
from iowitness.crash.persistence import MODELS

_NAME: Final = re.compile(
    r"(?P<model>[a-z0-9-]+):(?P<place>[0-9]+):(?P<lost>-|[0-9+]+):"
    r"(?P<torn>-|[0-9]+@[0-9]+[ht]):(?P<fill>kept|zeros|garbage)"
)


class StateName(Struct, frozen=True):
    """One state of a recording."""

    model: str
    place: int
    loss: Loss

    def __str__(self) -> str:
        loss = self.loss
        lost = "+".join(map(str, sorted(loss.lost))) or "-"
        torn = "-"
        if loss.torn is not None:
            torn = f"{loss.torn.number}@{loss.torn.cut}{'t' if loss.torn.keeps_tail else 'h'}"
        return f"{self.model}:{self.place}:{lost}:{torn}:{loss.fill.value}"


def read_state_name(text: str, operation_count: int) -> StateName:
    """The state that a name names. Raises `CrashError` for a text that is none."""
    match = _NAME.fullmatch(text)
    if match is None or match["model"] not in MODELS:
        raise CrashError(f"state={text!r}, expected MODEL:PLACE:LOST:TORN:FILL as it was printed")
    place = int(match["place"])
    if place >= operation_count:
        raise CrashError(f"state={text!r}: place={place}, expected below {operation_count}")
    lost = frozenset(int(part) for part in match["lost"].split("+") if part.isdigit())
    torn = None
    if match["torn"] != "-":
        number, _, cut = match["torn"].partition("@")
        torn = Torn(int(number), int(cut[:-1]), keeps_tail=cut.endswith("t"))
    return StateName(match["model"], place, Loss(lost, torn, Fill(match["fill"])))
